// What `npm run up` prints when all is ready, for people.

import { table } from './cli.ts';
import type { StackPlace } from './stack/address-file.ts';
import type { StackAddresses } from './stack/options.ts';
import { ROOT_DIR } from './stack/parts.ts';

export interface UpFacts {
  readonly addresses: StackAddresses;
  readonly snsUrl: string;
  readonly natsPid: number;
  readonly flagKey: string;
  readonly place: StackPlace;
}

/** Every command works in any folder of another terminal. */
export function upText({ addresses, snsUrl, natsPid, flagKey, place }: UpFacts): string {
  const { webhook, cdn, s3, nats, agents, sdkKey, projectId, webhookSecret, signingPublicKey } = addresses;
  const rows = [
    ['webhook', webhook, `secret ${webhookSecret}`],
    ['CDN', cdn, `project ${projectId}, SDK key ${sdkKey}`],
    ['S3', s3.endpoint, `bucket ${s3.bucket}`],
    ['SNS', snsUrl, 'dead letters at /dlq'],
    ['NATS', nats.wsUrl, `${nats.url}, pid ${natsPid}`],
    ...(signingPublicKey === undefined ? [] : [['signed', 'required', `public key ${signingPublicKey}`]]),
    ...agents.map(({ api, admin, pid }, i) => [`agent ${i}`, api, `admin ${admin}, pid ${pid}`]),
  ];
  const commands = [
    ['Flip a flag', `npm --prefix ${quoted(ROOT_DIR)} run flip -- ${quoted(flagKey)}`],
    ...agents.slice(0, 1).map(({ api }) => ['Ask an agent', askCommand(api, sdkKey, flagKey)]),
    ['Follow a change', `npm --prefix ${quoted(ROOT_DIR)} run -s fanout -- logs --local`],
    ['Look at it all', `npm --prefix ${quoted(ROOT_DIR)} run -s fanout -- doctor --local`],
    ['Stop the bus', `kill ${natsPid}`],
  ];
  const files = [
    ['logs', place.logsDir],
    ['settings', `${place.envFile} (set -a; . FILE)`],
  ];
  return `\n${table(rows)}\n\n${table(files)}\n\n${table(commands)}\n`;
}

function askCommand(api: string, sdkKey: string, flagKey: string): string {
  const url = `${api}/v1/decide?keys=${encodeURIComponent(flagKey)}`;
  const headers = `-H ${quoted(`X-Optimizely-SDK-Key: ${sdkKey}`)} -H 'Content-Type: application/json'`;
  return `curl -s ${quoted(url)} ${headers} -d '{"userId":"me"}'`;
}

/** For a POSIX shell; left as it is where that is safe. */
const quoted = (text: string): string =>
  /^[\w/.:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
