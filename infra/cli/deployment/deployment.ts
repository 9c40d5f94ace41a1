// Which deployment a command is about: a stack on AWS (--stage), the running stack of `npm run up` (--local), or what the
// shell's own variables say. Its settings take the place of the shell's, so that the commands below read them as ever.

import type { Command } from 'commander';
import type { ProjectTable } from '../../../core/projects.ts';
import { type Call, type Host, runs, usageError } from '../command.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { type Shell, variable } from '../shell.ts';
import { BUS_USER, type Deployment } from './found.ts';

export type { Deployment } from './found.ts';

export interface DeploymentOptions {
  readonly stage?: string;
  readonly region?: string;
  readonly local?: boolean;
}

/** A command that needs settings: adds the options, and runs with the deployment that they name, null for none. */
export function runsOn<Options extends DeploymentOptions>(
  command: Command,
  host: Host,
  run: (call: Call<Options>, deployment: Deployment | null) => Promise<ExitCode>,
): Command {
  return runs<Options>(onDeployment(command), host, async (call) => run(call, await enter(call)));
}

/** Adds the options alone, for a command that enters by itself. */
export const onDeployment = (command: Command): Command =>
  command
    .option(
      '--stage <stage>',
      `the deployed stack datafile-fanout-STAGE: its settings, in place of the shell's; by default ${STAGE_VARIABLE}`,
    )
    .option('--region <region>', 'where that is; by default as AWS_REGION or the profile says')
    .option('--local', "the running stack of `npm run up`: its settings, in place of the shell's");

/** Names the stage where neither --stage nor --local is given: for a whole session at a terminal. */
export const STAGE_VARIABLE = 'FANOUT_CLI_STAGE';
/** Names of stages as AWS and the framework take them. */
const STAGE_PATTERN = /^[A-Za-z0-9-]{1,40}$/;

/** @throws FanoutError USAGE_INVALID, NOTHING_FOUND (no such stack), CONFIG_INVALID, REMOTE_REFUSED, REMOTE_UNAVAILABLE */
export async function enter({
  shell,
  output,
  options: { stage: named, region, local },
}: Pick<Call<DeploymentOptions>, 'shell' | 'output' | 'options'>): Promise<Deployment | null> {
  const stage = named ?? (local === true ? undefined : variable(shell, STAGE_VARIABLE));
  if (stage !== undefined && local === true)
    throw usageError('--stage and --local exclude each other', 'Give one of them.');
  // The AWS SDK knows no other place for it; and AWS_DEFAULT_REGION is the one of the AWS CLI, version 1.
  if (region !== undefined) shell.adopt({ AWS_REGION: region });
  else if (!shell.env.AWS_REGION && shell.env.AWS_DEFAULT_REGION)
    shell.adopt({ AWS_REGION: shell.env.AWS_DEFAULT_REGION });
  if (stage === undefined && local !== true) return null;
  const deployment =
    stage === undefined ? await findLocal(shell, output) : await findStage(shell, output, stage);
  shell.adopt({ ...putAside(shell, output), ...deployment.settings });
  return deployment;
}

async function findStage(shell: Shell, output: Output, stage: string): Promise<Deployment> {
  checkStage(stage);
  const { readStage } = await import('./stage.ts');
  return readStage(shell, stage, output.note);
}

async function findLocal(shell: Shell, output: Output): Promise<Deployment> {
  const { readLocal } = await import('./local.ts');
  return readLocal(shell.env, output.note);
}

/** @throws FanoutError USAGE_INVALID */
export function checkStage(stage: string): void {
  if (STAGE_PATTERN.test(stage)) return;
  throw usageError(
    `--stage "${stage}" is not the name of a stage`,
    'Letters, digits and dashes, for example prod.',
  );
}

/** What an operator may have of their own beside a deployment's settings. */
const OPERATORS_OWN = new Set(['FANOUT_WEBHOOK_SECRET', 'FANOUT_STACK_FILE', STAGE_VARIABLE]);

/** Settings of another deployment must not mix with those of this one. */
function putAside({ env }: Shell, output: Output): Record<string, undefined> {
  const names = Object.keys(env).filter(
    (name) => name.startsWith('FANOUT_') && env[name] && !OPERATORS_OWN.has(name) && !BUS_USER.includes(name),
  );
  if (names.length > 0)
    output.note(`Not used, because a deployment was named: ${names.join(', ')} of this shell.`);
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

/**
 * The projects that the settings lead to, which may be in a secret.
 * @throws FanoutError CONFIG_INVALID, SECRET_UNAVAILABLE
 */
export async function readProjects({ env }: Shell): Promise<ProjectTable> {
  const [{ parseProjects }, { readSecretNames }] = await Promise.all([
    import('../../../core/projects.ts'),
    import('../../../functions/settings/settings.ts'),
  ]);
  const { projects } = readSecretNames(env);
  if (projects === null) return parseProjects(env.FANOUT_PROJECTS ?? '[]');
  const { readSecret } = await import('../../../functions/settings/secrets.ts');
  return parseProjects(await readSecret(projects));
}
