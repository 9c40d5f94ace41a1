// The descriptions that requests are read by, and the document that is made of them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import yaml from 'yaml';
import { parseDecideRequest } from '../../../../agent/http/decide/request.ts';
import { openApiDocument } from '../../../../agent/http/openapi/openapi.ts';
import { PROTOCOL_DESCRIPTIONS } from '../../../../agent/http/openapi/protocols.ts';
import { ROUTE_DESCRIPTIONS } from '../../../../agent/http/openapi/routes.ts';
import { flag, listOf, mapOf, object, text, WRONG } from '../../../../agent/http/openapi/schema.ts';
import { NESTING_MAX, parseJson, readBody } from '../../../../agent/http/openapi/schema-body.ts';
import { DECIDE_BODY } from '../../../../agent/http/openapi/schema-routes.ts';
import { LIMITS } from '../../support/bounds.ts';
import { startRecorded } from '../recorded-agent.ts';

const PERSON = object({ name: text('a'), tall: flag('b'), tags: listOf(text('c'), 'd') }, ['name']);

describe('a description', () => {
  it('reads what it describes, and passes over the rest', () => {
    expect(PERSON.read({ name: 'x', tall: true, tags: ['y'], more: 1 })).toEqual({
      ...{ name: 'x', tall: true, tags: ['y'] },
    });
    expect(PERSON.read({ name: null })).toEqual({ name: '', tall: false, tags: [] });
    expect(PERSON.read(null)).toEqual({ name: '', tall: false, tags: [] });
  });

  it.each([
    ['a list', []],
    ['a text', 'x'],
    ['a number for a text', { name: 1 }],
    ['a text for a boolean', { tall: 'true' }],
    ['a text for a list', { tags: 'x' }],
    ['a number in a list of texts', { tags: ['x', 1] }],
  ])('refuses %s', (_, value) => expect(PERSON.read(value)).toBe(WRONG));

  it('takes no field from the prototype of its value', () => {
    const named = object({ toString: text('a'), constructor: text('b') });
    expect(named.read({})).toEqual({ toString: '', constructor: '' });
    const map = mapOf(text('a'), 'b').read(JSON.parse('{"__proto__":"x"}')) as Record<string, string>;
    expect(Object.entries(map)).toEqual([['__proto__', 'x']]);
  });
});

describe('a body', () => {
  it('a body of no bytes is null, and one that is not UTF-8 is none', () => {
    expect(parseJson(Buffer.alloc(0))).toBeNull();
    expect(parseJson(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined();
    expect(readBody(PERSON, Buffer.from('[]'))).toBeNull();
  });

  it(`a body is nested ${NESTING_MAX} deep at most, brackets in its texts not counted`, () => {
    const deep = (levels: number, inside: string) =>
      Buffer.from(`${'[{"a":'.repeat(levels / 2)}${inside}${'}]'.repeat(levels / 2)}`);
    const brackets = JSON.stringify(`\\"${'[{'.repeat(NESTING_MAX)}`);
    expect(parseJson(deep(NESTING_MAX, brackets))).toBeDefined();
    expect(parseJson(deep(NESTING_MAX + 2, '1'))).toBeUndefined();
  });
});

describe('the body of a decision', () => {
  const name = fc.constantFrom(...Object.keys((DECIDE_BODY.json.properties ?? {}) as object), 'more');
  const value = fc.oneof(
    fc.constantFrom(null, true, '', 'u', 1, [], {}, ['INCLUDE_REASONS'], [null], ['IGNORE_CACHE']),
    fc.constantFrom({ a: 1 }, [{}], [{ flagKey: 'f', ruleKey: null, variationKey: 'v' }], [{ flagKey: 1 }]),
  );
  it('the body of a decision is read by hand, for speed, as it is described', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value), (fields) => {
        const byHand = parseDecideRequest(Buffer.from(JSON.stringify(fields)), LIMITS);
        const described = DECIDE_BODY.read(fields);
        expect(byHand === 'error parsing request body').toBe(described === WRONG);
        if (typeof byHand === 'string' || described === WRONG) return;
        expect(byHand).toEqual(described);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the OpenAPI document', () => {
  it('the OpenAPI document is served, as JSON and at the original’s path', async () => {
    const { get } = await startRecorded();
    const response = await get('/openapi.json', { 'x-optimizely-sdk-key': '' });
    expect(response.headers.get('content-type')).toBe('application/json');
    const { info, ...rest } = JSON.parse(JSON.stringify(openApiDocument('1')));
    expect(await response.json()).toMatchObject({ ...rest, info: { title: info.title } });
    const asYaml = await get('/openapi.yaml');
    expect(asYaml.headers.get('content-type')).toBe('application/x-yaml');
    const text = await asYaml.text();
    expect(text).toMatch(/^openapi: 3\.0\.3$/m);
    expect(yaml.parse(text)).toEqual(await (await get('/openapi.json')).json());
  });

  it('the OpenAPI document has a body with the fields that are read, and names what a request needs', () => {
    const { paths } = openApiDocument('1') as { paths: Record<string, Record<string, unknown>> };
    const track = paths['/v1/track']?.post;
    expect(track).toMatchObject({
      parameters: expect.arrayContaining([expect.objectContaining({ name: 'eventKey', required: true })]),
      requestBody: { content: { 'application/json': { schema: { properties: { eventTags: {} } } } } },
      security: [{ SdkKey: [] }],
    });
  });

  it('the OpenAPI document has every route of the API, and no other', async () => {
    const { admin } = await startRecorded();
    const metrics = await (await fetch(`${admin}/metrics`, { headers: { accept: 'text/plain' } })).text();
    const counted = [...metrics.matchAll(/seconds_count\{route="((?:GET|POST) [^"]+)"/g)];
    const ofOtherPorts = ['GET /metrics', 'GET /info', 'GET /config', 'POST /webhooks/optimizely'];
    const mounted = counted
      .map(([, route]) => route as string)
      .filter((route) => !ofOtherPorts.includes(route));
    const described = Object.keys({ ...ROUTE_DESCRIPTIONS, ...PROTOCOL_DESCRIPTIONS });
    const documented = described.map((route) => route.replace(/\{\w+\}(\.json)?$/, '*'));
    expect(documented.filter((route) => !mounted.includes(route))).toEqual([]);
    const beside = mounted.filter((route) => !documented.includes(route));
    expect(beside).toEqual(['GET /openapi.json', 'GET /openapi.yaml', 'GET /']);
  });
});
