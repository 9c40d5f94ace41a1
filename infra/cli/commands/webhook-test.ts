// `fanout webhook test`: signs a harmless event as Optimizely would, sends it, and says what the answer means. An event of a
// kind that the receiver acknowledges and ignores; no datafile is fetched and nothing is stored.

import type { Command } from 'commander';
import { FanoutError } from '../../../core/errors.ts';
import { SIGNATURE_HEADER, signWebhook } from '../../../core/webhook.ts';
import { PROJECT_OPTION, projectOf, receiverUrl } from '../addresses.ts';
import type { Call, Host } from '../command.ts';
import { type Deployment, type DeploymentOptions, readProjects, runsOn } from '../deployment/deployment.ts';
import type { ExitCode } from '../exit-codes.ts';
import { type Answer, ask } from '../http.ts';
import { type Shell, variable } from '../shell.ts';
import { judgeForged, judgeSigned, type Verdict } from '../webhook-verdict.ts';

/** No event of Optimizely's has this name. */
const TEST_EVENT = 'fanout.test';
const FORGED_SIGNATURE = `sha1=${'0'.repeat(40)}`;

interface Options extends DeploymentOptions {
  readonly project?: string;
}

export function registerWebhookTest(group: Command, host: Host): void {
  runsOn<Options>(
    group
      .command('test')
      .description('send a signed, harmless event to a receiver and explain its answer')
      .argument('[url]', "the receiver's address; by default the deployment's")
      .option(...PROJECT_OPTION)
      .addHelpText('after', HELP),
    host,
    test,
  );
}

const HELP = `
Sends one event that the receiver ignores, signed with FANOUT_WEBHOOK_SECRET or else the first secret that the project has in
the deployment of --stage or --local. If that is accepted, a second one with a
wrong signature follows, which has to be refused: a receiver accepts every event of a project that it does not know.`;

async function test(call: Call<Options>, deployment: Deployment | null): Promise<ExitCode> {
  const { shell, output, options } = call;
  const url = receiverUrl(call.args[0], deployment);
  const projectId = await projectOf(shell, options.project, deployment);
  const secret = await secretOf(shell, projectId, deployment);

  const body = eventOf(projectId, shell.clock.nowMs());
  const send = (signature: string): Promise<Answer> =>
    ask(shell, {
      method: 'POST',
      url,
      body,
      headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: signature },
      // A throttled route is what this is to find out, not to wait for.
      impatient: true,
    });
  const answered = await send(signWebhook(Buffer.from(body), secret));
  let verdict: Verdict = judgeSigned(answered, url, projectId);
  const steps = [{ sent: 'signed', status: answered.status, elapsedMs: Math.round(answered.elapsedMs) }];
  if (verdict.ok) {
    const forged = await send(FORGED_SIGNATURE);
    steps.push({ sent: 'wrongly signed', status: forged.status, elapsedMs: Math.round(forged.elapsedMs) });
    verdict = judgeForged(forged, projectId);
  }
  const { ok, meaning, remedy, exit } = verdict;
  output.result({ ok, url: url.href, projectId, steps, meaning, remedy }, () =>
    [
      ...steps.map(({ sent, status, elapsedMs }) => `${sent.padEnd(14)}  →  ${status}  in ${elapsedMs} ms`),
      `${output.paint(ok ? 'green' : 'red', ok ? 'ok' : 'failed')}: ${meaning}`,
      ...(remedy === '' ? [] : [`  ${remedy}`]),
    ].join('\n'),
  );
  return exit;
}

/** @throws FanoutError CONFIG_INVALID, SECRET_UNAVAILABLE */
async function secretOf(shell: Shell, projectId: string, deployment: Deployment | null): Promise<string> {
  const given = variable(shell, 'FANOUT_WEBHOOK_SECRET');
  if (given !== undefined) return given;
  const projects = deployment === null ? undefined : await readProjects(shell);
  const [secret] = projects?.get(projectId)?.secrets ?? [];
  if (secret !== undefined) return secret;
  throw secretMissing();
}

/** As Optimizely writes it: the id is a number, unless a double could not hold it. */
function eventOf(projectId: string, nowMs: number): string {
  const number = Number(projectId);
  return JSON.stringify({
    project_id: Number.isSafeInteger(number) ? number : projectId,
    timestamp: Math.floor(nowMs / 1000),
    event: TEST_EVENT,
    data: {},
  });
}

const secretMissing = () =>
  new FanoutError({
    code: 'CONFIG_INVALID',
    message: 'FANOUT_WEBHOOK_SECRET is not set',
    remedy: "Put the webhook's secret into it: the app shows it under Settings → Webhooks.",
    retryable: false,
  });
