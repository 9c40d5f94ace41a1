// The engine against the SDK: for any project, any user and all that a request brings along, both give the same answer, send the
// same events and keep the same variations. `npm run engine` compares a million decisions.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareAll, emptyTally } from '../../lab/engine/compare.ts';
import { project, user } from '../../lab/engine/projects.ts';

const DECISIONS_MIN = 20_000;
const USERS = { minLength: 30, maxLength: 50 };

it("a decision of the engine is the SDK's, and so are its events and what it keeps, for any project and user", () => {
  const tally = emptyTally();
  const property = fc.property(project, fc.array(user, USERS), (datafile, users) => {
    compareAll(datafile, users, tally);
  });
  while (tally.compared < DECISIONS_MIN) fc.assert(property, { numRuns: 50 });
  // Every way to decide was compared, and not too much was left to the SDK.
  const reached = ['feature-test', 'rollout', 'holdout', 'beside a holdout', 'forced', 'kept', 'nothing'];
  expect([...tally.reached.keys()].sort()).toEqual(reached.sort());
  for (const name of reached) expect(tally.reached.get(name), name).toBeGreaterThan(20);
  expect([...tally.refused.values()].reduce((sum, count) => sum + count, 0)).toBeLessThan(tally.compared / 3);
});
