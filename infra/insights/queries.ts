// The saved Logs Insights queries, for programs that run them. Their one text is queries.json, which the template
// includes too. Knows nothing of AWS: it only fills in what an operator would type over.

import { FanoutError } from '../../core/errors.ts';
import queries from './queries.json' with { type: 'json' };

export type QueryName = keyof typeof queries;

export interface SavedQuery {
  readonly title: string;
  readonly lines: readonly string[];
}

export const QUERIES: Readonly<Record<QueryName, SavedQuery>> = queries;

/** Nothing in here can end a string or begin another command of a query. */
const VALUE_PATTERN = /^[A-Za-z0-9_.:+/=-]{1,128}$/;
const PLACEHOLDER_PATTERN = /<(\w+)>/g;

/** What has to be filled in, for example `changeId`. */
export const placeholdersOf = (name: QueryName): string[] =>
  [...QUERIES[name].lines.join('\n').matchAll(PLACEHOLDER_PATTERN)].map((match) => match[1] as string);

/**
 * The query as CloudWatch takes it.
 * @param values one for each placeholder
 * @throws FanoutError CONFIG_INVALID when a value is missing or could change what the query does
 */
export function queryText(name: QueryName, values: Readonly<Record<string, string | number>> = {}): string {
  return QUERIES[name].lines.join('\n').replace(PLACEHOLDER_PATTERN, (_, placeholder: string) => {
    const value = String(values[placeholder] ?? '');
    if (!VALUE_PATTERN.test(value)) throw unusable(name, placeholder, value);
    return value;
  });
}

const unusable = (name: QueryName, placeholder: string, value: string) =>
  new FanoutError({
    code: 'CONFIG_INVALID',
    message: `"${value.slice(0, 140)}" cannot stand for ${placeholder} in the query "${QUERIES[name].title}"`,
    remedy: `Give a ${placeholder} as the logs show it: at most 128 letters, digits and _ . : + / = - .`,
    retryable: false,
  });
