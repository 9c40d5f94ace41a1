// Requests as the original's decoder and its order of checks take them.

import { describe, expect, it } from 'vitest';
import { parseDecideRequest } from '../../../../agent/http/decide/request.ts';
import { readBody } from '../../../../agent/http/openapi/schema-body.ts';
import { TRACK_BODY } from '../../../../agent/http/openapi/schema-routes.ts';
import { LIMITS } from '../../support/bounds.ts';
import { startRecorded } from '../recorded-agent.ts';

const parsed = (body: object) => parseDecideRequest(Buffer.from(JSON.stringify(body)), LIMITS);

describe('names of fields', () => {
  it('names of fields of a decision are found in upper or lower case', () => {
    expect(
      parsed({
        ...{ USERID: 'u', userattributes: { a: 1 }, DecideOptions: ['INCLUDE_REASONS'] },
        forceddecisions: [{ flagkey: 'f', RULEKEY: 'r', VariationKey: 'v' }],
      }),
    ).toMatchObject({
      ...{ userId: 'u', userAttributes: { a: 1 }, decideOptions: ['INCLUDE_REASONS'] },
      forcedDecisions: [{ flagKey: 'f', ruleKey: 'r', variationKey: 'v' }],
    });
  });

  it('count first when they are exact, and of the others the last', () => {
    expect(parsed({ USERID: 'no', userId: 'yes' })).toMatchObject({ userId: 'yes' });
    expect(parsed({ USERID: 'no', userid: 'yes' })).toMatchObject({ userId: 'yes' });
    expect(parsed({ userid: 1 })).toBe('error parsing request body');
  });

  it('names of fields of other bodies are found too', () => {
    const body = Buffer.from('{"UserID":"u","EVENTTAGS":{"a":1},"toString":2}');
    expect(readBody(TRACK_BODY, body)).toMatchObject({ userId: 'u', eventTags: { a: 1 } });
  });
});

describe('a request with several faults', () => {
  it.each(['/v1/decide', '/v1/activate', '/v1/track', '/v1/override', '/v1/lookup', '/v1/send-odp-event'])(
    'to %s is told of its SDK key before its content type',
    async (path) => {
      const agent = await startRecorded();
      const text = { 'content-type': 'text/plain' };
      const noKey = await agent.post(path, '{"userId":"u"}', { ...text, 'x-optimizely-sdk-key': '' });
      expect([noKey.status, noKey.json.error]).toEqual([400, 'missing required X-Optimizely-SDK-Key header']);
      const withKey = await agent.post(path, '{"userId":"u"}', text);
      expect([withKey.status, withKey.text]).toEqual([415, '']);
    },
  );

  it('whose SDK key has no datafile is told which, but for its token', async () => {
    const agent = await startRecorded();
    const { status, json } = await agent.post('/v1/decide', {}, { 'x-optimizely-sdk-key': 'nowhere:secret' });
    expect([status, json.error]).toEqual([500, 'failed to instantiate Optimizely for SDK Key: nowhere']);
  });
});
