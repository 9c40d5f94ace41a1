// The one schema of log lines as a checker: what core/log.ts says every line begins with, tried on a line.

import { type LINE_FIELDS, LOG_LEVELS, SERVICE_NAMES } from '../../core/log.ts';
import { VERSION } from '../../core/release.ts';

type LineField = keyof typeof LINE_FIELDS;

const isWord = (value: unknown) => typeof value === 'string' && /^\S.*$/.test(value);

const RULES: Readonly<Record<LineField, (value: unknown) => boolean>> = {
  level: (value) => LOG_LEVELS.some((level) => level === value && level !== 'silent'),
  time: (value) => typeof value === 'string' && new Date(value).toISOString() === value,
  service: (value) => SERVICE_NAMES.some((service) => service === value),
  name: isWord,
  version: (value) => value === VERSION,
  event: (value) => typeof value === 'string' && /^[a-z-]+\.[a-z-]+$/.test(value),
};

/** What is wrong with a line that was parsed already; empty when nothing is. */
export const lineProblems = (line: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(RULES)
    .filter(([field, isRight]) => !isRight(line[field]))
    .map(([field]) => `${field} is ${JSON.stringify(line[field])} in ${JSON.stringify(line).slice(0, 200)}`);

/** What is wrong with lines as a process printed them: each must be a JSON object by the schema. */
export const printedProblems = (lines: readonly string[]): string[] => lines.flatMap(problemsOfText);

function problemsOfText(text: string): string[] {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return [`no JSON: ${text.slice(0, 200)}`];
  }
  if (typeof line !== 'object' || line === null) return [`no object: ${text.slice(0, 200)}`];
  return lineProblems({ ...line });
}
