import { describe, expect, it } from 'vitest';
import { readBody } from '../../../../agent/http/openapi/schema-body.ts';
import { TRACK_BODY } from '../../../../agent/http/openapi/schema-routes.ts';
import { wellFormedJson } from '../../../../agent/http/openapi/well-formed-json.ts';
import { startRecorded } from '../recorded-agent.ts';

describe('halves of characters', () => {
  it.each([
    ['a high half', String.raw`"\ud800"`, '\ufffd'],
    ['a low half', String.raw`"\uDC00"`, '\ufffd'],
    ['two high halves', String.raw`"\ud800\uD83D"`, '\ufffd\ufffd'],
    ['halves in the wrong order', String.raw`"\ude00\ud83d"`, '\ufffd\ufffd'],
    ['a half before a whole', String.raw`"\ud83d\ud83d\ude00"`, '\ufffd😀'],
    ['a half before another escape', String.raw`"\ud83d\n"`, '\ufffd\n'],
  ])('become U+FFFD: %s', (_, json, text) => {
    expect(JSON.parse(wellFormedJson(json))).toBe(text);
  });

  it.each([
    ['a pair', String.raw`"\ud83d\uDE00"`, '😀'],
    ['what an escaped backslash precedes', String.raw`"\\ud800"`, String.raw`\ud800`],
    ['what two escaped backslashes precede', String.raw`"\\\\ud800 \ud83d\ude00"`, String.raw`\\ud800 😀`],
    ['neighbours of the halves', String.raw`"\ud7ff\ue000"`, '\ud7ff\ue000'],
  ])('halves of characters are none: %s', (_, json, text) => {
    expect(JSON.parse(wellFormedJson(json))).toBe(text);
  });

  it('halves of characters are replaced in names too', () => {
    const body = Buffer.from(String.raw`{"userId":"u","eventTags":{"\ud800":"\udfff"}}`);
    expect(readBody(TRACK_BODY, body)).toMatchObject({ eventTags: { '\ufffd': '\ufffd' } });
  });

  it('leave what is no JSON as it is: a refusal', () => {
    for (const json of [String.raw`"\ud8"`, String.raw`"\ud800`, String.raw`"\ud80g"`])
      expect(() => JSON.parse(wellFormedJson(json))).toThrow(SyntaxError);
  });

  it('in the id of a user are answered as the original answers', async () => {
    const agent = await startRecorded();
    const { json } = await agent.post('/v1/decide?keys=flag_0', String.raw`{"userId":"a\ud800"}`);
    expect(json.userContext.userId).toBe('a\ufffd');
  });
});
