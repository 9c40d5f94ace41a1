// Whether Optimizely would tell us: an active webhook on our path that names datafile updates. Reads only.

import { maskUserInfo } from '../../../core/http/user-info.ts';
import { DATAFILE_UPDATED, WEBHOOK_PATH } from '../../../core/webhook.ts';
import { createOptimizelyApi, type RegisteredWebhook } from '../optimizely-api.ts';
import { type Shell, variable } from '../shell.ts';
import { fail, type Judgement, ok, skipped, warn } from './finding.ts';

export async function checkWebhook(
  shell: Shell,
  projectId: string,
  onWait: (line: string) => void,
): Promise<Judgement> {
  if (variable(shell, 'OPTIMIZELY_API_TOKEN') === undefined)
    return skipped(
      'OPTIMIZELY_API_TOKEN is not set',
      'Make a personal access token in app.optimizely.com (Profile → API Access) to have this looked at.',
    );
  const registered = await createOptimizelyApi(shell, onWait).list(projectId);
  const ours = registered.filter(({ url }) => pathOf(url).endsWith(WEBHOOK_PATH));
  const fit = ours.filter(isFit);
  const [first] = fit;
  if (first === undefined)
    return fail(
      ours.length === 0
        ? `none of ${registered.length} webhooks leads to ${WEBHOOK_PATH}`
        : `webhook ${ours[0]?.id} is inactive, or does not name ${DATAFILE_UPDATED}`,
      `Run \`fanout webhook register <url> --project ${projectId}\`.`,
    );
  const urls = new Set(fit.map(({ url }) => url));
  if (fit.length > urls.size)
    return warn(
      `${fit.length} webhooks call ${urls.size} URLs`,
      'Remove what is there twice: each change is sent as often.',
    );
  return ok([...urls].map(maskUserInfo).join(', '));
}

const isFit = ({ active, events }: RegisteredWebhook): boolean => active && events.includes(DATAFILE_UPDATED);

const pathOf = (url: string): string => (URL.canParse(url) ? new URL(url).pathname : '');
