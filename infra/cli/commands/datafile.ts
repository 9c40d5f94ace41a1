// `fanout datafile history|show|diff`: the versions that were published for an SDK key, and the meaning of a change, as flags and
// rules. The commands that move the record are in datafile-move.ts.

import type { Command } from 'commander';
import { sentenceOf as sentenceOfPart } from '../../../core/datafile/left-out.ts';
import { type HistoryEntry, isQuarantined, type Manifest } from '../../../core/record/manifest.ts';
import { isSameSeq } from '../../../core/version.ts';
import { type Call, type Host, notFound } from '../command.ts';
import { type Change, diffDatafiles, nameOf, sentenceOf } from '../datafile-diff/diff.ts';
import type { DatafileView, FlagView } from '../datafile-diff/model.ts';
import { findEntry, openRecord, type RecordOptions, readBody } from '../datafile-diff/record.ts';
import { type DeploymentOptions, runsOn } from '../deployment/deployment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type Output, table } from '../output.ts';
import { registerMoves } from './datafile-move.ts';

type DatafileOptions = RecordOptions & DeploymentOptions;

interface ShowOptions extends DatafileOptions {
  readonly raw?: boolean;
  readonly flag?: string;
}

const HASH_CHARACTERS_SHOWN = 12;

export function registerDatafile(program: Command, host: Host): void {
  const group = program
    .command('datafile')
    .description('what the record holds for an SDK key, and what a change meant')
    .addHelpText('after', HELP);
  const withBucket = (command: Command): Command =>
    command.option('--bucket <name>', "the record's bucket, in place of the deployment's or FANOUT_BUCKET");
  runsOn<DatafileOptions>(
    withBucket(group.command('history').description('the last changes, newest first').argument('<sdk-key>')),
    host,
    history,
  );
  runsOn<ShowOptions>(
    withBucket(
      group
        .command('show')
        .description('a datafile as flags, rules and variations')
        .argument('<sdk-key>')
        .argument('[revision]', 'default: the current one')
        .option('--flag <key>', 'only this flag')
        .option('--raw', 'the exact bytes instead'),
    ),
    host,
    show,
  );
  runsOn<DatafileOptions>(
    withBucket(
      group
        .command('diff')
        .description('what changed between two revisions; by default by the latest change')
        .argument('<sdk-key>')
        .argument('[from]', 'default: the one before the current')
        .argument('[to]', 'default: the current one'),
    ),
    host,
    diff,
  );
  registerMoves(group, host);
}

const HELP = `
Reads the bucket of --stage or --local, or FANOUT_BUCKET (at FANOUT_S3_ENDPOINT, where it is not AWS's), with the
credentials of the AWS SDK. A revision is given as its number, as seq:<n>, or by the beginning of its hash; the manifest keeps the last 50 changes.`;

async function history({ args, options, shell, output }: Call<RecordOptions>): Promise<ExitCode> {
  const { manifest } = await openRecord(shell, args[0] ?? '', options);
  const { sdkKey, lineage, pin, seq, revision, projectId, environment } = manifest;
  const quarantine = isQuarantined(manifest) ? manifest.quarantine : null;
  output.result(
    { sdkKey, projectId, environment, lineage, seq, revision, pin, quarantine, history: manifest.history },
    () => historyText(manifest, output),
  );
  return EXIT.ok;
}

function historyText(manifest: Manifest, { paint }: Output): string {
  const { history, pin } = manifest;
  const rows = history.map((entry) => [
    isSameSeq(entry, manifest) ? '*' : '',
    `seq ${entry.seq}`,
    `revision ${entry.revision}`,
    timeOf(entry.publishedAtMs),
    entry.cause,
    entry.sha256.slice(0, HASH_CHARACTERS_SHOWN),
    entry.changeId,
  ]);
  const [head, ...lines] = table([
    ['', 'seq', 'revision', 'published (UTC)', 'cause', 'hash', 'change'],
    ...rows,
  ]).split('\n');
  const pinned =
    pin === null ? [] : [`Pinned since ${timeOf(pin.pinnedAtMs)}: ${pin.reason}. Webhooks do not move it.`];
  const notes = [...pinned, ...quarantineText(manifest)];
  return [paint('bold', head ?? ''), ...lines, ...notes.map((line) => paint('yellow', line))].join('\n');
}

function quarantineText(manifest: Manifest): readonly string[] {
  const { quarantine: mark } = manifest;
  if (mark === undefined || !isQuarantined(manifest)) return [];
  return [
    `Quarantined since ${timeOf(mark.atMs)}: ${percent(mark.share)} of ${mark.agents} agents refuse seq ${mark.seq} (${mark.code}). It is no longer announced.`,
  ];
}

const percent = (share: number): string => `${Math.round(share * 100)}%`;

async function show({ args, options, shell, output }: Call<ShowOptions>): Promise<ExitCode> {
  const [key = '', wanted] = args;
  const open = await openRecord(shell, key, options);
  const entry = wanted === undefined ? currentOf(open.manifest) : findEntry(open.manifest, wanted);
  const { body, view, leftOut } = await readBody(open, entry);
  if (options.raw === true) {
    shell.out.write(new TextDecoder().decode(body));
    return EXIT.ok;
  }
  const { flag } = options;
  const flags = [...view.flags.values()].filter((one) => flag === undefined || one.key === flag);
  if (flag !== undefined && flags.length === 0)
    throw notFound(`Revision ${entry.revision} has no flag "${flag}"`, 'Leave --flag out to see all.');
  const flagDocuments = flags.map(flagDocument);
  const shownParts = leftOut.filter(({ flagKeys }) => flag === undefined || flagKeys.includes(flag));
  const document = { sdkKey: open.manifest.sdkKey, ...entry, flags: flagDocuments, leftOut: shownParts };
  output.result(document, () =>
    [
      output.paint('dim', labelOf(entry)),
      ...flags.map((one) => flagText(one, output)),
      ...shownParts.map((part) => output.paint('yellow', `not served: ${sentenceOfPart(part)}`)),
    ].join('\n'),
  );
  return EXIT.ok;
}

async function diff({ args, options, shell, output }: Call<RecordOptions>): Promise<ExitCode> {
  const [key = '', from, to] = args;
  const open = await openRecord(shell, key, options);
  const after = to === undefined ? currentOf(open.manifest) : findEntry(open.manifest, to);
  const before = from === undefined ? previousOf(open.manifest) : findEntry(open.manifest, from);
  const [old, now] = await Promise.all([readBody(open, before), readBody(open, after)]);
  const changes = diffDatafiles(old.view, now.view);
  const sameBytes = before.sha256 === after.sha256;
  output.result({ sdkKey: open.manifest.sdkKey, from: before, to: after, sameBytes, changes }, () =>
    [
      output.paint('dim', `from  ${labelOf(before)}`),
      output.paint('dim', `to    ${labelOf(after)}`),
      diffText(changes, sameBytes, now.view, output),
    ].join('\n'),
  );
  return EXIT.ok;
}

function diffText(
  changes: readonly Change[],
  sameBytes: boolean,
  { flags }: DatafileView,
  { paint }: Output,
): string {
  if (sameBytes) return 'They are the very same datafile.';
  if (changes.length === 0)
    return `Nothing that a person would see: only ids, order or the like differ (${flags.size} flags).`;
  const lines: string[] = [];
  let subject = '';
  for (const change of changes) {
    if (change.subject !== subject) lines.push(paint('bold', change.subject));
    subject = change.subject;
    lines.push(`  ${change.text}`);
  }
  return lines.join('\n');
}

function flagText(flag: FlagView, { paint }: Output): string {
  const defaults = [...flag.defaults].map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return [
    paint('bold', `flag "${flag.key}"`),
    ...(defaults.length === 0 ? [] : [`  defaults: ${defaults.join(', ')}`]),
    ...flag.rules.flatMap((rule) => [
      `  ${nameOf(rule)}: ${sentenceOf(rule)}`,
      ...rule.variations.map(({ key, isOn, values }) => {
        const set = [...values].map(([name, value]) => `${name} ${JSON.stringify(value)}`);
        return `      "${key}" ${isOn ? 'on' : 'off'}${set.length === 0 ? '' : `: ${set.join(', ')}`}`;
      }),
    ]),
  ].join('\n');
}

/** Maps do not survive JSON. */
function flagDocument(flag: FlagView): object {
  return {
    key: flag.key,
    defaults: Object.fromEntries(flag.defaults),
    rules: flag.rules.map((rule) => ({
      ...rule,
      forced: Object.fromEntries(rule.forced),
      variations: rule.variations.map((one) => ({ ...one, values: Object.fromEntries(one.values) })),
    })),
  };
}

/** The manifest's history begins with what is current. */
const currentOf = ({ history }: Manifest): HistoryEntry => history[0] as HistoryEntry;

function previousOf({ history, sdkKey }: Manifest): HistoryEntry {
  const previous = history[1];
  if (previous !== undefined) return previous;
  throw notFound(
    `The record of ${sdkKey} holds one revision only`,
    `There is nothing to compare it with yet; \`fanout datafile show ${sdkKey}\` shows it.`,
  );
}

const labelOf = ({ revision, seq, publishedAtMs, cause, changeId }: HistoryEntry): string =>
  `revision ${revision}, seq ${seq}, ${timeOf(publishedAtMs)} by ${cause} (${changeId})`;

const timeOf = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
