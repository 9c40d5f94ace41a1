// One run of one seed, from its first fault to the last check: changes under faults, then calm, then everything has to come
// to the end that the invariants promise.

import { BEAT_INTERVAL_MS, BEATS_MISSED_MAX } from '../../../core/bus/beat.ts';
import type { SdkKey } from '../../../core/ids.ts';
import { Faults } from './actors/faults.ts';
import { RECONCILE_INTERVAL_MS, Script } from './actors/script.ts';
import type { Violation } from './checks/findings.ts';
import { formatLine, type TraceLine } from './checks/trace.ts';
import { Stage } from './stage.ts';
import { WORLD_START_MS } from './world.ts';

const LOOK_INTERVAL_MS = 1_000;
/** A reconcile run that waits for a webhook's grace and for retries. */
const RECONCILE_RUN_MAX_MS = 25_000;
/** Within two runs the record has what Optimizely serves; the first may be cut short by the last fault. */
export const RECORD_BOUND_MS = 2 * RECONCILE_INTERVAL_MS + RECONCILE_RUN_MAX_MS;
/**
 * From calm to every agent at the head, a head that the last reconcile run moved included: its bus has shown it, or the next
 * beat names it (one interval and a run), and the agent asks. Longer than three missed beats, so that these show too.
 */
export const AGENTS_BOUND_MS = RECORD_BOUND_MS + RECONCILE_INTERVAL_MS + RECONCILE_RUN_MAX_MS;
const TRACE_LINES = 60;
/** Of the runs that end with a silence. */
const SILENT_SHARE = 0.08;
const SILENCE_MS = BEAT_INTERVAL_MS * BEATS_MISSED_MAX + 25_000;
const DROPPED_MS = 4_000;

export interface RunOptions {
  readonly seed: number;
  readonly changes: number;
  readonly onLine?: ((line: TraceLine) => void) | null;
  /** Told of each change of the run. */
  readonly onChange?: () => void;
}

export interface RunResult {
  readonly seed: number;
  readonly changes: number;
  readonly violation: Violation | null;
  /** Of every step; equal for equal runs. */
  readonly hash: string;
  readonly steps: number;
  readonly checks: number;
  readonly moves: number;
  readonly swaps: number;
  readonly virtualMs: number;
  /** The last steps about the key of the violation; empty when there is none. */
  readonly trace: readonly string[];
}

export async function simulate({ seed, changes, onLine = null, onChange }: RunOptions): Promise<RunResult> {
  const stage = new Stage(seed, onLine);
  const { world, findings } = stage;
  const isOver = () => findings.first !== null;
  const script = new Script(stage);
  const faults = new Faults(stage, script);
  const look = (): void => {
    stage.look();
    world.after(LOOK_INTERVAL_MS, look);
  };
  world.after(LOOK_INTERVAL_MS, look);
  for (const agent of stage.agents) world.after(world.dice.int(0, 3_000), () => agent.start());
  script.schedule();
  for (const sdkKey of stage.keys) script.announce(sdkKey, stage.optimizely.current(sdkKey));
  let strikes = true;
  const strike = (): void => {
    if (!strikes) return;
    faults.strike();
    world.after(faults.pauseMs(), strike);
  };
  world.after(faults.pauseMs(), strike);
  for (let i = 0; i < changes && !isOver(); i++) {
    await world.runUntil(world.nowMs + script.pauseMs(), isOver);
    if (!isOver()) script.change();
    onChange?.();
  }
  if (!isOver()) await world.runUntil(world.nowMs + world.dice.int(0, 20_000), isOver);
  strikes = false;
  if (!isOver() && world.dice.chance(SILENT_SHARE)) await beSilent(stage, script, isOver);
  faults.end();
  await converge(stage, script, isOver);
  return resultOf(stage, seed, changes);
}

/** A change that is lost on its way to every agent, and then neither a beat nor another change for longer than three beats. */
async function beSilent({ world, weather }: Stage, script: Script, isOver: () => boolean): Promise<void> {
  weather.begin('schedule-stopped', 1, 'reconcile', SILENCE_MS);
  weather.begin('bus-drop', 1, 'agent', DROPPED_MS);
  script.change();
  await world.runUntil(world.nowMs + SILENCE_MS, isOver);
}

async function converge(stage: Stage, script: Script, isOver: () => boolean): Promise<void> {
  const { world, optimizely, keys } = stage;
  // The last change is a good one, and has a webhook or none.
  for (const sdkKey of keys)
    if (optimizely.current(sdkKey).bad !== 'no' || world.dice.chance(0.3)) {
      const version = optimizely.change(sdkKey, 'no', false);
      if (world.dice.chance(0.5)) script.announce(sdkKey, version);
    }
  const calmAtMs = world.nowMs;
  await world.runUntil(calmAtMs + RECORD_BOUND_MS, isOver);
  for (const sdkKey of keys) checkRecord(stage, sdkKey);
  await world.runUntil(calmAtMs + AGENTS_BOUND_MS, isOver);
  for (const sdkKey of keys) checkConverged(stage, sdkKey);
}

function checkRecord({ record, optimizely, findings }: Stage, sdkKey: SdkKey): void {
  const head = record.heads.get(sdkKey)?.manifest;
  const newest = optimizely.current(sdkKey);
  findings.check(
    head !== undefined && (head.pin !== null || head.sha256 === newest.sha256),
    () =>
      `the record has revision ${head?.revision ?? 'none'} and Optimizely serves ${newest.revision} ${newest.sha256.slice(0, 8)}, two reconcile runs after the last fault`,
    sdkKey,
  );
}

function checkConverged({ record, buses, agents, findings }: Stage, sdkKey: SdkKey): void {
  const head = record.heads.get(sdkKey)?.manifest;
  if (head === undefined) return;
  const headText = `seq ${head.seq} of ${head.lineage}`;
  for (const bus of buses) {
    const found = bus.heads.get(`df.v1.${sdkKey}`)?.headers;
    const isThere = found?.get('Df-Seq') === String(head.seq) && found.get('Df-Sha256') === head.sha256;
    const text = () => `the head of the ${bus.region} bus is seq ${found?.get('Df-Seq')}, not ${headText}`;
    findings.check(isThere && found.get('Df-Lineage') === head.lineage, text, sdkKey);
  }
  // Pinned to a version that agents refuse, the newest good one below it serves.
  const good = record.newestGood(sdkKey, head);
  for (const { name, supply } of agents) {
    const held = supply?.store.get(sdkKey);
    const isThere =
      held?.lineage === good?.lineage && held?.seq === good?.seq && held?.sha256 === good?.sha256;
    const serves = `seq ${held?.seq} of ${held?.lineage} (${held?.sha256.slice(0, 8)})`;
    const text = () =>
      `${name} serves ${serves}, not seq ${good?.seq} under ${headText} (${head.sha256.slice(0, 8)}), long after calm (2)`;
    findings.check(isThere || good === null, text, sdkKey);
    findings.check(supply?.busAvailable === true, () => `${name} does not trust its bus, long after calm`);
  }
}

function resultOf(stage: Stage, seed: number, changes: number): RunResult {
  const { world, findings, record, swaps } = stage;
  const violation = findings.first;
  const lines = violation === null ? [] : world.trace.last(TRACE_LINES, violation.sdkKey || null);
  return {
    ...{ seed, changes, violation, hash: world.trace.hash, steps: world.trace.count },
    ...{ checks: findings.checked, moves: record.moves, swaps, virtualMs: world.nowMs - WORLD_START_MS },
    trace: lines.map((line) => formatLine(line, WORLD_START_MS)),
  };
}
