// `fanout datafile history|show|diff` as a process, against a store with a record of three revisions.

import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { pin, quarantine } from '../../../core/record/manifest.ts';
import { type HttpServer, serveHttp } from '../../../infra/local/tools/http.ts';
import { type Ended, fanout } from './support/fanout.ts';
import {
  AWS,
  BUCKET,
  putManifest,
  putRecord,
  RECORD_START_MS,
  SDK_KEY,
  startStore,
} from './support/record.ts';
import { type Shop, shopDatafile } from './support/shop.ts';

const REVISIONS: readonly Shop[] = [
  { revision: 457 },
  { revision: 458, euPercent: 100 },
  { revision: 459, euPercent: 100, colour: 'blue', more: ['gift'] },
];

let store: HttpServer;
beforeAll(async () => {
  store = await startStore();
  const pinned = pin(await putRecord(store, REVISIONS), 'a bad week', RECORD_START_MS);
  const refused = { share: 0.75, agents: 8, code: 'DATAFILE_UNDECIDABLE', atMs: RECORD_START_MS };
  await putManifest(store, quarantine(pinned, refused));
  return () => store.close();
});

const run = (line: string, env: Record<string, string> = {}): Promise<Ended> =>
  fanout(['datafile', ...line.split(' ')], {
    ...AWS,
    FANOUT_BUCKET: BUCKET,
    FANOUT_S3_ENDPOINT: store.url,
    ...env,
  });

describe('datafile history', () => {
  it('lists the changes, newest first, with the pin that holds them', async () => {
    const { code, out, err } = await run('history ShopKey');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const lines = out.trimEnd().split('\n');
    expect(lines[1]).toMatch(
      /^\* {2}seq 3 {2}revision 459 {2}2026-01-31 12:02:00\.000 {2}webhook {2}[0-9a-f]{12} {2}change-3$/,
    );
    expect(lines[3]).toMatch(/^ {3}seq 1 {2}revision 457 /);
    expect(lines[4]).toContain('a bad week');
    expect(lines[5]).toBe(
      'Quarantined since 2026-01-31 12:00:00.000: 75% of 8 agents refuse seq 3 (DATAFILE_UNDECIDABLE). It is no longer announced.',
    );
  });

  it('gives the same as one JSON document', async () => {
    expect((await run('history ShopKey --json')).json()).toMatchObject({
      sdkKey: SDK_KEY,
      seq: 3,
      lineage: 'lineage-1',
      pin: { reason: 'a bad week' },
      quarantine: { seq: 3, share: 0.75, agents: 8, code: 'DATAFILE_UNDECIDABLE' },
      history: [{ revision: 459 }, { revision: 458 }, { revision: 457, changeId: 'change-1' }],
    });
  });
});

describe('datafile diff', () => {
  it('says what the latest change meant', async () => {
    const { code, out } = await run('diff ShopKey');
    expect(code).toBe(0);
    expect(out.split('\n').slice(2).join('\n')).toBe(
      'flag "checkout"\n  variation "on": colour "red" → "blue"\nflag "gift"\n  new, with 0 rules\n',
    );
  });

  it('compares any two, named by revision, seq or hash', async () => {
    const { json } = await run('history ShopKey --json');
    const { history } = json<{ history: { sha256: string }[] }>();
    const hash = history[0]?.sha256.slice(0, 12);
    const { changes } = (await run(`diff ShopKey seq:1 ${hash} --json`)).json<{ changes: object[] }>();
    expect(changes).toContainEqual({ subject: 'flag "checkout"', text: 'rule "eu" traffic 50% → 100%' });
    expect((await run('diff ShopKey 458 457')).out).toContain('rule "eu" traffic 100% → 50%');
    expect((await run('diff ShopKey 458 458')).out).toContain('the very same');
  });
});

describe('datafile show', () => {
  it('shows flags, rules and variations', async () => {
    const { code, out } = await run('show ShopKey 457 --flag checkout');
    expect(code).toBe(0);
    expect(out).toContain('  rule "eu": "Adults in the EU": 50% get "on"\n      "on" on: colour "red"\n');
  });

  it('says what of it is not served', async () => {
    const other = await startStore();
    onTestFinished(() => other.close());
    await putRecord(other, [{ revision: 1, isStale: true, more: ['gift'] }]);
    const env = { FANOUT_S3_ENDPOINT: other.url };
    const part = 'experiment "gone" is not in the datafile (flag "checkout")';
    expect((await run('show ShopKey', env)).out).toContain(`not served: ${part}\n`);
    expect((await run('show ShopKey --flag gift', env)).out).not.toContain('not served');
    expect((await run('show ShopKey --json', env)).json()).toMatchObject({
      leftOut: [{ flagKeys: ['checkout'], what: 'experiment "gone"' }],
    });
  });

  it('gives the exact bytes when asked', async () => {
    const { out } = await run('show ShopKey --raw');
    expect(out).toBe(JSON.stringify(shopDatafile(REVISIONS[2])));
  });
});

describe('what goes wrong says what to do', () => {
  it.each([
    [
      'a revision that is not there',
      'diff ShopKey 1',
      1,
      'no revision "1"',
      'fanout datafile history ShopKey',
    ],
    ['a flag that is not there', 'show ShopKey --flag nope', 1, 'no flag "nope"', '--flag'],
    ['a key that the record has not', 'history OtherKey', 1, 'no datafile of OtherKey', 'reconcile imports'],
    ['something that is no key', 'history a.b', 2, 'is not an SDK key', 'Settings'],
    [
      'a bucket that is not there',
      'history ShopKey --bucket other',
      1,
      'does not have it (the bucket other)',
      'Check the name',
    ],
    ['no key at all', 'history', 2, "missing required argument 'sdk-key'", '--help'],
  ])('%s', async (_, line, code, said, remedy) => {
    const ended = await run(line);
    expect(ended.code).toBe(code);
    expect(ended.err).toContain(said);
    expect(ended.err).toContain(remedy);
    expect(ended.out).toBe('');
  });

  it('no bucket named', async () => {
    const ended = await run('history ShopKey', { FANOUT_BUCKET: '' });
    expect(ended.code).toBe(2);
    expect(ended.err).toContain('FanoutBucketName');
  });

  it.each<[string, Record<string, string>]>([
    ['no region', { AWS_REGION: '' }],
    ['no credentials', { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }],
  ])('%s is a setting to put right, not a store to try again', async (_, env) => {
    const ended = await run('history ShopKey', env);
    expect(ended).toMatchObject({
      code: 2,
      err: expect.stringMatching(/Sign in and choose an account and a region/),
    });
    expect(ended.err).not.toContain('function');
  });

  it('a store that cannot be reached, as JSON too', async () => {
    const gone = await serveHttp(async () => {}, 0);
    onTestFinished(() => gone.close());
    await gone.close();
    const ended = await run('history ShopKey --json', { FANOUT_S3_ENDPOINT: gone.url });
    expect(ended.code).toBe(4);
    expect(ended.json()).toMatchObject({ error: { code: 'RECORD_UNAVAILABLE', remedy: expect.any(String) } });
  });
});
