import { describe, expect, it, onTestFinished } from 'vitest';
import { type CdnAnswer, CdnSource, type CdnSourceOptions } from '../../../../agent/datafiles/sources/cdn.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { datafileBody, KEY, OTHER_KEY, RecordingSink } from '../../support/fakes.ts';
import { startHttp, TestCdn } from '../../support/http.ts';

async function setUp(options: Partial<CdnSourceOptions> = {}) {
  const cdn = await new TestCdn().start();
  onTestFinished(() => cdn.close());
  const sink = new RecordingSink();
  const source = new CdnSource(sink, {
    ...{ clock: new ManualClock(), random: () => 0.5, pollIntervalMs: 60_000, tokenOf: () => null },
    ...{ urlTemplate: cdn.template, authUrlTemplate: cdn.template.replace('datafiles/', 'auth/') },
    ...options,
  });
  onTestFinished(() => source.stop());
  return { cdn, sink, source };
}

describe('the CDN source', () => {
  it('offers a datafile as one that is not from the record', async () => {
    const { cdn, sink, source } = await setUp();
    cdn.bodies.set(KEY, datafileBody(9));
    await source.watch(KEY);
    expect(sink.offered[0]).toMatchObject({ seq: 0, lineage: 'none', revision: 9, source: 'cdn' });
    expect(sink.offered[0]?.lastModifiedMs).toBe(Date.parse('Tue, 14 Nov 2023 22:13:20 GMT'));
    expect(source.refusal(KEY)).toBeNull();
  });

  it('asks whether it has changed, not for the whole each time', async () => {
    const { cdn, sink, source } = await setUp();
    cdn.bodies.set(KEY, datafileBody(9));
    await source.watch(KEY);
    await source.watch(KEY);
    expect(cdn.seen[1]?.headers['if-none-match']).toBeDefined();
    expect(sink.offered).toHaveLength(1);
    expect(sink.confirmed).toMatchObject([{ sdkKey: KEY, version: { seq: 0 } }]);
  });

  it('sends a token to the template for secure environments, and to no other', async () => {
    const { cdn, source } = await setUp({ tokenOf: (sdkKey) => (sdkKey === KEY ? 'token' : null) });
    await source.watch(KEY);
    await source.watch(OTHER_KEY);
    expect(cdn.seen.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      [`/auth/${KEY}.json`, 'Bearer token'],
      [`/datafiles/${encodeURIComponent(OTHER_KEY)}.json`, undefined],
    ]);
  });

  it.each([
    [403, 'CDN_DENIED', 403],
    [404, 'CDN_DENIED', 404],
    [500, 'CDN_FAILED', 500],
  ])('tells of a %d', async (status, code, refusal) => {
    const { cdn, sink, source } = await setUp();
    cdn.failStatus = status;
    await source.watch(KEY);
    expect(sink.failures[0]).toMatchObject({ source: 'cdn', sdkKey: KEY, error: { code } });
    expect(source.refusal(KEY)).toBe(refusal);
  });

  it('says for whom the CDN would vouch, without offering anything', async () => {
    const { cdn, sink, source } = await setUp();
    cdn.bodies.set(KEY, datafileBody(9));
    const vouched = await source.vouch(KEY, 'token');
    if (typeof vouched === 'number') throw new Error(`refused: ${vouched}`);
    expect(vouched.response.status).toBe(200);
    expect(cdn.seen[0]).toMatchObject({
      url: `/auth/${KEY}.json`,
      headers: { authorization: 'Bearer token' },
    });
    expect(await source.vouch(OTHER_KEY, null)).toBe(403);
    expect(sink.offered).toEqual([]);
    vouched.discard();
    await expect(vouched.response.text()).rejects.toThrow();
  });

  it('begins with what it was answered when it vouched, and asks for changes only', async () => {
    const { cdn, sink, source } = await setUp();
    cdn.bodies.set(KEY, datafileBody(9));
    await source.watch(KEY, (await source.vouch(KEY, null)) as CdnAnswer);
    expect(sink.offered).toMatchObject([{ seq: 0, revision: 9, source: 'cdn' }]);
    expect(cdn.seen).toHaveLength(1);
    await source.watch(KEY);
    expect(cdn.seen[1]?.headers['if-none-match']).toBeDefined();
    expect(source.status(KEY)).toBe(200);
  });

  it('follows the redirect of a mirror, and leaves the token with the host that it is for', async () => {
    const bucket = await startHttp(() => ({ status: 200, body: datafileBody(1) }));
    const door = await startHttp(() => ({ status: 302, headers: { location: `${bucket.url}/signed?s=1` } }));
    onTestFinished(() => bucket.close());
    onTestFinished(() => door.close());
    const authUrlTemplate = `${door.url}/%s.json`;
    const { sink, source } = await setUp({ authUrlTemplate, tokenOf: () => 'token' });
    await source.watch(KEY);
    expect(sink.seqs).toEqual([0]);
    expect(door.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer token']);
    expect(bucket.seen.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/signed?s=1', undefined],
    ]);
  });

  it('sends the credentials of its URL where no access token is', async () => {
    const door = await startHttp(() => ({ status: 200, body: datafileBody(1) }));
    onTestFinished(() => door.close());
    const template = `${door.url.replace('//', '//reader:hush%2Dmirror@')}/%s.json`;
    const tokenOf = (sdkKey: string) => (sdkKey === KEY ? null : 'token');
    const { source, sink } = await setUp({ urlTemplate: template, authUrlTemplate: template, tokenOf });
    await source.watch(KEY);
    await source.watch(OTHER_KEY);
    const basic = `Basic ${Buffer.from('reader:hush-mirror').toString('base64')}`;
    expect(door.seen.map(({ headers }) => headers.authorization)).toEqual([basic, 'Bearer token']);
    expect(sink.seqs).toEqual([0]);
  });

  it('stops reading a body that is larger than any datafile', async () => {
    const huge = await startHttp(() => ({ status: 200, body: Buffer.alloc(11 * 1024 * 1024, 0x20) }));
    onTestFinished(() => huge.close());
    const { sink, source } = await setUp({ urlTemplate: `${huge.url}/%s.json` });
    await source.watch(KEY);
    expect(sink.offered).toEqual([]);
    expect(String(sink.failures[0]?.error)).toContain('more than');
  });

  it('offers nothing that is not a datafile of the key', async () => {
    const { cdn, sink, source } = await setUp();
    cdn.bodies.set(KEY, datafileBody(9, { sdkKey: OTHER_KEY }));
    await source.watch(KEY);
    expect(sink.offered).toEqual([]);
    expect(sink.failures[0]).toMatchObject({ error: { code: 'DATAFILE_WRONG_KEY' } });
  });
});
