// The operator's pattern of SDK keys. It is RE2's, as in the original: the syntax differs from JavaScript's without a word
// (`\z`, `[[:alnum:]]`, `\pL`), and its time is linear in the header that a client sends. Loaded only where a pattern is
// set: it would add 20 ms to every start.

import { messageOf } from '../../core/errors.ts';
import type { Findings } from '../../core/settings/tree.ts';

/** Whether a header's text, an SDK key alone or with its access token, may be asked for. */
export type KeyPattern = (header: string) => Promise<boolean>;

/** The pattern may match any part of the text, as in the original. @throws what the parser throws, when it is first asked */
export function keyPattern(source: string): KeyPattern {
  let compiled: ReturnType<typeof compile> | null = null;
  return async (header) => {
    compiled ??= compile(source);
    return (await compiled).test(header);
  };
}

/** Notes whether the pattern can be used, and whether it allows more than ever passes. */
export async function checkKeyPattern(source: string | null, findings: Findings): Promise<void> {
  if (source === null) return;
  const name = 'client.sdkKeyRegex (OPTIMIZELY_CLIENT_SDKKEYREGEX)';
  try {
    // A dot has a meaning in the bus's subjects.
    if ((await compile(source)).test('a.b'))
      findings.warnings.push(
        `${name} allows keys with a dot; SDK keys are letters, digits and _ + / = - here, and others are refused (400)`,
      );
  } catch (error) {
    findings.problems.push(`${name} is not a regular expression of RE2's syntax (${messageOf(error)})`);
  }
}

async function compile(source: string) {
  const { RE2JS } = await import('re2js');
  return RE2JS.compile(source);
}
