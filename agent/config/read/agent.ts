// Reads the settings of the agent itself: its keys, its webhook, traces, and where the record is.

import { messageOf } from '../../../core/errors.ts';
import { holdsUserInfo } from '../../../core/http/user-info.ts';
import { type SdkKey, toSdkKey } from '../../../core/ids.ts';
import type { Cursor } from '../../../core/settings/cursor.ts';
import type { S3Settings } from '../../../io/s3.ts';
import { defaultWorkers, type Machine } from '../default-workers.ts';
import type {
  ConfiguredKey,
  EventSettings,
  TracingSettings,
  WebhookProject,
  WebhookSettings,
} from '../types.ts';

const PROJECT_ID_PATTERN = /^\d{1,32}$/;

const WORKERS_MAX = 256;
const RATE_MAX = 1e9;

export function readKeys(setting: Cursor): ConfiguredKey[] {
  const keys = new Map<SdkKey, ConfiguredKey>();
  for (const [i, entry] of setting.texts().entries()) {
    const key = readConfiguredKey(setting, entry);
    if (key === null) continue;
    const before = keys.get(key.sdkKey);
    // By its place: log lines may have to be without SDK keys.
    if (before !== undefined) setting.warn(`has a key again as number ${i + 1}: ${heldTwice(before, key)}`);
    // A key that is given an access token anywhere is not served without one.
    if (before === undefined || before.accessToken === null) keys.set(key.sdkKey, key);
  }
  return [...keys.values()];
}

const heldTwice = (before: ConfiguredKey, again: ConfiguredKey): string => {
  if (before.accessToken === again.accessToken) return 'it is served once';
  const isOnce = before.accessToken === null || again.accessToken === null;
  return isOnce ? 'it is served with the access token' : 'it is served with the first access token';
};

/** `sdkKey` or `sdkKey:datafileAccessToken`; null when it is a problem. */
function readConfiguredKey(setting: Cursor, entry: string): ConfiguredKey | null {
  const colon = entry.indexOf(':');
  const accessToken = colon < 0 ? null : entry.slice(colon + 1);
  const sdkKey = readSdkKey(setting, colon < 0 ? entry : entry.slice(0, colon));
  if (sdkKey === null || accessToken !== '') return sdkKey === null ? null : { sdkKey, accessToken };
  setting.problem(`: ${sdkKey} has a colon but no access token after it`);
  return null;
}

function readSdkKey(setting: Cursor, text: string): SdkKey | null {
  try {
    return toSdkKey(text);
  } catch (error) {
    setting.problem(`: ${messageOf(error)}`);
    return null;
  }
}

export function readWebhook(webhook: Cursor, receiver: Cursor): WebhookSettings {
  const projects = new Map<string, WebhookProject>();
  for (const [id, project] of webhook.at('projects').entries()) {
    if (!PROJECT_ID_PATTERN.test(id)) project.problem('must be named by the id of a project, digits only');
    projects.set(id, readProject(project));
  }
  return {
    port: webhook.at('port').integer(0, 65_535),
    receiverUrl: receiver.url(['http:', 'https:']),
    projects,
  };
}

function readProject(project: Cursor): WebhookProject {
  const keys = project.at('sdkKeys');
  // The original's operators write them as in sdkKeys, with their tokens.
  const sdkKeys = keys.texts().flatMap((entry) => readConfiguredKey(keys, entry)?.sdkKey ?? []);
  const secret = project.at('secret').text() ?? '';
  const skipSignatureCheck = project.at('skipSignatureCheck').boolean();
  if (secret === '' && !skipSignatureCheck)
    project.warn('has no secret: every webhook of it is refused (or set skipSignatureCheck: true)');
  return { sdkKeys: [...new Set(sdkKeys)], secret, skipSignatureCheck };
}

export const readWorkers = (workers: Cursor, machine: Machine): number =>
  workers.isSet ? workers.integer(1, WORKERS_MAX) : defaultWorkers(machine);

export function readTracing(tracing: Cursor): TracingSettings {
  const otel = tracing.at('opentelemetry');
  const remote = otel.at('services.remote');
  const path = otel.at('services.stdout.filename').text() ?? 'trace.out';
  const endpoint = remote.at('endpoint').text() ?? '';
  if (holdsUserInfo(endpoint.includes('://') ? endpoint : `http://${endpoint}`))
    remote.at('endpoint').problem('holds credentials: OTEL_EXPORTER_OTLP_HEADERS gives them');
  const enabled = tracing.at('enabled').boolean();
  const protocol = readChoice(remote.at('protocol'), ['grpc', 'http'], enabled);
  // Beyond 0 to 1 counts as all or none, as the original's file says.
  const sampleRate = Math.min(1, Math.max(0, remote.at('sampleRate').number(-RATE_MAX, RATE_MAX)));
  const kind = readChoice(otel.at('default'), ['stdout', 'remote'], enabled);
  return {
    enabled,
    serviceName: otel.at('serviceName').text() ?? '',
    environment: otel.at('env').text() ?? '',
    exporter: kind === 'stdout' ? { kind: 'file', path } : { kind: 'otlp', endpoint, protocol, sampleRate },
  };
}

/** Where traces are off, a word that says nothing harms nothing. */
function readChoice<T extends string>(at: Cursor, allowed: readonly [T, ...T[]], isUsed: boolean): T {
  return isUsed || allowed.some((one) => one === at.text()) ? at.choice(allowed) : allowed[0];
}

/** @param region of the AWS SDK's own variables */
export function readS3(fanout: Cursor, region: string | undefined): S3Settings | null {
  const bucket = fanout.at('bucket').text();
  const endpoint = fanout.at('s3Endpoint').url(['http:', 'https:']);
  // The SDK signs requests, and would neither send credentials of the URL nor refuse them.
  if (endpoint !== null && holdsUserInfo(endpoint))
    fanout
      .at('s3Endpoint')
      .problem('holds a user or a password: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY give them');
  if (bucket === null) {
    if (endpoint !== null) fanout.at('s3Endpoint').problem('is set but FANOUT_BUCKET is not');
    return null;
  }
  // Another S3 seldom has regions, but the SDK signs with one.
  const signedRegion = region ?? (endpoint === null ? undefined : 'us-east-1');
  return {
    bucket,
    ...(endpoint === null ? {} : { endpoint }),
    ...(signedRegion === undefined ? {} : { region: signedRegion }),
  };
}

const BATCH_SIZE_MAX = 100_000;
/** Where the operator said nothing, or 0: as the original sends them, and more at a time while many come; the endpoint takes far more. */
const BATCH_SIZES = { batchSize: 10, batchSizeMax: 100 };

/** What the operator names is not exceeded. */
export function readBatchSize(setting: Cursor): Pick<EventSettings, 'batchSize' | 'batchSizeMax'> {
  const batchSize = setting.integerOrDefault(1, BATCH_SIZE_MAX, BATCH_SIZES.batchSize);
  if (!setting.isSet || Number(setting.text()) <= 0) return BATCH_SIZES;
  return { batchSize, batchSizeMax: batchSize };
}
