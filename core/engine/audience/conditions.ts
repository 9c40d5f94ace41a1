// Trees of conditions, `["and", ["or", …], …]`, as one function. Pure.

import type { AudienceUser, Test } from './match.ts';

export const OPERATORS: ReadonlySet<unknown> = new Set(['and', 'or', 'not']);

/**
 * @param leaf makes the test of what is not a list
 * @throws what `leaf` throws
 */
export function treeTest(tree: unknown, leaf: (condition: unknown) => Test): Test {
  if (!Array.isArray(tree)) return leaf(tree);
  const [first] = tree;
  // A list of plain names has no operator of its own: any will do.
  const isImplied = typeof first === 'string' && !OPERATORS.has(first);
  const inner = (isImplied ? tree : tree.slice(1)).map((one) => treeTest(one, leaf));
  if (first === 'and') return all(inner);
  if (first === 'not') return not(inner[0]);
  const [only] = inner;
  return inner.length === 1 && only !== undefined ? only : any(inner);
}

function all(tests: readonly Test[]): Test {
  return (user: AudienceUser) => {
    let isUnknown = false;
    for (const test of tests) {
      const truth = test(user);
      if (truth === false) return false;
      if (truth === null) isUnknown = true;
    }
    return isUnknown ? null : true;
  };
}

function any(tests: readonly Test[]): Test {
  return (user: AudienceUser) => {
    let isUnknown = false;
    for (const test of tests) {
      const truth = test(user);
      if (truth === true) return true;
      if (truth === null) isUnknown = true;
    }
    return isUnknown ? null : false;
  };
}

function not(test: Test | undefined): Test {
  if (test === undefined) return () => null;
  return (user) => {
    const truth = test(user);
    return truth === null ? null : !truth;
  };
}
