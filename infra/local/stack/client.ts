// What a person or a test does to a running stack from outside, over the addresses alone: publish a datafile, send the
// signed webhook, flip a flag, ask an agent.

import { DATAFILE_UPDATED, SIGNATURE_HEADER, signWebhook } from '../../../core/webhook.ts';
import { type DatafileJson, datafileBytes } from '../optimizely/datafile.ts';
import { flipFlag } from '../optimizely/flip-flag.ts';
import { environmentOf, sdkKeyOf } from './env.ts';
import type { StackAddresses } from './options.ts';

type CdnAddress = Pick<StackAddresses, 'cdn'>;
type WebhookAddress = Pick<StackAddresses, 'webhook' | 'webhookSecret' | 'cdn'>;

/** What the CDN holds now; not counted among its fetches. */
export async function currentDatafile({ cdn }: CdnAddress, sdkKey: string): Promise<DatafileJson> {
  const response = await fetch(`${cdn}/current/${encodeURIComponent(sdkKey)}.json`);
  if (!response.ok) throw new Error(`The CDN stand-in has no datafile of ${sdkKey}: ${response.status}`);
  return (await response.json()) as DatafileJson;
}

export async function putDatafile({ cdn }: CdnAddress, datafile: DatafileJson): Promise<void> {
  await putBytes({ cdn }, sdkKeyOf(datafile), datafileBytes(datafile));
}

/** Any bytes, for what no reader should accept. */
export async function putBytes({ cdn }: CdnAddress, sdkKey: string, body: Uint8Array): Promise<void> {
  const url = `${cdn}/datafiles/${encodeURIComponent(sdkKey)}.json`;
  const response = await fetch(url, { method: 'PUT', body: new Uint8Array(body) });
  if (!response.ok) throw new Error(`PUT ${url} answers ${response.status}`);
}

/** The body that Optimizely sends for this datafile, with its spaces. */
export function webhookBody({ cdn }: CdnAddress, datafile: DatafileJson, timestampS: number): Buffer {
  const file = `datafiles/${encodeURIComponent(sdkKeyOf(datafile))}.json`;
  const environment = environmentOf(datafile);
  const name = environment.charAt(0).toUpperCase() + environment.slice(1);
  const data = [
    `"cdn_url": "${cdn}/${file}"`,
    `"environment": "${name}"`,
    `"origin_url": "${cdn}/origin/${file}"`,
    `"revision": ${Number(datafile.revision)}`,
  ];
  const fields = [
    `"timestamp": ${timestampS}`,
    `"project_id": ${datafile.projectId}`,
    `"data": {${data.join(', ')}}`,
    `"event": "${DATAFILE_UPDATED}"`,
  ];
  return Buffer.from(`{${fields.join(', ')}}`);
}

/** Sends the signed webhook for this datafile; `secret` may be a wrong one. */
export async function sendWebhook(
  addresses: WebhookAddress,
  datafile: DatafileJson,
  secret: string = addresses.webhookSecret,
): Promise<Response> {
  const body = webhookBody(addresses, datafile, Math.floor(Date.now() / 1000));
  return postWebhook(addresses, body, signWebhook(body, secret));
}

/** Sends any bytes with any signature. */
export function postWebhook(
  { webhook }: Pick<StackAddresses, 'webhook'>,
  body: Uint8Array,
  signature?: string,
): Promise<Response> {
  return fetch(webhook, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(signature !== undefined && { [SIGNATURE_HEADER]: signature }),
    },
    body: new Uint8Array(body),
  });
}

/** The first half of a flip: the CDN gets the next revision with the flag turned round; the webhook is yet to be sent. */
export async function putFlip(addresses: CdnAddress, sdkKey: string, flagKey: string): Promise<DatafileJson> {
  const datafile = flipFlag(await currentDatafile(addresses, sdkKey), flagKey);
  await putDatafile(addresses, datafile);
  return datafile;
}

export interface Decision {
  readonly enabled: boolean;
  readonly variationKey: string;
  readonly revision: number;
  readonly seq: number;
}

/** One decision of one agent. Throws on anything but 200. */
export async function decide(
  api: string,
  sdkKey: string,
  flagKey: string,
  userId = 'user-1',
): Promise<Decision> {
  const response = await fetch(`${api}/v1/decide?keys=${encodeURIComponent(flagKey)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-optimizely-sdk-key': sdkKey },
    body: JSON.stringify({ userId, decideOptions: ['DISABLE_DECISION_EVENT'] }),
  });
  if (!response.ok)
    throw new Error(`${api}/v1/decide answers ${response.status}: ${(await response.text()).slice(0, 200)}`);
  const { enabled, variationKey } = (await response.json()) as { enabled: boolean; variationKey: string };
  return {
    enabled,
    variationKey,
    revision: Number(response.headers.get('x-datafile-revision')),
    seq: Number(response.headers.get('x-datafile-seq')),
  };
}

/** One run of reconcile, as its schedule does it. Throws when it fails. */
export async function invokeReconcile(reconcileUrl: string): Promise<void> {
  const event = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {}, resources: [] };
  const response = await fetch(`${reconcileUrl}/invoke`, { method: 'POST', body: JSON.stringify(event) });
  const text = await response.text();
  if (!response.ok) throw new Error(`reconcile answers ${response.status}: ${text.slice(0, 500)}`);
}

const IN_RECORD_TIMEOUT_MS = 20_000;
const POLL_MS = 50;

/** Resolves when the agent serves each key from the record; until then it may serve what the CDN gave it (seq 0). */
export async function untilInRecord(api: string, sdkKeys: readonly string[]): Promise<void> {
  const deadlineMs = Date.now() + IN_RECORD_TIMEOUT_MS;
  for (const sdkKey of sdkKeys) {
    for (;;) {
      const response = await fetch(`${api}/v1/datafile`, { headers: { 'x-optimizely-sdk-key': sdkKey } });
      await response.arrayBuffer();
      if (response.ok && Number(response.headers.get('x-datafile-seq')) > 0) break;
      if (Date.now() > deadlineMs)
        throw new Error(`${api} does not serve ${sdkKey} from S3 (${response.status})`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
