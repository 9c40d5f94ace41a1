import { describe, expect, it } from 'vitest';
import { parseWebhook, sdkKeyOfUrl, signWebhook, verifySignature } from '../../core/webhook.ts';
import { GOLDEN } from '../fixtures/golden-webhook.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const body = bytes(GOLDEN.body);

describe('the webhook signature', () => {
  it('accepts the golden vector of the documentation', () => {
    expect(body.byteLength).toBe(314);
    expect(signWebhook(body, GOLDEN.secret)).toBe(GOLDEN.signature);
    expect(verifySignature(body, GOLDEN.signature, [GOLDEN.secret])).toBe(true);
  });

  it('accepts any of several secrets, for rotation', () => {
    expect(verifySignature(body, GOLDEN.signature, ['old', GOLDEN.secret])).toBe(true);
    expect(verifySignature(body, GOLDEN.signature, [GOLDEN.secret, 'new'])).toBe(true);
    expect(verifySignature(body, GOLDEN.signature, ['old', 'new'])).toBe(false);
    expect(verifySignature(body, GOLDEN.signature, [])).toBe(false);
  });

  it.each([
    ['truncated', GOLDEN.signature.slice(0, -1)],
    ['longer', `${GOLDEN.signature}0`],
    ['of another algorithm', GOLDEN.signature.replace('sha1=', 'sha256=')],
    ['without its prefix', GOLDEN.signature.slice('sha1='.length)],
    ['not hex', `sha1=${'z'.repeat(40)}`],
    ['empty', ''],
  ])('refuses a signature that is %s', (_, signature) => {
    expect(verifySignature(body, signature, [GOLDEN.secret])).toBe(false);
  });

  it('refuses a body with any one byte changed', () => {
    for (let i = 0; i < body.byteLength; i++) {
      const changed = Uint8Array.from(body);
      changed[i] = (changed[i] as number) ^ 1;
      expect(verifySignature(changed, GOLDEN.signature, [GOLDEN.secret])).toBe(false);
    }
  });

  it('the webhook signature is of the raw bytes: the same object serialised anew has another', () => {
    const again = bytes(JSON.stringify(JSON.parse(GOLDEN.body)));
    expect(verifySignature(again, GOLDEN.signature, [GOLDEN.secret])).toBe(false);
  });
});

describe('the webhook payload', () => {
  it('names project, key, environment and revision', () => {
    expect(parseWebhook(body)).toEqual({
      kind: 'datafile-updated',
      projectId: '11387641093',
      sdkKey: 'QMVJcUKEJZFg8pQ2jhAybK',
      environment: 'Production',
      revision: 13,
      sentAtMs: 1_558_138_293_000,
    });
  });

  it('ignores other events, with any data', () => {
    const other = JSON.stringify({ project_id: 5, event: 'project.change_approved', data: [{ id: 1 }] });
    expect(parseWebhook(bytes(other))).toEqual({
      kind: 'other',
      projectId: '5',
      event: 'project.change_approved',
      sentAtMs: null,
    });
  });

  const updated = (change: object) =>
    JSON.stringify({ project_id: 5, event: 'project.datafile_updated', data: { revision: 1 }, ...change });

  it.each([
    ['not JSON', '{', 'is not UTF-8 JSON'],
    ['a list', '[]', 'is not a JSON object'],
    ['no project', updated({ project_id: undefined }), 'has no numeric project_id'],
    ['no event', updated({ event: 7 }), 'has no event'],
    ['data as an array', updated({ data: [{ revision: 1 }] }), 'has no data object'],
    ['no revision', updated({ data: {} }), 'has no whole-number revision'],
    ['a fractional revision', updated({ data: { revision: 1.5 } }), 'has no whole-number revision'],
    ['a negative revision', updated({ data: { revision: -1 } }), 'has no whole-number revision'],
  ])('the webhook payload is malformed with %s', (_, text, message) => {
    expect(() => parseWebhook(bytes(text))).toThrow(message);
  });

  it('the webhook payload is malformed when it is not UTF-8', () => {
    expect(() => parseWebhook(new Uint8Array([0x7b, 0xff, 0x7d]))).toThrow('is not UTF-8 JSON');
  });
});

describe('the SDK key of a datafile URL', () => {
  it.each([
    ['https://cdn.optimizely.com/datafiles/ABC.json', 'ABC'],
    ['https://cdn.optimizely.com/datafiles/A%2B%2F%3DB.json', 'A+/=B'],
    ['https://config.optimizely.com/datafiles/auth/ABC.json?x=1', 'ABC'],
    ['https://cdn.optimizely.com/datafiles/ABC', null],
    ['https://cdn.optimizely.com/datafiles/A.B.json', null],
    ['https://cdn.optimizely.com/%E0%A4%A.json', null],
    ['not a url', null],
    [17, null],
  ])('%s → %s', (url, sdkKey) => {
    expect(sdkKeyOfUrl(url)).toBe(sdkKey);
  });
});
