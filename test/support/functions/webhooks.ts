// Signed webhooks for unit tests, sent straight to the function's work.

import { type ProjectTable, parseProjects } from '../../../core/projects.ts';
import { signWebhook } from '../../../core/webhook.ts';
import { unchanging } from '../../../functions/settings/refreshing-secret.ts';
import { receiveWebhook } from '../../../functions/webhook/receive-webhook.ts';
import { HUSH } from '../../output/secrets.ts';
import { KEY, PROJECT_ID } from '../datafiles.ts';
import type { FakeDeps } from './fakes.ts';

export const BUDGET_MS = 5_000;
export const SECURE_KEY = 'SecureKey1';
export const WEBHOOK_SECRET = `${HUSH}webhook`;
const secret = WEBHOOK_SECRET;
const projects = parseProjects(
  JSON.stringify([
    {
      projectId: PROJECT_ID,
      secrets: [secret],
      datafiles: [
        { sdkKey: KEY, environment: 'Production' },
        { sdkKey: SECURE_KEY, environment: 'Secure', accessToken: `${HUSH}token` },
        { sdkKey: 'TwinA', environment: 'Twins' },
        { sdkKey: 'TwinB', environment: 'Twins' },
      ],
    },
  ]),
);

/** One project with these keys. */
export const projectsOf = (...sdkKeys: string[]): ProjectTable =>
  parseProjects(
    JSON.stringify([
      {
        projectId: PROJECT_ID,
        secrets: [secret],
        datafiles: sdkKeys.map((sdkKey) => ({ sdkKey, environment: 'e' })),
      },
    ]),
  );

const requests = new WeakMap<FakeDeps, number>();

/** The status that a signed webhook gets. Its request id is `r<revision>.<how many came before>`: no two have the same. */
export async function sendWebhook(
  deps: FakeDeps,
  revision: number,
  environment = 'Production',
): Promise<number> {
  const data = { environment, revision, cdn_url: 'none' };
  const event = { project_id: Number(PROJECT_ID), event: 'project.datafile_updated', data };
  const rawBody = Buffer.from(JSON.stringify(event));
  const before = requests.get(deps) ?? 0;
  requests.set(deps, before + 1);
  const answer = await receiveWebhook(
    deps,
    { projects: unchanging(projects), fetchBudgetMs: BUDGET_MS, guard: null },
    {
      method: 'POST',
      path: '/webhooks/optimizely',
      requestId: `r${revision}.${before}`,
      rawBody,
      signature: signWebhook(rawBody, secret),
    },
  );
  return answer.status;
}
