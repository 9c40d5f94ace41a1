// `fanout datafile rollback|pin|unpin`: for operators that must undo a change now and cannot wait for the app.

import type { Command } from 'commander';
import { type Call, type Host, usageError } from '../command.ts';
import { findEntry } from '../datafile-diff/record.ts';
import { type MoveResult, pinHere, rollBack, unpinHere } from '../datafile-move/move.ts';
import { openWriter, type Writer } from '../datafile-move/writer.ts';
import { type DeploymentOptions, runsOn } from '../deployment/deployment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

interface MoveOptions extends DeploymentOptions {
  readonly reason: string;
}

/** It is stored with the manifest, which every agent reads. */
const REASON_CHARACTERS_MAX = 200;

export function registerMoves(group: Command, host: Host): void {
  const moving = (name: string, description: string): Command =>
    group.command(name).description(description).argument('<sdk-key>').addHelpText('after', HELP);
  const withReason = (command: Command): Command =>
    command.requiredOption('--reason <text>', 'why; shown in the history of the record');
  runsOn<MoveOptions>(
    withReason(
      moving('rollback', 'every agent back to an older revision, and pinned there').argument(
        '<revision>',
        'its number, seq:<n>, or the beginning of its hash',
      ),
    ),
    host,
    ({ args, options, ...call }) =>
      move(call, args, async (writer) => {
        const reason = reasonOf(options);
        return rollBack(writer, findEntry(writer.stored.manifest, args[1] ?? ''), reason);
      }),
  );
  runsOn<MoveOptions>(
    withReason(moving('pin', 'keep the datafile that agents serve now, even if Optimizely publishes others')),
    host,
    ({ args, options, ...call }) => move(call, args, async (writer) => pinHere(writer, reasonOf(options))),
  );
  runsOn(moving('unpin', 'follow Optimizely again'), host, ({ args, ...call }) =>
    move(call, args, (writer) => unpinHere(writer)),
  );
}

const HELP = `
Works on the deployment of --stage or --local, or by the functions' own variables: FANOUT_BUCKET, FANOUT_NATS_URL and its
user, FANOUT_TOPIC_ARN, FANOUT_PROJECTS or FANOUT_PROJECTS_SECRET, FANOUT_SIGNING_SECRET where the record is signed. The
record is moved first. Exits 1 where the bus could not be told from here; the record is moved all the same, and pinned.`;

async function move(
  { shell, output }: Pick<Call<unknown>, 'shell' | 'output'>,
  args: readonly string[],
  work: (writer: Writer) => Promise<MoveResult>,
): Promise<ExitCode> {
  const writer = await openWriter(shell, args[0] ?? '');
  try {
    const { kind, manifest, announced } = await work(writer);
    const { sdkKey, lineage, seq, revision, pin } = manifest;
    const isChanged = kind === 'moved';
    output.result({ sdkKey, lineage, seq, revision, pin, isChanged, announced }, () =>
      [
        isChanged ? `${sdkKey} is at revision ${revision} (seq ${seq})` : `${sdkKey} was not pinned`,
        pin === null
          ? 'The next webhook or reconcile run, within a minute, moves it to what Optimizely serves.'
          : `Pinned: ${pin.reason}. \`fanout datafile unpin ${sdkKey}\` lets it follow Optimizely again.`,
      ].join('\n'),
    );
    if (announced === null || announced.onBus) return EXIT.ok;
    output.note(notTold(announced));
    return EXIT.finding;
  } finally {
    writer.close();
  }
}

function notTold({ onTopic, because }: NonNullable<MoveResult['announced']>): string {
  const rest = onTopic ? 'the bridges announce it' : 'reconcile announces it within a minute';
  return `Done: the record is moved and pinned. Not done: the bus was not told from here${because === '' ? '' : ` (${because})`}; ${rest}.`;
}

function reasonOf({ reason }: MoveOptions): string {
  const text = reason.trim();
  if (text !== '' && text.length <= REASON_CHARACTERS_MAX) return text;
  throw usageError(
    `--reason must be 1 to ${REASON_CHARACTERS_MAX} characters long`,
    'Say in a few words why; the history of the record shows it.',
  );
}
