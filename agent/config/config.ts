// Settings from the file and the environment to one typed config. Reports every problem at once, with where it came from
// and what is allowed. Reads neither environment nor files by itself; which settings there are: config/settings.ts.

import { FanoutError } from '../../core/errors.ts';
import { LOG_LEVELS, type LogLevel } from '../../core/log.ts';
import { VERSION } from '../../core/release.ts';
import { Cursor } from '../../core/settings/cursor.ts';
import type { Environment } from '../../core/settings/setting.ts';
import { type Findings, merge, type Node } from '../../core/settings/tree.ts';
import { type Machine, SMALLEST } from './default-workers.ts';
import type { ConfigFile, ReadText } from './file.ts';
import { checkKeyPattern } from './key-pattern.ts';
import { layers, noteUnknownInFile } from './layers.ts';
import { readBatchSize, readKeys, readS3, readTracing, readWebhook, readWorkers } from './read/agent.ts';
import {
  LOOPBACK_NAMES,
  readAllowedHosts,
  readAuth,
  readCors,
  readHost,
  readServer,
  readTrustedProxies,
} from './read/front-door.ts';
import { readAnswerLimits, readHttpLimits, readUserLimits } from './read/http-limits.ts';
import { readNats } from './read/nats.ts';
import { readCmab, readOdp, readUserProfiles } from './read/services.ts';
import { readSigning } from './read/signing.ts';
import type { AgentConfig } from './types.ts';

export type { Environment } from '../../core/settings/setting.ts';
export type { Machine } from './default-workers.ts';
export { type ConfigFile, loadConfigFile } from './file.ts';
export * from './front-door-types.ts';
export * from './types.ts';

export type Checked = Findings & { readonly config: AgentConfig };

const PORT_MAX = 65_535;
const LOOPBACK = '127.0.0.1';
/** A few of the largest. */
const PROFILE_CHARACTERS_MIN = 1024 * 1024;
const INT32_MAX = 2 ** 31 - 1;
/** As the original's file has them: with exactly these, the SDK's own rules say where to go. */
const CDN_URL_TEMPLATE = 'https://cdn.optimizely.com/datafiles/%s.json';
const CDN_AUTH_URL_TEMPLATE = 'https://config.optimizely.com/datafiles/auth/%s.json';
const EVENT_URL = 'https://logx.optimizely.com/v1/events';
/** zerolog's levels that this agent has no own ones for. */
const OTHER_LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: 'debug',
  warning: 'warn',
  fatal: 'error',
  panic: 'error',
  disabled: 'silent',
  // zerolog takes their numbers too.
  '-1': 'debug',
  0: 'debug',
  1: 'info',
  2: 'warn',
  3: 'error',
  4: 'error',
  5: 'error',
  7: 'silent',
};

/**
 * Like parseConfig(), with what is loaded only to check it.
 * @throws FanoutError CONFIG_INVALID naming every problem
 */
export async function loadConfig(...given: Parameters<typeof checkConfig>): Promise<AgentConfig> {
  const { config, problems } = await checkAll(...given);
  if (problems.length > 0) throw invalid(problems);
  return config;
}

/** Like checkConfig(), with what is loaded only to check it. */
export async function checkAll(...given: Parameters<typeof checkConfig>): Promise<Checked> {
  const checked = checkConfig(...given);
  await checkKeyPattern(checked.config.sdkKeyRegex, checked);
  return checked;
}

/**
 * @param readText reads a file that a setting names (keys, certificates, credentials)
 * @param file what loadConfigFile() found
 * @param machine decides how many workers there are where the settings do not
 * @throws FanoutError CONFIG_INVALID naming every problem
 */
export function parseConfig(
  env: Environment,
  readText: ReadText,
  file: ConfigFile | null = null,
  machine: Machine = SMALLEST,
): AgentConfig {
  const { config, problems } = checkConfig(env, readText, file, machine);
  if (problems.length > 0) throw invalid(problems);
  return config;
}

/** Like parseConfig(), with the problems one by one instead of thrown; with any of them, `config` is not to be used. */
export function checkConfig(
  env: Environment,
  readText: ReadText,
  file: ConfigFile | null,
  machine: Machine = SMALLEST,
): Checked {
  const findings: Findings = { problems: [], warnings: [] };
  const root = layers(env, file, findings);
  joinCmab(root);
  const config = read(new Cursor(root, findings, ''), env, readText, findings, machine);
  noteUnknownInFile(root, file, findings);
  if (config.nats !== null && config.s3 === null)
    findings.problems.push(
      'FANOUT_BUCKET is missing: the bus carries hints, and the bucket is what they are checked against',
    );
  return { ...findings, config };
}

function read(
  all: Cursor,
  env: Environment,
  readText: ReadText,
  { warnings }: Findings,
  machine: Machine,
): AgentConfig {
  const host = readHost(all.at('server.host')) ?? LOOPBACK;
  const adminHost = readAdminHost(all.at('fanout.adminHost'), host, warnings);
  const template = unless(CDN_URL_TEMPLATE, all.at('client.datafileURLTemplate').template('the SDK key'));
  const nats = readNats(all.at('fanout'), readText);
  const region = env.AWS_REGION?.trim() || env.AWS_DEFAULT_REGION?.trim() || undefined;
  const s3 = readS3(all.at('fanout'), region);
  const enableNotifications = all.at('api.enableNotifications').boolean();
  const sync = all.at('synchronization.notification.enable');
  return {
    warnings,
    identity: {
      name: all.at('name').text() ?? '',
      author: all.at('author').text() ?? '',
      version: all.at('version').text() ?? VERSION,
    },
    agentName: all.at('fanout.name').text(),
    keys: readKeys(all.at('sdkKeys')),
    streamsMax: all.at('fanout.streamsMax').integer(0, 100_000),
    keysOnDemandMax: all.at('fanout.keysOnDemandMax').integer(0, 10_000),
    keysOnDemandBytesMax: all.at('fanout.keysOnDemandSizeMax').bytes(0),
    sdkKeyRegex: all.at('client.sdkKeyRegex').text(),
    host,
    apiPort: all.at('api.port').integer(0, PORT_MAX),
    adminPort: all.at('admin.port').integer(0, PORT_MAX),
    logLevel: all.at('log.level').choice(LOG_LEVELS, OTHER_LEVELS),
    logPretty: all.at('log.pretty').boolean(),
    logSdkKeys: all.at('log.includeSdkKey').boolean(),
    server: {
      ...readServer(all.at('server'), host, readText),
      ...readHttpLimits(all.at('fanout')),
      trustedProxies: readTrustedProxies(all.at('fanout.trustedProxies')),
    },
    userLimits: readUserLimits(all.at('fanout')),
    answerLimits: readAnswerLimits(all.at('fanout')),
    api: {
      enableOverrides: all.at('api.enableOverrides').boolean(),
      enableNotifications,
      // Negative is no limit, as in the original.
      maxConns: all.at('api.maxConns').integer(0, INT32_MAX, 'is min'),
      cors: readCors(all.at('api.cors')),
      auth: readAuth(all.at('api.auth'), 'api'),
    },
    admin: {
      host: adminHost,
      ...readAllowedHosts(all.at('server.allowedHosts').texts(), adminHost),
      // Clients' proxies do not lead to it.
      trustedProxies: [],
      auth: readAuth(all.at('admin.auth'), 'admin'),
      // The original's own example has the second spelling.
      metricsType: all
        .at('admin.metricsType')
        .choice(['negotiated', 'prometheus', 'expvar'], { promethues: 'prometheus' }),
    },
    batch: {
      // 0 refuses every batch that holds anything, as in the original.
      operationsLimit: all.at('server.batchRequests.operationsLimit').integer(0, INT32_MAX, 'is min'),
      maxConcurrency: all.at('server.batchRequests.maxConcurrency').integerOrDefault(1, 10_000, 10),
    },
    notifications: { enabled: enableNotifications, sync: sync.isSet ? sync.boolean() : nats !== null },
    webhook: readWebhook(all.at('webhook'), all.at('fanout.receiverUrl')),
    cdnUrlTemplate: template ?? CDN_URL_TEMPLATE,
    cdnAuthUrlTemplate: template ?? CDN_AUTH_URL_TEMPLATE,
    cdnPollIntervalMs: all.at('client.pollingInterval').goDuration(1_000, { zero: 'is the default' }),
    events: {
      url: unless(EVENT_URL, all.at('client.eventURL').url(['http:', 'https:'])),
      ...readBatchSize(all.at('client.batchSize')),
      queueSize: all.at('client.queueSize').integerOrDefault(1, 10_000_000, 1_000),
      flushIntervalMs: all.at('client.flushInterval').goDuration(1, { zero: 'is the default' }),
      diskBytesMax: all.at('fanout.eventsDiskMax').bytes(0),
    },
    userProfiles: readUserProfiles(all.at('client.userProfileService')),
    profileCharactersMax: all.at('fanout.profilesSizeMax').bytes(PROFILE_CHARACTERS_MIN),
    odp: readOdp(all.at('client.odp'), all.at('fanout.odpHosts')),
    cmab: readCmab(all.at('cmab')),
    tracing: readTracing(all.at('tracing')),
    workers: readWorkers(all.at('fanout.workers'), machine),
    nats,
    s3,
    s3PollIntervalMs: all.at('fanout.s3PollInterval').duration(100),
    s3CheckIntervalMs: all.at('fanout.s3CheckInterval').duration(1_000),
    cacheDir: all.at('fanout.cacheDir').text(),
    signing: readSigning(all.at('fanout'), s3 !== null),
  };
}

/** The original's admin port is open wherever the API is: operators who come from it are warned of the difference. */
function readAdminHost(setting: Cursor, apiHost: string, warnings: string[]): string {
  const host = readHost(setting);
  if (host === null && !LOOPBACK_NAMES.includes(apiHost.toLowerCase()))
    warnings.push(
      `the admin port is open to this machine alone, at ${LOOPBACK}, although the API listens on ${apiHost}: for probes and scrapers of other hosts set FANOUT_ADMIN_HOST=0.0.0.0, or to ${LOOPBACK} if that is meant`,
    );
  return host ?? LOOPBACK;
}

/** CMAB has had two places in the original's files; both are read, the newer one over the older. */
function joinCmab(root: Node): void {
  const sections = root.value as Map<string, Node>;
  const client = sections.get('client')?.value;
  const over = client instanceof Map ? client.get('cmab') : undefined;
  const under = sections.get('cmab');
  if (over !== undefined && under !== undefined && over.value instanceof Map) {
    (client as Map<string, Node>).delete('cmab');
    merge(under, over);
  }
}

const unless = (same: string, value: string | null): string | null => (value === same ? null : value);

const invalid = (problems: readonly string[]) =>
  new FanoutError({
    code: 'CONFIG_INVALID',
    message: `The agent's settings are wrong: ${problems.join('; ')}`,
    remedy: '`--help` lists every setting; docs/configuration.md says more.',
    retryable: false,
  });
