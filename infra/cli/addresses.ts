// What operators type for addresses and ids, checked before anything is sent anywhere.

import { WEBHOOK_PATH } from '../../core/webhook.ts';
import { usageError } from './command.ts';
import { type Deployment, readProjects } from './deployment/deployment.ts';
import { type Shell, variable } from './shell.ts';

/** The option of every command that is about a project of Optimizely's. */
export const PROJECT_OPTION = [
  '--project <id>',
  "the project's id, a number; by default OPTIMIZELY_PROJECT_ID, or the deployment's only one",
] as const;

/** Plain HTTP is for a stand-in on this machine; anywhere else it would show tokens to the network. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** True for https, and for http on this machine. */
export function isSafeAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password } = new URL(address);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}

/** @throws FanoutError USAGE_INVALID */
export function parseWebhookUrl(address: string): URL {
  if (isSafeAddress(address)) return new URL(address);
  throw usageError(
    `"${address}" is not an https URL without credentials (plain http on this machine only)`,
    `Give the whole address of the receiver, for example https://example.com${WEBHOOK_PATH}.`,
  );
}

/**
 * The receiver's address as typed, or else the deployment's own.
 * @throws FanoutError USAGE_INVALID
 */
export function receiverUrl(typed: string | undefined, deployment: Deployment | null): URL {
  const address = typed ?? deployment?.webhookUrl ?? null;
  if (address !== null) return parseWebhookUrl(address);
  throw usageError(
    deployment === null ? 'No address is named' : `${deployment.name} says nothing of where its webhook is`,
    `Give the address of the receiver, such as https://example.com${WEBHOOK_PATH}, or name the deployment: --stage or --local.`,
  );
}

/**
 * The project as typed or set, or else the only one of the deployment.
 * @throws FanoutError USAGE_INVALID, SECRET_UNAVAILABLE
 */
export async function projectOf(
  shell: Shell,
  option: string | undefined,
  deployment: Deployment | null,
): Promise<string> {
  const named = option ?? variable(shell, 'OPTIMIZELY_PROJECT_ID');
  if (named !== undefined || deployment === null) return projectIdOf(shell, named);
  const projects = [...(await readProjects(shell)).keys()];
  if (projects.length === 1 && projects[0] !== undefined) return projects[0];
  throw usageError(
    `${deployment.name} has ${projects.length} projects`,
    `Give --project, one of: ${projects.join(', ')}.`,
  );
}

/** @throws FanoutError USAGE_INVALID */
export function projectIdOf(shell: Shell, option: string | undefined): string {
  const text = option ?? variable(shell, 'OPTIMIZELY_PROJECT_ID');
  if (text === undefined) throw usageError('No project is named', 'Give --project or OPTIMIZELY_PROJECT_ID.');
  if (/^\d{1,20}$/.test(text)) return text;
  throw usageError(
    `"${text}" is not a project id`,
    'It is the number in the address of the project in the app: app.optimizely.com/v2/projects/NUMBER.',
  );
}

/** Both as the URL standard writes them: `HTTPS://Example.com:443/x` is `https://example.com/x`. */
export const isSameUrl = (known: string, wanted: URL): boolean =>
  URL.canParse(known) && new URL(known).href === wanted.href;
