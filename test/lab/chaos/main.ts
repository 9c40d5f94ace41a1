// `npm run chaos`: every fault in turn on real processes, and what came of it as a scoreboard. Exits 1 on a red line.

import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { build } from '../../../infra/build.ts';
import { progress, table, tellFailure, UsageError } from '../../../infra/local/cli.ts';
import { stopOnExit } from '../../../infra/local/exit.ts';
import { parseOptions, USAGE } from './options.ts';
import { runScenario } from './run.ts';
import type { Scenario } from './scenario.ts';
import { bus } from './scenarios/bus.ts';
import { freezes } from './scenarios/freezes.ts';
import { kills } from './scenarios/kills.ts';
import { network } from './scenarios/network.ts';
import { resources } from './scenarios/resources.ts';
import { isScore, type Line, redsOf, type Score, scorePage, scoreText } from './scoreboard.ts';
import { STAGES, type Stage, type StageName } from './stage.ts';

const ALL: readonly Scenario[] = [...kills, ...freezes, ...resources, ...bus, ...network];
const PAGE = join(import.meta.dirname, 'SCOREBOARD.md');

async function main(args: readonly string[]): Promise<void> {
  const { only, list, json, help } = parseOptions(args);
  if (help) return void process.stdout.write(`${USAGE}\n`);
  if (list) {
    const rows = ALL.map(({ name, what, rule }) => [name, `${rule.name} ${rule.msMax} ms`, what]);
    return void process.stdout.write(`${table(rows)}\n`);
  }
  const chosen = ALL.filter(({ name }) => only.length === 0 || only.some((one) => name.startsWith(one)));
  if (chosen.length === 0) throw new UsageError(`No fault is named so: ${only.join(', ')}`);
  progress('building the bundles');
  await build();
  const holder = new StageHolder();
  // The reaper ends processes; a mounted disk and a network of its own are for the stage to take away.
  stopOnExit(() => holder.close());
  const lines = await runAll(chosen, holder);
  process.stdout.write(json ? `${JSON.stringify(lines)}\n` : `\n${scoreText(lines)}\n`);
  if (only.length === 0) await writeFile(PAGE, scorePage(lines, 'npm run chaos', machine()));
  const red = lines.filter(isScore).filter((score) => redsOf(score).length > 0);
  process.exit(red.length === 0 ? 0 : 1);
}

const machine = (): string => `a machine of ${cpus().length} cores, Node ${process.versions.node}`;

/** One stage at a time; a fault that ended red gets no followers on what it left behind. */
async function runAll(chosen: readonly Scenario[], holder: StageHolder): Promise<Line[]> {
  const lines: Line[] = [];
  for (const name of new Set(chosen.map(({ stage }) => stage))) {
    try {
      for (const scenario of chosen.filter(({ stage }) => stage === name))
        lines.push(await runOne(scenario, holder));
    } finally {
      await holder.close();
    }
  }
  return lines;
}

async function runOne(scenario: Scenario, holder: StageHolder): Promise<Line> {
  const { name } = scenario;
  const skipped = scenario.blocked?.();
  if (skipped !== undefined) {
    progress(`${name}: skipped, ${skipped}`);
    return { fault: name, skipped };
  }
  const score = await runScenario(scenario, await holder.get(scenario.stage));
  const reds = redsOf(score);
  progress(`${name}: ${reds.length === 0 ? 'ok' : `RED, ${reds.join('; ')}`}${remarks(score)}`);
  if (reds.length > 0) await holder.close();
  return score;
}

const remarks = ({ convergedMs, stalenessMsMax, refusedWhileDead, notes }: Score): string =>
  [
    `, converged ${convergedMs} ms, stale ${stalenessMsMax} ms, refused while dead ${refusedWhileDead}`,
    ...notes.map((note) => `\n  ${note}`),
  ].join('');

/** The stage of now: started when it is wanted, and again after it was closed. */
class StageHolder {
  #stage: Promise<Stage> | undefined;

  get(name: StageName): Promise<Stage> {
    if (this.#stage === undefined) progress(`starting the stage "${name}"`);
    this.#stage ??= STAGES[name]();
    return this.#stage;
  }

  /** Also one that is still being started. */
  async close(): Promise<void> {
    const starting = this.#stage;
    this.#stage = undefined;
    // A stage that could not be started has cleaned up, and its error went to the caller of the start.
    const stage = await starting?.catch(() => undefined);
    await stage?.close();
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.exit(tellFailure('chaos', error));
});
