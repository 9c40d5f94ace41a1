// `fanout config check`: whether the settings of the functions, of the receiver or of an agent are right, with every
// problem at once. Reads the environment and the files that it is given; sends no request.

import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { type Command, Option } from 'commander';
import { messageOf } from '../../../core/errors.ts';
import type { Environment } from '../../../functions/settings/settings.ts';
import { type Call, type Host, runs, usageError } from '../command.ts';
import { type DeploymentOptions, enter, onDeployment } from '../deployment/deployment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

interface Options extends DeploymentOptions {
  readonly of: string;
  readonly file?: string;
  readonly projects?: string;
}

interface Checked {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly summary: string;
}

const PARTS = ['functions', 'receiver', 'agent'];

export function registerConfig(program: Command, host: Host): void {
  const group = program
    .command('config')
    .description('look at settings, those to be deployed or those of a deployment');
  runs<Options>(
    onDeployment(
      group
        .command('check')
        .description('name every problem of the settings; exits 1 if there is any')
        .addOption(new Option('--of <part>', 'whose settings').choices(PARTS).default('functions'))
        .option('--projects <file>', 'a project table in a file, instead of FANOUT_PROJECTS')
        .option('--file <config.yaml>', "an agent's settings file, beside its variables"),
    ),
    host,
    check,
  );
}

async function check({ options, shell, output }: Call<Options>): Promise<ExitCode> {
  if (options.file !== undefined && options.of !== 'agent')
    throw usageError('--file is for --of agent', 'The functions and the receiver have no settings file.');
  if (options.of === 'functions') await enter({ options, shell, output });
  else if (options.stage !== undefined || options.local === true)
    throw usageError('--stage and --local are for the functions', `Leave them out for --of ${options.of}.`);
  const env: Environment =
    options.projects === undefined
      ? shell.env
      : { ...shell.env, FANOUT_PROJECTS_SECRET: undefined, FANOUT_PROJECTS: readText(options.projects) };
  const { summary, ...own } = await checkOf(options, env);
  const problems = [...(shell.outboundRoute?.problems ?? []), ...own.problems];
  const warnings = [...(shell.outboundRoute?.warnings ?? []), ...own.warnings];
  const isRight = problems.length === 0;
  output.result({ ok: isRight, of: options.of, problems, warnings }, () =>
    [
      ...warnings.map((line) => `${output.paint('yellow', 'warning:')} ${line}`),
      ...problems.map((line) => `${output.paint('red', 'wrong:')} ${line}`),
      isRight ? `${output.paint('green', 'ok:')} ${summary}` : `${problems.length} to put right.`,
    ].join('\n'),
  );
  return isRight ? EXIT.ok : EXIT.finding;
}

function checkOf({ of, file }: Options, env: Environment): Promise<Checked> {
  if (of === 'agent') return checkAgent(env, file);
  return of === 'receiver' ? checkReceiver(env) : checkFunctions(env);
}

async function checkFunctions(env: Environment): Promise<Checked> {
  const { checkFunctionSettings } = await import('../../../functions/settings/settings.ts');
  const { settings, problems, warnings } = checkFunctionSettings(env);
  const { functions, secrets } = settings;
  const table =
    secrets.projects === null
      ? `projects: ${functions.projects.size}`
      : `projects in the secret ${secrets.projects.name} (look into it with fanout doctor)`;
  return { problems, warnings, summary: `role ${functions.role}, ${table}` };
}

async function checkReceiver(env: Environment): Promise<Checked> {
  const { checkReceiverSettings } = await import('../../../functions/receiver/settings.ts');
  const { settings, problems, warnings } = checkReceiverSettings(env);
  return { problems, warnings, summary: `listens on ${settings.host}:${settings.port}` };
}

async function checkAgent(env: Environment, file: string | undefined): Promise<Checked> {
  const { checkAll, loadConfigFile } = await import('../../../agent/config/config.ts');
  const machine = { cores: availableParallelism(), memoryBytes: totalmem() };
  const read = (path: string) => readFileSync(path, 'utf8');
  const loaded = await loadConfigFile(file ?? env.OPTIMIZELY_CONFIG_FILENAME, read);
  const { config, problems, warnings } = await checkAll(env, read, loaded, machine);
  return { problems, warnings, summary: `SDK keys: ${config.keys.length}, API on port ${config.apiPort}` };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError(`${path} cannot be read: ${messageOf(error)}`, 'Correct the path of --projects.');
  }
}
