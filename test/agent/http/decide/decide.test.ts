import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Held } from '../../../../agent/datafiles/store.ts';
import { FlagClients } from '../../../../agent/decisions/clients.ts';
import type { FlagClient } from '../../../../agent/decisions/flag-client.ts';
import { decideHandler } from '../../../../agent/http/decide/decide.ts';
import { parseDecideRequest } from '../../../../agent/http/decide/request.ts';
import type { Exchange } from '../../../../agent/http/kernel/exchange.ts';
import { sha256Of } from '../../../../core/ids.ts';
import { LIMITS, ROOMY, unhurried } from '../../support/bounds.ts';
import { datafileBody, KEY } from '../../support/fakes.ts';

const clients = new FlagClients({
  dispatcher: { dispatchEvent: async () => ({ statusCode: 200 }) },
  onCloseFailed: () => {},
});
let client: FlagClient;
const body = datafileBody(1);
beforeAll(async () => {
  client = (await clients.build(body, sha256Of(body), { sdkKey: KEY })).built;
});
afterAll(async () => {
  clients.retire(client);
  await clients.closed();
});

/** The answer as it would leave: status and JSON. */
function ask(asked: unknown, keys: readonly string[] = ['flag_1']): { status: number; value: never } {
  let answer = { status: 0, value: undefined as unknown };
  const text = typeof asked === 'string' ? asked : JSON.stringify(asked);
  const exchange = {
    body: Buffer.from(text),
    ...ROOMY,
    query: () => keys,
    jsonReady: (status: number, text: string) => {
      answer = { status, value: JSON.parse(text) };
    },
    error: (status: number, error: string) => {
      answer = { status, value: { error } };
    },
  };
  decideHandler(unhurried())(
    exchange as unknown as Exchange,
    { built: client, body } as unknown as Held<FlagClient>,
  );
  return answer as { status: number; value: never };
}

describe('a decision', () => {
  it('a decision of one key is an object, of several or none a list', () => {
    const plain = { flagKey: 'flag_1', variationKey: 'v', enabled: true, ruleKey: 'everyone', reasons: [] };
    expect(ask({ userId: 'u' }).value).toMatchObject(plain);
    expect(ask({ userId: 'u' }, ['flag_1', 'flag_1']).value).toMatchObject([plain]);
    expect(ask({ userId: 'u' }, []).value).toMatchObject([plain]);
  });

  it('leaves out variables where there are none, and names the user', () => {
    const { value } = ask({ userId: 'u', userAttributes: { a: 1, b: null } });
    expect(value).not.toHaveProperty('variables');
    expect(value).toMatchObject({ userContext: { userId: 'u', attributes: { a: 1, b: null } } });
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'of a flag named %s is that there is none',
    (name) => {
      const none = {
        flagKey: name,
        enabled: false,
        variationKey: '',
        ruleKey: '',
        reasons: [expect.any(String)],
      };
      expect(ask({ userId: 'u' }, [name])).toMatchObject({ status: 200, value: none });
      expect(ask({ userId: 'u' }, [name, 'flag_1']).value).toHaveLength(2);
    },
  );

  it('a decision cannot be forced onto the prototype of everything', () => {
    const forcedDecisions = [
      { flagKey: '__proto__', variationKey: 'polluted' },
      { flagKey: '__proto__', ruleKey: 'polluted', variationKey: 'polluted' },
      { flagKey: 'flag_1', ruleKey: '__proto__', variationKey: 'polluted' },
      { flagKey: 'constructor', ruleKey: 'polluted', variationKey: 'polluted' },
    ];
    expect(ask({ userId: 'u', forcedDecisions }).status).toBe(200);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect((Object as unknown as Record<string, unknown>).polluted).toBeUndefined();
    expect(ask('{"userId":"u","userAttributes":{"__proto__":{"polluted":1}}}').status).toBe(200);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('a request', () => {
  it.each([
    ['{"userId":"u"', 'error parsing request body'],
    ['"text"', 'error parsing request body'],
    ['[]', 'error parsing request body'],
    ['{"userId":1}', 'error parsing request body'],
    ['{"userId":"u","userAttributes":"x"}', 'error parsing request body'],
    ['{"userId":"u","decideOptions":"x"}', 'error parsing request body'],
    ['{"userId":"u","decideOptions":[1]}', 'error parsing request body'],
    ['{"userId":"u","forcedDecisions":{}}', 'error parsing request body'],
    ['{"userId":"u","forcedDecisions":[1]}', 'error parsing request body'],
    ['{"userId":"u","forcedDecisions":[{"flagKey":1}]}', 'error parsing request body'],
    ['{}', 'missing "userId" in request payload'],
    ['null', 'missing "userId" in request payload'],
    ['', 'missing "userId" in request payload'],
    ['{"decideOptions":["NOPE"]}', 'missing "userId" in request payload'],
    ['{"userId":"u","decideOptions":["NOPE"]}', 'invalid option: NOPE'],
    ['{"userId":"u","decideOptions":["__proto__"]}', 'invalid option: __proto__'],
    ['{"userId":"u","decideOptions":[null]}', 'invalid option: '],
  ])('%s is refused', (body, error) => {
    expect(parseDecideRequest(Buffer.from(body), LIMITS)).toBe(error);
  });

  it('a request that is not UTF-8 is refused', () => {
    const body = Buffer.concat([Buffer.from('{"userId":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    expect(parseDecideRequest(body, LIMITS)).toBe('error parsing request body');
  });

  it('takes null for left out', () => {
    const body = '{"userId":"u","userAttributes":null,"decideOptions":null,"forcedDecisions":[null]}';
    expect(parseDecideRequest(Buffer.from(body), LIMITS)).toMatchObject({
      userId: 'u',
      userAttributes: {},
      decideOptions: [],
    });
  });

  it('a request of any JSON at all is answered or refused, never an error of ours', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.jsonValue(),
        fc.array(fc.string(), { maxLength: 3 }),
        (any, part, keys) => {
          expect([200, 400]).toContain(ask(JSON.stringify(any), keys).status);
          const fields = {
            userId: 'u',
            userAttributes: { part },
            forcedDecisions: part,
            decideOptions: part,
          };
          expect([200, 400]).toContain(ask(fields, keys).status);
        },
      ),
    );
  });
});
