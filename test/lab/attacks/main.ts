// `npm run attack`: tries one attack after another on a running system, and after each whether it still serves what it
// should, still runs and still takes the next good change. A table of what held; exit code 1 when anything broke.

import { parseArgs } from 'node:util';
import { build } from '../../../infra/build.ts';
import { progress, table, tellFailure, UsageError } from '../../../infra/local/cli.ts';
import { readAddresses } from '../../../infra/local/stack/address-file.ts';
import { ATTACKS } from './all.ts';
import { type Attack, Broken, NotHere } from './attack.ts';
import { type Stage, startStage } from './stage.ts';
import { Target } from './target.ts';

const USAGE = `npm run attack -- [--running] [--only TEXT] [--list] [--json]

Attacks a stack of its own and says what held. Ends with 1 when anything broke.

  --running    attacks what \`npm run up\` started last; what needs a stack of its own is left out
  --only TEXT  those attacks whose area or name contains TEXT
  --list       what is tried, and what has to come of it
  --json       one line of JSON on standard output
  --help       this text`;

/** Only ends what hangs: how long others wait is held against the machine, in stall.ts. */
const ATTACK_TIMEOUT_MS = 120_000;

interface Result {
  readonly attack: Attack;
  readonly verdict: 'held' | 'BROKEN' | 'left out';
  readonly why: string;
  /** What was measured. */
  readonly figures: string;
  readonly ms: number;
}

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const wanted = (options.only ?? '').toLowerCase();
  const attacks = ATTACKS.filter(({ area, name }) => `${area} ${name}`.toLowerCase().includes(wanted));
  if (attacks.length === 0) throw new UsageError(`No attack is called like ${options.only}`);
  if (options.list) {
    const rows = attacks.map(({ area, name, tries, expects }) => [area, name, `${tries} → ${expects}`]);
    console.log(table(rows));
    return 0;
  }
  const stage = options.running ? await running() : await ownStage();
  try {
    const results: Result[] = [];
    for (const attack of attacks) results.push(await perform(attack, stage.target));
    print(results, options.json);
    return results.some(({ verdict }) => verdict === 'BROKEN') ? 1 : 0;
  } finally {
    await stage.close();
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        running: { type: 'boolean', default: false },
        only: { type: 'string' },
        list: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

async function ownStage(): Promise<Stage> {
  await build();
  return startStage(progress);
}

async function running(): Promise<Stage> {
  const target = await Target.of(await readAddresses(), null);
  return { target, close: () => target.close() };
}

/**
 * Bounds of time and memory are those of a machine that does something else too: what is broken is tried once more, which is
 * said, and is broken when it is so again.
 */
async function perform(attack: Attack, target: Target): Promise<Result> {
  const first = await performOnce(attack, target);
  if (first.verdict !== 'BROKEN') return first;
  const second = await performOnce(attack, target);
  return second.verdict === 'held' ? { ...second, figures: `second try; first: ${first.why}` } : second;
}

async function performOnce(attack: Attack, target: Target): Promise<Result> {
  const startMs = performance.now();
  const result = await judge(attack, target).then(
    (): Pick<Result, 'verdict' | 'why'> => ({ verdict: 'held', why: '' }),
    (error: unknown): Pick<Result, 'verdict' | 'why'> => {
      if (error instanceof NotHere) return { verdict: 'left out', why: error.message };
      return { verdict: 'BROKEN', why: error instanceof Broken ? error.message : String(error) };
    },
  );
  const ms = performance.now() - startMs;
  const figures = target.takeNotes();
  if (result.verdict === 'BROKEN')
    await inTime(recover(target)).catch((error: unknown) => progress(String(error)));
  const { area, name } = attack;
  progress(`${result.verdict.padEnd(8)}  ${area}: ${name}  ${ms.toFixed(0)} ms  ${result.why}  ${figures}`);
  return { attack, ...result, figures, ms };
}

/** @throws Broken, NotHere */
async function judge(attack: Attack, target: Target): Promise<void> {
  const { needsOwnStack, healsByReconcile } = attack;
  if ((needsOwnStack || healsByReconcile) && !target.isOwn) throw new NotHere('needs a stack of its own');
  await inTime(attack.run(target));
  if (healsByReconcile) await target.own.stack.runReconcile();
  await inTime(afterwards(target));
}

/** What must hold after every attack. @throws Broken */
async function afterwards(target: Target): Promise<void> {
  target.requireAlive();
  await target.untilServed();
  await target.goodChange();
  target.requireAlive();
}

/** So that the next attack does not pay for this one. What does not work here shows up there. */
async function recover(target: Target): Promise<void> {
  if (!target.isOwn) return;
  target.own.cdn.mood = null;
  await target.own.stack.runReconcile().catch((error: unknown) => progress(String(error)));
  await target.goodChange().catch((error: unknown) => progress(String(error)));
}

function inTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Broken('it did not come to an end')), ATTACK_TIMEOUT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function print(results: readonly Result[], asJson: boolean): void {
  const count = (verdict: Result['verdict']) => results.filter((one) => one.verdict === verdict).length;
  const sum = `${count('held')} held, ${count('BROKEN')} broken, ${count('left out')} left out`;
  const rows = results.map(({ attack, verdict, why, figures }) => [
    attack.area,
    attack.name,
    verdict,
    `${why || attack.expects}${figures && ` (${figures})`}`,
  ]);
  (asJson ? progress : console.log)(
    `\n${table([['area', 'attack', '', 'expected, or what came of it'], ...rows])}\n\n${sum}`,
  );
  if (!asJson) return;
  const list = results.map(({ attack: { area, name, tries, expects }, verdict, why, figures, ms }) => ({
    ...{ area, name, tries, expects, verdict, why, figures, ms: Math.round(ms) },
  }));
  console.log(
    JSON.stringify({ held: count('held'), broken: count('BROKEN'), leftOut: count('left out'), list }),
  );
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.exit(tellFailure('attack', error));
  },
);
