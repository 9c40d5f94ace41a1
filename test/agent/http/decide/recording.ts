// Exchanges recorded from the original Agent, and how an answer of ours is compared with one of them: status, kind of
// content, and body, but for what is free to differ.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Vector {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Record<string, string>;
    readonly body?: unknown;
  };
  readonly response: { readonly status: number; readonly contentType?: string; readonly body: unknown };
}

export const FIXTURES = join(import.meta.dirname, '../../../fixtures/agent-api');
export const RECORDED_KEY = 'KZbunNn9bVfBWLpZPq2XC4';

export const vectors = JSON.parse(readFileSync(join(FIXTURES, 'vectors.json'), 'utf8')) as Vector[];

/** What cannot agree, each with its reason. */
export const DIFFERENT: Readonly<Record<string, string>> = {
  'decide one flag_4 aaaaaaaaaa':
    'the Go SDK buckets into a paused experiment, the Node SDK rightly does not',
};

const FREE = new Set(['requestID', 'startedAt']);

/** The recording says "(501 operations of …)" where it would be long. */
function bodyText(body: unknown): string | undefined {
  if (body === undefined) return undefined;
  if (typeof body !== 'string') return JSON.stringify(body);
  const count = /^\((\d+) operations/.exec(body)?.[1];
  if (count === undefined) return body;
  const operations = Array.from({ length: Number(count) }, (_, i) => ({
    ...{ method: 'GET', url: '/v1/config', operationID: String(i) },
    headers: { 'X-Optimizely-SDK-Key': RECORDED_KEY },
  }));
  return JSON.stringify({ operations });
}

export async function send(base: string, { method, path, headers = {}, body }: Vector['request']) {
  const text = bodyText(body);
  const response = await fetch(`${base}${path}`, {
    method,
    headers: {
      'X-Optimizely-SDK-Key': RECORDED_KEY,
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(text === undefined ? {} : { body: text }),
  });
  const answer = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, isJson, body: parsed(answer) };
}

/** Some JSON is called text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Lists are compared without their order, and what is null or empty not at all. */
export function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(canonical).map((item) => JSON.stringify(item));
    return items.sort();
  }
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value)
    .filter(([key]) => !FREE.has(key))
    .map(([key, item]) => [key, comparable(key, item)] as const)
    .filter(
      ([key, item]) => item !== null && !(key === 'variables' && Object.keys(item as object).length === 0),
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, canonical(item)]));
}

/** When a batch ended is free to differ, but for whether it ever began. */
const comparable = (key: string, item: unknown): unknown =>
  key === 'endedAt' ? String(item).startsWith('0001') : item;
