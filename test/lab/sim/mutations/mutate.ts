// Does the simulation notice? Breaks one rule at a time in a copy of the sources and runs seeds until one fails. A rule that
// can be broken unnoticed is a failure of the simulation, and so is one that is not found where it is said to be.

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { progress, table } from '../../../../infra/local/cli.ts';
import { runSeeds } from '../pool.ts';
import { simulate } from '../simulate.ts';
import type { Mutation } from './mutation.ts';
import { MUTATIONS } from './mutations.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const COPIED = ['core', 'io', 'functions', 'agent', 'infra/local/cli.ts', 'test/lab/sim', 'package.json'];

export interface MutationPlan {
  readonly firstSeed: number;
  /** At most so many for each mutation. */
  readonly seeds: number;
  readonly changes: number;
  readonly jobs: number;
  /** Part of a rule; empty for all. */
  readonly only: string;
  readonly json: boolean;
}

interface Caught {
  readonly rule: string;
  /** Null: every seed passed. */
  readonly seed: number | null;
  readonly violation: string;
}

/** True when every mutation was noticed. */
export async function checkMutations(plan: MutationPlan): Promise<boolean> {
  const chosen = MUTATIONS.filter(({ rule }) => rule.includes(plan.only));
  const caught: Caught[] = [];
  for (const [i, mutation] of chosen.entries()) {
    const one = await check(mutation, plan);
    caught.push(one);
    const outcome = one.seed === null ? 'SURVIVED' : `seed ${one.seed}: ${one.violation}`;
    progress(`${i + 1}/${chosen.length} ${mutation.rule}: ${outcome}`);
  }
  const survivors = caught.filter(({ seed }) => seed === null);
  if (plan.json)
    console.log(JSON.stringify({ mutations: caught.length, survived: survivors.length, caught }));
  else {
    const rows = caught.map(({ rule, seed, violation }) => [rule, String(seed ?? 'SURVIVED'), violation]);
    console.log(table([['broken rule', 'seed', 'what was violated'], ...rows]));
    console.log(`${caught.length} rules broken, ${survivors.length} unnoticed`);
  }
  return survivors.length === 0;
}

async function check(mutation: Mutation, { firstSeed, seeds, changes, jobs }: MutationPlan): Promise<Caught> {
  const copy = copyWith(mutation);
  try {
    const results = await runSeeds({
      ...{ folder: join(copy, 'test/lab/sim'), firstSeed, seeds, changes, jobs, failuresMax: 1 },
    });
    const failed = results.find(({ violation }) => violation !== null);
    if (failed !== undefined) await mustHold(failed.seed, changes);
    return {
      rule: mutation.rule,
      seed: failed?.seed ?? null,
      violation: failed?.violation?.text.slice(0, 140) ?? '',
    };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Seeds that fail without the mutation say nothing about it. */
async function mustHold(seed: number, changes: number): Promise<void> {
  const { violation } = await simulate({ seed, changes });
  if (violation !== null) throw new Error(`seed ${seed} fails with every rule in place: ${violation.text}`);
}

function copyWith({ rule, file, find, replace }: Mutation): string {
  const copy = mkdtempSync(join(tmpdir(), 'fanout-sim-'));
  for (const part of COPIED) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  const times = text.split(find).length - 1;
  if (times !== 1) {
    rmSync(copy, { recursive: true, force: true });
    throw new Error(
      `"${rule}": what it breaks is ${times} times in ${file}, not once: bring mutations.ts up to date`,
    );
  }
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
  return copy;
}
