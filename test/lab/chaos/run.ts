// One fault from its beginning to its line on the scoreboard.

import { messageOf } from '../../../core/errors.ts';
import { Watch } from './clients/watch.ts';
import { readManifest } from './record.ts';
import type { Scenario } from './scenario.ts';
import type { Score } from './scoreboard.ts';
import type { Stage } from './stage.ts';

/** Changes and decisions before the fault, so that it meets something under way. */
const WARM_MS = 1_200;
/** Changes go on for a while afterwards: the live path has to work again, not only the catch-up. */
const AFTER_MS = 1_200;
/** Longer than every rule: a change that has not come by then does not come. */
const GIVE_UP_MS = 30_000;

const pauseMs = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function runScenario(scenario: Scenario, stage: Stage): Promise<Score> {
  const { begin, name, faultMs, rule, staleRule } = scenario;
  const watch = await Watch.begin(stage);
  const { changes } = watch;
  let convergedMs: number | null = null;
  let lost: string[] = [];
  let isFelt = false;
  try {
    await pauseMs(WARM_MS);
    const traced = followTrace(scenario, stage);
    const heal = await begin(stage, watch);
    await pauseMs(faultMs);
    isFelt = traced();
    changes.pause();
    await heal();
    convergedMs = await watch.untilAllServe(Date.now(), GIVE_UP_MS);
    changes.resume();
    await pauseMs(AFTER_MS);
    await changes.stop();
    const after = await watch.untilAllServe(Date.now(), GIVE_UP_MS);
    lost = [...(after === null ? watch.behind() : []), ...(await gapsOf(stage, changes.revision))];
  } catch (error) {
    lost = [`the exercise itself failed: ${messageOf(error)}`];
  } finally {
    await watch.stop();
  }
  const { askers } = watch;
  const sum = (of: (asker: (typeof askers)[number]) => number) =>
    askers.reduce((total, asker) => total + of(asker), 0);
  return {
    fault: name,
    asked: sum(({ asked }) => asked),
    failed: sum(({ failed }) => failed),
    refusedWhileDead: sum(({ refusedWhileDead }) => refusedWhileDead),
    stalenessMsMax: watch.stalenessMsMax(),
    convergedMs,
    rule,
    staleRule,
    wentBack: askers.flatMap(({ wentBack }) => wentBack),
    changes: changes.made.length,
    lost,
    isFelt,
    notes: [...askers.flatMap(({ failures }) => failures), ...(stage.notes?.() ?? [])],
  };
}

/** Listens for the fault's trace; the function that it returns says whether it came, and stops listening. */
function followTrace({ trace }: Scenario, stage: Stage): () => boolean {
  if (trace === undefined) return () => true;
  let isFound = false;
  const stop = trace.of(stage)?.onLine((line) => {
    isFound ||= trace.says(line);
  });
  return () => {
    stop?.();
    return isFound;
  };
}

/** The record's head must be the newest change, and its history without a hole. */
async function gapsOf(stage: Stage, revision: number): Promise<string[]> {
  const manifest = await readManifest(stage.stack);
  const gaps = manifest.history.filter(({ seq }, i) => seq !== manifest.seq - i);
  return [
    ...(manifest.revision === revision
      ? []
      : [`the record is at revision ${manifest.revision}, not ${revision}`]),
    ...(gaps.length === 0 ? [] : [`the history has a hole at seq ${gaps[0]?.seq}`]),
  ];
}
