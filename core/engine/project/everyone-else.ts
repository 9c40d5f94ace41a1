// Which of a flag's delivery rules are for everyone else, by Optimizely's Agent's own rule: of those of a key the first counts, and
// it has that key for its id. Pure.

import type { Flag, Rule } from '../../datafile/shape.ts';
import type { Project } from './project.ts';

/** What Optimizely begins the ids of such rules with. */
const EVERYONE_ELSE_PREFIX = 'default-';
const NONE: ReadonlySet<string> = new Set();

/** Keys of rules. */
export const everyoneElseOf = (flag: Flag, project: Project): ReadonlySet<string> =>
  everyoneElseAmong(project.rolloutOf(flag)?.experiments ?? []);

export function everyoneElseAmong(rules: readonly Pick<Rule, 'id' | 'key'>[]): ReadonlySet<string> {
  let keys: Set<string> | null = null;
  const seen = new Set<string>();
  for (const { id, key } of rules) {
    const isFirst = !seen.has(key);
    seen.add(key);
    if (!isFirst || key !== id || !key.startsWith(EVERYONE_ELSE_PREFIX)) continue;
    keys ??= new Set();
    keys.add(key);
  }
  return keys ?? NONE;
}
