// The settings as /config shows them: in the shape of the original's answer, and what only this agent has under `fanout`. Composed
// field by field, so that a secret can only get in by being written here. Pure.

import { maskUrl } from '../../../core/http/user-info.ts';
import type {
  AgentConfig,
  CacheChoice,
  CacheSettings,
  ProfileServiceSettings,
  RedisSettings,
  TracingSettings,
} from '../../config/config.ts';
import { CORS_BY_DEFAULT } from '../door/cors-routes.ts';

const NS_PER_MS = 1_000_000;

/** Go writes durations as nanoseconds. */
const ns = (durationMs: number): number => durationMs * NS_PER_MS;

export function shownConfig(config: AgentConfig): Readonly<Record<string, unknown>> {
  const { identity, api, admin, server, events, odp, cmab, webhook } = config;
  return {
    version: identity.version,
    author: identity.author,
    name: identity.name,
    sdkKeys: config.keys.map(({ sdkKey }) => sdkKey),
    admin: { port: String(config.adminPort), metricsType: admin.metricsType, auth: admin.auth !== null },
    api: {
      cors: api.cors && {
        allowedOrigins: api.cors.allowedOrigins,
        allowedMethods: api.cors.allowedMethods,
        allowedHeaders: api.cors.allowedHeaders ?? CORS_BY_DEFAULT.allowedHeaders,
        exposedHeaders: api.cors.exposedHeaders ?? CORS_BY_DEFAULT.exposedHeaders,
        allowedCredentials: api.cors.allowCredentials,
        maxAge: api.cors.maxAgeS,
      },
      maxConns: api.maxConns,
      port: String(config.apiPort),
      auth: api.auth !== null,
      enableNotifications: api.enableNotifications,
      enableOverrides: api.enableOverrides,
    },
    log: { pretty: config.logPretty, includeSdkKey: config.logSdkKeys, level: config.logLevel },
    tracing: shownTracing(config.tracing),
    client: {
      pollingInterval: ns(config.cdnPollIntervalMs),
      batchSize: events.batchSize,
      queueSize: events.queueSize,
      flushInterval: ns(events.flushIntervalMs),
      datafileURLTemplate: withoutSecrets(config.cdnUrlTemplate),
      eventURL: withoutSecrets(events.url),
      sdkKeyRegex: config.sdkKeyRegex ?? '',
      userProfileService: {
        default: config.userProfiles.default ?? '',
        services: fromMap(config.userProfiles.services, shownProfiles),
      },
      odp: {
        disable: odp.disable,
        eventsRequestTimeout: ns(odp.eventsRequestTimeoutMs),
        eventsFlushInterval: ns(odp.eventsFlushIntervalMs),
        segmentsRequestTimeout: ns(odp.segmentsRequestTimeoutMs),
        segmentsCache: shownCaches(odp.segmentsCache),
      },
    },
    server: {
      allowedHosts: server.allowedHosts ?? ['.'],
      host: config.host,
      readTimeout: ns(server.readTimeoutMs),
      writeTimeout: ns(server.writeTimeoutMs),
      healthCheckPath: server.healthCheckPath,
      tls: server.tls !== null,
      batchRequests: { ...config.batch },
    },
    webhook: {
      port: String(webhook.port),
      projects: fromMap(webhook.projects, ({ sdkKeys, skipSignatureCheck }) => ({
        sdkKeys,
        skipSignatureCheck,
      })),
    },
    synchronization: { notification: { enable: config.notifications.sync } },
    cmab: {
      predictionEndpoint: withoutSecrets(cmab.predictionEndpoint),
      requestTimeout: ns(cmab.requestTimeoutMs),
      cache: shownCache(cmab.cache),
      retryConfig: {
        maxRetries: cmab.retry.maxRetries,
        initialBackoff: ns(cmab.retry.initialBackoffMs),
        maxBackoff: ns(cmab.retry.maxBackoffMs),
        backoffMultiplier: cmab.retry.backoffMultiplier,
      },
    },
    fanout: shownFanout(config),
  };
}

const shownFanout = (config: AgentConfig) => ({
  bucket: config.s3?.bucket ?? null,
  s3Endpoint: withoutSecrets(config.s3?.endpoint ?? null),
  s3PollInterval: ns(config.s3PollIntervalMs),
  s3CheckInterval: ns(config.s3CheckIntervalMs),
  natsUrl: config.nats?.servers.map(withoutSecrets) ?? [],
  headSizeMax: config.server.headBytesMax,
  headersMax: config.server.headersMax,
  bodySizeMax: config.server.bodyBytesMax,
  streamsMax: config.streamsMax,
  adminHost: config.admin.host,
  cacheDir: config.cacheDir,
  keysOnDemandMax: config.keysOnDemandMax,
  eventsDiskMax: config.events.diskBytesMax,
  workers: config.workers,
  receiverUrl: withoutSecrets(config.webhook.receiverUrl),
});

const shownTracing = ({ enabled, serviceName, environment, exporter }: TracingSettings) => ({
  enabled,
  opentelemetry: {
    default: exporter.kind === 'file' ? 'stdout' : 'remote',
    serviceName,
    env: environment,
    services:
      exporter.kind === 'file'
        ? { stdout: { filename: exporter.path } }
        : { remote: { ...exporter, endpoint: withoutSecrets(exporter.endpoint) } },
  },
});

function shownProfiles(service: ProfileServiceSettings): object {
  if (service.kind === 'in-memory')
    return { capacity: service.capacity, storageStrategy: service.storageStrategy };
  if (service.kind === 'redis') return { ...shownRedis(service.redis), expiration: ns(service.expirationMs) };
  // The values of headers are secrets: the service knows the agent by them.
  const { host, lookupPath, lookupMethod, savePath, saveMethod, userIdKey, async, headers } = service;
  const paths = { lookupPath, lookupMethod, savePath, saveMethod };
  return { host: withoutSecrets(host), ...paths, userIDKey: userIdKey, async, headers: Object.keys(headers) };
}

const shownCaches = ({ default: name, services }: CacheChoice) => ({
  default: name ?? '',
  services: fromMap(services, shownCache),
});

const shownCache = (cache: CacheSettings): object =>
  cache.kind === 'in-memory'
    ? { size: cache.size, timeout: ns(cache.timeoutMs) }
    : { ...shownRedis(cache.redis), timeout: ns(cache.timeoutMs) };

const shownRedis = ({ host, port, database, tls }: RedisSettings) => ({
  host: `${host}:${port}`,
  database,
  tls,
});

const fromMap = <T, S>(map: ReadonlyMap<string, T>, show: (value: T) => S): Record<string, S> =>
  Object.fromEntries([...map].map(([name, value]) => [name, show(value)]));

const withoutSecrets = (url: string | null): string => (url === null ? '' : maskUrl(url));
