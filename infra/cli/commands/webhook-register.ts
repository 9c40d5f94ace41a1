// `fanout webhook register`: sees to it that Optimizely calls the receiver. Lists before it creates, so that the same line
// changes nothing the second time, and says what only a person can do next.

import type { Command } from 'commander';
import { DATAFILE_UPDATED, WEBHOOK_PATH } from '../../../core/webhook.ts';
import { isSameUrl, PROJECT_OPTION, projectOf, receiverUrl } from '../addresses.ts';
import type { Call, Host } from '../command.ts';
import { type Deployment, type DeploymentOptions, runsOn } from '../deployment/deployment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { createOptimizelyApi, type OptimizelyApi, type RegisteredWebhook } from '../optimizely-api.ts';
import type { Output } from '../output.ts';
import { type Shell, variable } from '../shell.ts';

const DEFAULT_NAME = 'datafile-fanout';
const DESCRIPTION = 'Tells datafile-fanout that a datafile has a new revision';

interface Options extends DeploymentOptions {
  readonly project?: string;
  readonly name: string;
  readonly dryRun?: boolean;
  readonly showSecret?: boolean;
}

interface Registration {
  readonly outcome: 'unchanged' | 'created' | 'updated';
  /** Null where it would have been created by a dry run. */
  readonly webhook: RegisteredWebhook | null;
  /** What the API answered beside the webhook, if anything. */
  readonly secret: string | null;
}

export function registerWebhookRegister(group: Command, host: Host): void {
  runsOn<Options>(
    group
      .command('register')
      .description('have Optimizely call the receiver on every datafile update; safe to repeat')
      .argument('[url]', `the receiver's address, ending in ${WEBHOOK_PATH}; by default the deployment's`)
      .option(...PROJECT_OPTION)
      .option('--name <name>', 'how the app shows the webhook', DEFAULT_NAME)
      .option('--dry-run', 'say what would be done, and do nothing')
      .option('--show-secret', 'print the secret, should the API answer with it'),
    host,
    register,
  );
}

async function register(
  { args, options, shell, output }: Call<Options>,
  deployment: Deployment | null,
): Promise<ExitCode> {
  const url = receiverUrl(args[0], deployment);
  const projectId = await projectOf(shell, options.project, deployment);
  if (!url.pathname.endsWith(WEBHOOK_PATH))
    output.note(`warning: the path of ${url.href} is not ${WEBHOOK_PATH}, where the receiver listens`);
  const api = createOptimizelyApi(shell, output.note);
  const same = (await api.list(projectId)).filter((webhook) => isSameUrl(webhook.url, url));
  if (same.length > 1)
    output.note(`warning: ${same.length} webhooks of this project have this URL; changes arrive as often`);

  const registration = await ensure(api, projectId, url, same[0], options);
  const { outcome, webhook, secret } = registration;
  // Where nothing changed, what follows was done the first time.
  const next =
    outcome === 'unchanged' ? [] : nextSteps(shell, projectId, webhook?.name ?? options.name, url, options);
  const shown = options.showSecret === true && secret !== null ? { secret } : {};
  output.result(
    { outcome, dryRun: options.dryRun === true, projectId, url: url.href, webhook, ...shown, next },
    () => registrationText(registration, projectId, url, options, next, output),
  );
  return webhook?.active === false ? EXIT.finding : EXIT.ok;
}

/** Creates it, adds the event to it, or finds that nothing is missing. */
async function ensure(
  api: OptimizelyApi,
  projectId: string,
  url: URL,
  known: RegisteredWebhook | undefined,
  { name, dryRun }: Options,
): Promise<Registration> {
  if (known === undefined) {
    if (dryRun) return { outcome: 'created', webhook: null, secret: null };
    const wanted = { name, description: DESCRIPTION, url: url.href, events: [DATAFILE_UPDATED] };
    return { outcome: 'created', ...(await api.create(projectId, wanted)) };
  }
  if (known.events.includes(DATAFILE_UPDATED)) return { outcome: 'unchanged', webhook: known, secret: null };
  if (dryRun) return { outcome: 'updated', webhook: known, secret: null };
  // It was made for other events, which it keeps; the API wants all four fields.
  const { name: title, description, url: address } = known;
  const events = [...known.events, DATAFILE_UPDATED];
  const webhook = await api.update(known.id, { name: title, description, url: address, events });
  return { outcome: 'updated', webhook, secret: null };
}

function registrationText(
  { outcome, webhook, secret }: Registration,
  projectId: string,
  url: URL,
  { dryRun, showSecret }: Options,
  next: readonly string[],
  { paint }: Output,
): string {
  const which = webhook === null ? '' : ` (webhook ${webhook.id})`;
  const lines = [
    `${dryRun ? 'would be ' : ''}${paint('green', outcome)}: ${url.href} in project ${projectId}${which}`,
  ];
  if (secret !== null)
    lines.push(`secret: ${showSecret ? secret : 'the API gave one; --show-secret prints it'}`);
  if (webhook?.active === false) lines.push(paint('yellow', INACTIVE));
  if (!dryRun && next.length > 0) lines.push('', 'Next:', ...next.map((step, i) => `  ${i + 1}. ${step}`));
  return lines.join('\n');
}

const INACTIVE = 'It is not active: Optimizely sends nothing. Turn it on in the app (Settings → Webhooks).';

function nextSteps(shell: Shell, projectId: string, name: string, url: URL, { stage }: Options): string[] {
  const place = variable(shell, 'FANOUT_PROJECTS_SECRET');
  const where =
    place === undefined
      ? 'the secret or parameter that FANOUT_PROJECTS_SECRET names (`projectsSecret` in serverless.yml)'
      : `"${place}"`;
  return [
    `Copy the webhook's secret from the app: project ${projectId}, Settings → Webhooks → ${name}.`,
    `Put it into "secrets" of project ${projectId} in the project table: ${where}.`,
    stage === undefined
      ? `FANOUT_WEBHOOK_SECRET=… fanout webhook test ${url.href} --project ${projectId}`
      : `fanout webhook test --stage ${stage} --project ${projectId}`,
  ];
}
