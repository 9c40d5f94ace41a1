// Every answer made from a datafile says which one, in every protocol and with every status; and each protocol refuses SDK
// keys in its own way.

import { expect, it } from 'vitest';
import { serves, startAgent } from '../../support/agent.ts';
import { KEY, MemoryRecord } from '../../support/fakes.ts';
import { flagsBody } from '../../support/flags.ts';

const FLAGS = '/ofrep/v1/evaluate/flags';
const USER = { userId: 'ann' };
const CONTEXT = { context: { targetingKey: 'ann' } };

async function start() {
  const record = new MemoryRecord();
  record.publish(KEY, flagsBody(7));
  const agent = await startAgent({ record });
  await serves(agent, 1, 7);
  return async (line: string, body: unknown, headers: Record<string, string>) => {
    const [method = '', path = ''] = line.split(' ');
    const response = await fetch(`${agent.api}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === null ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    await response.body?.cancel();
    return response;
  };
}

it.each([
  ['POST /v1/decide', USER, 200],
  ['POST /v1/decide?keys=absent', USER, 200],
  ['POST /v1/decide', '{', 400],
  ['POST /v1/activate?featureKey=plain', USER, 200],
  ['POST /v1/track?eventKey=absent', USER, 200],
  ['POST /v1/lookup', USER, 500],
  ['GET /v1/config', null, 200],
  ['GET /v1/datafile', null, 200],
  ['GET /v1/datafile/stream', null, 200],
  ['GET /v1/nowhere', null, 404],
  [`GET /datafiles/${KEY}.json`, null, 200],
  [`POST ${FLAGS}`, CONTEXT, 200],
  [`POST ${FLAGS}`, '{', 400],
  [`POST ${FLAGS}/plain`, CONTEXT, 200],
  [`POST ${FLAGS}/plain`, { context: {} }, 400],
  [`POST ${FLAGS}/absent`, CONTEXT, 404],
])('%s with %j is answered %i, and says from which datafile', async (line, body, status) => {
  const ask = await start();
  const response = await ask(line, body, { 'x-optimizely-sdk-key': KEY });
  expect(response.status).toBe(status);
  const told = ['revision', 'seq', 'lineage'].map((name) => response.headers.get(`x-datafile-${name}`));
  expect(told).toEqual(['7', '1', 'lineage-1']);
});

it.each([
  ['POST /v1/decide', USER, '', 400],
  ['POST /v1/decide', USER, 'no key', 400],
  [`POST ${FLAGS}`, CONTEXT, '', 401],
  [`POST ${FLAGS}/plain`, CONTEXT, 'no key', 401],
  ['GET /datafiles/.json', null, '', 404],
  ['GET /datafiles/no%20key.json', null, '', 404],
])('%s with %j and the key %j is refused with %i, and names no datafile', async (line, body, key, status) => {
  const ask = await start();
  const response = await ask(line, body, key === '' ? {} : { 'x-optimizely-sdk-key': key });
  expect(response.status).toBe(status);
  expect(response.headers.get('x-datafile-revision')).toBeNull();
});
