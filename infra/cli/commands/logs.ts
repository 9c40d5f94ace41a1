// `fanout logs`: CloudWatch's lines about one change, a revision, or the last hours, by the saved queries of infra/insights. How
// rows become steps and a picture is in logs/.

import { type Command, Option } from 'commander';
import { parseDurationMs } from '../../../core/duration.ts';
import { type QueryName, queryText } from '../../insights/queries.ts';
import { type Call, type Host, runs, usageError } from '../command.ts';
import { checkStage, STAGE_VARIABLE } from '../deployment/deployment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

import { changesOf, listText } from '../logs/change-list.ts';
import { createInsights, type Row, type Window } from '../logs/insights.ts';
import { duration, pictureOf } from '../logs/picture.ts';
import { type Timeline, timelineOf } from '../logs/timeline.ts';
import type { Output } from '../output.ts';
import { type Shell, variable } from '../shell.ts';

const SERVICE = 'datafile-fanout';
/** By FANOUT_ROLE: a further region has no webhook, and a query over a log group that is not there fails. */
const FUNCTIONS = {
  home: ['webhook', 'bridge', 'reconcile'],
  'bus-only': ['bridge', 'reconcile'],
} as const;
const SINCE_DEFAULT = '24h';
/** As the framework deploys without --stage. */
const STAGE_DEFAULT = 'dev';
const DAY_MS = 24 * 60 * 60 * 1000;
/** Of one revision; more than a handful are environments that happen to have the same number. */
const CHANGES_DRAWN_MAX = 10;
/** As the saved query says. */
const CHANGES_LISTED_MAX = 100;
/** CloudWatch refuses a query over more. */
const LOG_GROUPS_MAX = 50;

interface Options {
  readonly revision?: string;
  readonly change?: string;
  readonly since: string;
  readonly sdkKey?: string;
  readonly project?: string;
  readonly stage: string;
  readonly role: keyof typeof FUNCTIONS;
  readonly region?: string;
  readonly local?: boolean;
  readonly logGroup?: readonly string[];
  readonly agentLogGroup?: readonly string[];
}

type GivenOptions = Omit<Options, 'stage'> & { readonly stage?: string };

export function registerLogs(program: Command, host: Host): void {
  runs<GivenOptions>(
    program
      .command('logs')
      .description('what happened to a revision or a change, step by step, from CloudWatch Logs')
      .option('--revision <number>', 'the changes that brought this revision')
      .option('--change <id>', 'one change, by the changeId of any log line about it')
      .option('--since <duration>', 'how far back to search: 30m, 2h, 7d', SINCE_DEFAULT)
      .option('--sdk-key <key>', 'only what concerns this SDK key')
      .option('--project <id>', 'only what a webhook of this project brought')
      .option('--stage <stage>', `whose functions are asked; by default ${STAGE_VARIABLE}, or else dev`)
      .addOption(
        new Option('--role <role>', 'bus-only for the stack of a further region')
          .choices(Object.keys(FUNCTIONS))
          .default('home'),
      )
      .option('--region <region>', 'where it is; by default as AWS_REGION or the profile says')
      .option('--local', 'the logs of the running stack of `npm run up`, those of its agents too')
      .option('--agent-log-group <name...>', 'log groups of agents, to see when they took the change')
      .option('--log-group <name...>', "log groups to search in place of the functions'")
      .addHelpText('after', HELP),
    host,
    logs,
  );
}

const HELP = `
Without --revision and --change it lists the changes of that time. CloudWatch asks a price for every GB searched: the
shorter --since, the cheaper. Log lines arrive there some seconds after they were written.`;

type Asked = (name: QueryName, values?: Readonly<Record<string, string | number>>) => Promise<Row[]>;

async function logs({ options: given, shell, output }: Call<GivenOptions>): Promise<ExitCode> {
  const options = { ...given, stage: given.stage ?? variable(shell, STAGE_VARIABLE) ?? STAGE_DEFAULT };
  if (options.revision !== undefined && options.change !== undefined)
    throw usageError('--revision and --change exclude each other', 'Give one of them.');
  const sinceMs = parseSince(options.since);
  const nowMs = shell.clock.nowMs();
  const window = { fromMs: nowMs - sinceMs, toMs: nowMs };
  const queries = plan(options);
  const asked = await (options.local === true ? askLocal : askCloudWatch)(options, shell, output, window);
  if (queries === 'list') return list(options, asked, output);
  return draw(options, await changeIdsOf(options, asked), asked, output);
}

async function askCloudWatch(
  options: Options,
  shell: Shell,
  { progress }: Output,
  window: Window,
): Promise<Asked> {
  const insights = await createInsights(shell, {
    logGroups: logGroupsOf(options),
    // The SDK does not know the variable of version 1 of the AWS CLI.
    region: options.region ?? (variable(shell, 'AWS_REGION') || variable(shell, 'AWS_DEFAULT_REGION')) ?? '',
    onProgress: progress,
  });
  return (name, values) => insights.run(queryText(name, values), window);
}

async function askLocal(_: Options, shell: Shell, { note }: Output, window: Window): Promise<Asked> {
  const [{ readLocal }, { askLocalLogs }] = await Promise.all([
    import('../deployment/local.ts'),
    import('../logs/local-logs.ts'),
  ]);
  const { logsDir } = await readLocal(shell.env, note);
  return (name, values) => askLocalLogs(logsDir, window, name, values);
}

/** What has to be right before anything is paid for. @throws FanoutError USAGE_INVALID, CONFIG_INVALID */
function plan({ revision, change }: Options): 'list' | 'draw' {
  if (revision !== undefined && !/^\d{1,15}$/.test(revision))
    throw usageError(
      `--revision "${revision}" is not a whole number`,
      'Give it as the app or the datafile shows it.',
    );
  if (change !== undefined) queryText('oneChange', { changeId: change });
  return revision === undefined && change === undefined ? 'list' : 'draw';
}

async function changeIdsOf({ revision, change }: Options, asked: Asked): Promise<string[]> {
  if (change !== undefined) return [change];
  const rows = await asked('changesOfRevision', { revision: Number(revision) });
  return rows.map((row) => row.changeId ?? '').filter((id) => id !== '');
}

async function draw(
  options: Options,
  changeIds: readonly string[],
  asked: Asked,
  output: Call<Options>['output'],
): Promise<ExitCode> {
  const drawn = changeIds.slice(0, CHANGES_DRAWN_MAX);
  const timelines: Timeline[] = [];
  // One after another: an account may run few queries at a time, and dashboards run some too.
  for (const changeId of drawn) {
    const timeline = timelineOf(changeId, await asked('oneChange', { changeId }));
    if (timeline !== null && concerns(timeline, options)) timelines.push(timeline);
  }
  if (drawn.length < changeIds.length)
    output.note(
      `Only the newest ${drawn.length} of ${changeIds.length} changes are shown; a shorter --since shows others.`,
    );
  if (
    timelines.some(({ agents }) => agents === null) &&
    !options.local &&
    options.agentLogGroup === undefined
  )
    output.note('To see when agents took it, name the log groups of the agents: --agent-log-group.');
  output.result({ changes: timelines }, () =>
    timelines.length === 0
      ? nothingText(options)
      : timelines.map((timeline) => pictureOf(timeline, output.columns, output.paint)).join('\n\n'),
  );
  return timelines.length === 0 ? EXIT.finding : EXIT.ok;
}

const concerns = ({ sdkKeys, projectIds }: Timeline, { sdkKey, project }: Options): boolean =>
  (sdkKey === undefined || sdkKeys.includes(sdkKey)) &&
  (project === undefined || projectIds.includes(project));

async function list(options: Options, asked: Asked, output: Call<Options>['output']): Promise<ExitCode> {
  const { sdkKey, project } = options;
  if (project !== undefined)
    throw usageError('--project needs --revision or --change', 'For a list, name the SDK key: --sdk-key.');
  const newest = changesOf(await asked('changes'));
  if (newest.length >= CHANGES_LISTED_MAX)
    output.note(`Only the newest ${newest.length} changes were looked at; a shorter --since shows others.`);
  const changes = newest.filter((change) => sdkKey === undefined || change.sdkKey === sdkKey);
  output.result({ changes }, () =>
    changes.length === 0 ? nothingText(options) : listText(changes, output.paint),
  );
  return changes.length === 0 ? EXIT.finding : EXIT.ok;
}

function nothingText({ revision, change, since, sdkKey, project, stage, logGroup, local }: Options): string {
  const what =
    change !== undefined
      ? `change ${change}`
      : revision !== undefined
        ? `revision ${revision}`
        : 'any change';
  const functionsOf = local === true ? 'the local stack' : `stage ${stage}`;
  const placeText = logGroup === undefined ? `the functions' logs of ${functionsOf}` : 'these log groups';
  const of = [
    sdkKey === undefined ? '' : ` for SDK key ${sdkKey}`,
    project === undefined ? '' : ` of project ${project}`,
  ].join('');
  return [
    `Nothing about ${what}${of} within ${duration(parseSince(since))} in ${placeText}.`,
    '  Just happened? Lines take up to a minute to be found. Longer ago? Give a longer --since.',
    '  No webhook at all? `fanout logs --since 1h` lists what did arrive, and `fanout webhook test` tries the way.',
  ].join('\n');
}

function logGroupsOf({ stage, role, logGroup, agentLogGroup = [] }: Options): string[] {
  checkStage(stage);
  const groups = [
    ...(logGroup ?? FUNCTIONS[role].map((name) => `/aws/lambda/${SERVICE}-${stage}-${name}`)),
    ...agentLogGroup,
  ];
  const wrong = groups.find((group) => !/^[A-Za-z0-9_/.#-]{1,512}$/.test(group));
  if (wrong !== undefined)
    throw usageError(`"${wrong}" is not the name of a log group`, 'Name it as CloudWatch does.');
  if (groups.length <= LOG_GROUPS_MAX) return groups;
  throw usageError(
    `${groups.length} log groups are more than CloudWatch searches at once`,
    `At most ${LOG_GROUPS_MAX}.`,
  );
}

/** As durations everywhere here, and in days too. */
function parseSince(text: string): number {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  const ms = days === undefined ? parseDurationMs(text) : Number(days) * DAY_MS;
  if (ms !== null && ms > 0) return ms;
  throw usageError(`--since "${text}" is not a duration`, 'Write it as 30m, 2h or 7d.');
}
