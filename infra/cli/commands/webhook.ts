// `fanout webhook`: the group, and its two short commands, list and remove. Lists before it removes, so that only what is
// the project's own is touched.

import type { Command } from 'commander';
import { DATAFILE_UPDATED } from '../../../core/webhook.ts';
import { isSameUrl, PROJECT_OPTION, parseWebhookUrl, projectOf } from '../addresses.ts';
import { type Call, type Host, notFound } from '../command.ts';
import { type Deployment, type DeploymentOptions, runsOn } from '../deployment/deployment.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { createOptimizelyApi, type RegisteredWebhook } from '../optimizely-api.ts';
import { type Output, table } from '../output.ts';
import { registerWebhookRegister } from './webhook-register.ts';
import { registerWebhookTest } from './webhook-test.ts';

interface ProjectOptions extends DeploymentOptions {
  readonly project?: string;
}

export function registerWebhook(program: Command, host: Host): void {
  const group = program
    .command('webhook')
    .description("Optimizely's webhook: list, register, remove, test")
    .addHelpText('after', TOKEN_HELP);
  runsOn<ProjectOptions>(
    group
      .command('list')
      .description('list the webhooks of a project')
      .option(...PROJECT_OPTION),
    host,
    list,
  );
  registerWebhookRegister(group, host);
  runsOn<ProjectOptions>(
    group
      .command('remove')
      .description('remove a webhook from a project')
      .argument('<id-or-url>', 'the id that `webhook list` shows, or the whole URL')
      .option(...PROJECT_OPTION),
    host,
    remove,
  );
  registerWebhookTest(group, host);
}

const TOKEN_HELP = `
list, register and remove read a personal access token from OPTIMIZELY_API_TOKEN (app.optimizely.com, Profile → API
Access), and ask OPTIMIZELY_API_URL where that is set, in place of Optimizely's own API; test reads the webhook's secret from
FANOUT_WEBHOOK_SECRET, or where a deployment is named from its project table.`;

async function list(call: Call<ProjectOptions>, deployment: Deployment | null): Promise<ExitCode> {
  const projectId = await projectOf(call.shell, call.options.project, deployment);
  const webhooks = await createOptimizelyApi(call.shell, call.output.note).list(projectId);
  call.output.result({ projectId, webhooks }, () => listText(projectId, webhooks, call.output));
  return EXIT.ok;
}

function listText(projectId: string, webhooks: readonly RegisteredWebhook[], { paint }: Output): string {
  if (webhooks.length === 0) return `Project ${projectId} has no webhooks.`;
  const rows = webhooks.map(({ id, name, url, events, active }) => [
    id,
    active ? 'active' : 'INACTIVE',
    name,
    url,
    events.includes(DATAFILE_UPDATED)
      ? DATAFILE_UPDATED + others(events.length - 1)
      : `no ${DATAFILE_UPDATED}`,
  ]);
  const [head, ...lines] = table([['id', 'state', 'name', 'url', 'events'], ...rows]).split('\n');
  return [paint('bold', head ?? ''), ...lines].join('\n');
}

const others = (count: number): string => (count === 0 ? '' : ` and ${count} more`);

async function remove(call: Call<ProjectOptions>, deployment: Deployment | null): Promise<ExitCode> {
  const { args, options, output } = call;
  const which = args[0] ?? '';
  const projectId = await projectOf(call.shell, options.project, deployment);
  const isId = /^\w+$/.test(which);
  const url = isId ? null : parseWebhookUrl(which);
  const api = createOptimizelyApi(call.shell, call.output.note);
  const found = (await api.list(projectId)).filter((webhook) =>
    url === null ? webhook.id === which : isSameUrl(webhook.url, url),
  );
  if (found.length === 0) throw noSuchWebhook(which, projectId);
  for (const { id } of found) await api.remove(id);
  output.result({ outcome: 'removed', projectId, webhooks: found }, () =>
    found
      .map((webhook) => `${output.paint('green', 'removed')}: webhook ${webhook.id} (${webhook.url})`)
      .join('\n'),
  );
  return EXIT.ok;
}

const noSuchWebhook = (which: string, projectId: string) =>
  notFound(
    `Project ${projectId} has no webhook ${which}; nothing was removed`,
    `\`fanout webhook list --project ${projectId}\` shows what there is.`,
  );
