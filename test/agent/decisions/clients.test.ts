import { describe, expect, it, vi } from 'vitest';
import { FlagClients } from '../../../agent/decisions/clients.ts';
import type { DatafileExpectation } from '../../../core/datafile/datafile.ts';
import { type FanoutError, isFanoutError } from '../../../core/errors.ts';
import { sha256Of } from '../../../core/ids.ts';
import { datafileBody, KEY, OTHER_KEY, PROJECT_ID } from '../support/fakes.ts';

interface SentBatch {
  readonly params: { readonly visitors: readonly { readonly visitor_id: string }[] };
}

function setUp() {
  const sent: SentBatch[] = [];
  const closeFailures: unknown[] = [];
  const clients = new FlagClients({
    dispatcher: {
      dispatchEvent: async (event) => {
        sent.push(event as unknown as SentBatch);
        return { statusCode: 200 };
      },
    },
    onCloseFailed: (error) => closeFailures.push(error),
  });
  const build = (body: Buffer, expected: DatafileExpectation = { sdkKey: KEY }) =>
    clients.build(body, sha256Of(body), expected);
  const visitors = () => sent.flatMap(({ params }) => params.visitors.map((visitor) => visitor.visitor_id));
  return { clients, build, sent, visitors, closeFailures };
}

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: FanoutError) => (isFanoutError(error) ? error.code : `not a FanoutError: ${error}`),
  );

describe('a client', () => {
  it('decides by the datafile that it was built of', async () => {
    const { build } = setUp();
    const { built, revision, projectId } = await build(datafileBody(7, { on: true }));
    expect({ revision, projectId }).toEqual({ revision: 7, projectId: PROJECT_ID });
    expect(built.sdk.createUserContext('u')?.decide('flag_1').enabled).toBe(true);
    const off = await build(datafileBody(8, { on: false }));
    expect(off.built.sdk.createUserContext('u')?.decide('flag_1').enabled).toBe(false);
  });

  const shapes: [string, string | Buffer, string][] = [
    ['not JSON', 'nope', 'DATAFILE_INVALID'],
    ['empty', '', 'DATAFILE_INVALID'],
    ['null', 'null', 'DATAFILE_INVALID'],
    ['a list', '[]', 'DATAFILE_INVALID'],
    ['another format version', '{"version":"9"}', 'DATAFILE_UNSUPPORTED'],
    ['without a revision', '{"version":"4","projectId":"1"}', 'DATAFILE_UNSUPPORTED'],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22]), 'DATAFILE_INVALID'],
    ['nested endlessly', '['.repeat(5_000), 'DATAFILE_INVALID'],
    ['larger than any datafile', Buffer.alloc(20 * 1024 * 1024, 0x20), 'DATAFILE_TOO_LARGE'],
    [
      'of a shape that the SDK refuses',
      '{"version":"4","projectId":"1","revision":"2","experiments":[{"id":"constructor"}],"featureFlags":[{"key":"f","experimentIds":["constructor"]}]}',
      'DATAFILE_UNLOADABLE',
    ],
    [
      'with flags that are no list',
      '{"version":"4","projectId":"1","revision":"2","featureFlags":{"a":1}}',
      'DATAFILE_UNLOADABLE',
    ],
    ...['experiments', 'featureFlags', 'rollouts'].map((list): [string, Buffer, string] => [
      `with ${list} that are no list`,
      Buffer.from(JSON.stringify({ ...JSON.parse(datafileBody(2).toString()), [list]: 'none' })),
      'DATAFILE_UNLOADABLE',
    ]),
    ['of another SDK key', datafileBody(2, { sdkKey: OTHER_KEY }), 'DATAFILE_WRONG_KEY'],
  ];
  it.each(shapes)('a client is refused for a datafile that is %s', async (_, text, code) => {
    const { build } = setUp();
    expect(await codeOf(build(Buffer.from(text)))).toBe(code);
  });

  it('a client is refused for a datafile of another project than expected', async () => {
    const { build } = setUp();
    const expected = { sdkKey: KEY, projectId: '777' };
    expect(await codeOf(build(datafileBody(2), expected))).toBe('DATAFILE_WRONG_PROJECT');
  });
});

describe('a retired client', () => {
  it('a retired client is closed at once when no request uses it', async () => {
    const { clients, build } = setUp();
    const { built } = await build(datafileBody(1));
    const close = vi.spyOn(built.sdk, 'close');
    built.acquire();
    built.sdk.createUserContext('before')?.decide('flag_1');
    built.release();
    expect(close).not.toHaveBeenCalled();
    clients.retire(built);
    await clients.closed();
    expect(close).toHaveBeenCalledOnce();
  });

  it('goes on deciding for the requests in flight and is closed after the last of them', async () => {
    const { clients, build, visitors } = setUp();
    const { built } = await build(datafileBody(1));
    const close = vi.spyOn(built.sdk, 'close');
    built.acquire();
    built.acquire();
    clients.retire(built);
    built.release();
    await clients.closed();
    expect(built.sdk.createUserContext('early')?.decide('flag_1').enabled).toBe(true);
    expect(built.sdk.createUserContext('late')?.decide('flag_1').enabled).toBe(true);
    expect(close).not.toHaveBeenCalled();
    built.release();
    await clients.closed();
    expect(close).toHaveBeenCalledOnce();
    expect(visitors().sort()).toEqual(['early', 'late']);
  });

  it('a retired client has handed over the events of decisions made in the very turn it was retired in', async () => {
    const { clients, build, visitors } = setUp();
    const { built } = await build(datafileBody(1));
    built.acquire();
    built.sdk.createUserContext('last')?.decide('flag_1');
    clients.retire(built);
    built.release();
    await clients.closed();
    expect(visitors()).toEqual(['last']);
  });

  it('a retired client is closed once, however often it is retired', async () => {
    const { clients, build, closeFailures } = setUp();
    const { built } = await build(datafileBody(1));
    clients.retire(built);
    clients.retire(built);
    built.acquire();
    built.release();
    await clients.closed();
    expect(closeFailures).toEqual([]);
  });
});

it('each event is handed over within the decision that makes it', async () => {
  const { build, visitors } = setUp();
  const { built } = await build(datafileBody(1));
  for (let i = 0; i < 3; i++) {
    built.sdk.createUserContext(`u${i}`)?.decide('flag_1');
    expect(visitors()).toHaveLength(i + 1);
  }
  expect(visitors()).toEqual(['u0', 'u1', 'u2']);
});
