// The list of all settings: the path in the file, the variable, the default, and a line of help. The one place that says
// which settings there are; readers ask for values by these paths, `--help` prints it, and what is not in it is unknown.

import { renamed, type Setting, setting, unused } from './setting.ts';

export { type Setting, variableOf } from './setting.ts';

const text = setting('text');
const list = setting('list');
const map = setting('map');
const objects = setting('objects');
const auth = (port: string): Setting[] => [
  objects(
    `${port}.auth.clients`,
    undefined,
    'Who may ask for tokens: id, secretHash (base64 of a bcrypt hash), sdkKeys',
  ),
  list(`${port}.auth.hmacSecrets`, undefined, 'Base64 secrets; the first signs tokens, all check them'),
  text(`${port}.auth.ttl`, '0s', 'How long issued tokens are good for'),
  text(`${port}.auth.jwksURL`, undefined, "Where an issuer's public keys are; instead of secrets"),
  text(`${port}.auth.jwksUpdateInterval`, '0s', 'How often those keys are fetched again'),
];

const CMAB_DEFAULTS = {
  requestTimeout: '10s',
  cache: { default: 'in-memory', services: { 'in-memory': { size: 10_000, timeout: '30m' } } },
  retryConfig: { maxRetries: 1, initialBackoff: '100ms', maxBackoff: '10s', backoffMultiplier: 2 },
};

const cmab = (at: string, byDefault: Partial<typeof CMAB_DEFAULTS>): Setting[] => [
  map(at, undefined, 'All of the following as one'),
  text(
    `${at}.predictionEndpoint`,
    undefined,
    "Where CMAB decisions are asked for, %s for the rule; Optimizely's when not set",
  ),
  text(`${at}.requestTimeout`, byDefault.requestTimeout, 'For a CMAB decision to arrive'),
  map(`${at}.cache`, byDefault.cache, 'default, and services: in-memory, redis; or type, size, ttl, redis'),
  map(
    `${at}.retryConfig`,
    byDefault.retryConfig,
    'maxRetries, initialBackoff, maxBackoff, backoffMultiplier',
  ),
];

const NO_GO = 'there is no Go runtime to profile';

export const SETTINGS: readonly Setting[] = [
  text('config.filename', './config.yaml', 'Where the file with settings is'),
  text('name', 'optimizely', 'What /info calls this agent'),
  text('author', 'Optimizely Inc.', 'What /info calls its author'),
  text('version', undefined, "What /info calls its version; the agent's own when not set"),
  list('sdkKeys', undefined, 'SDK keys to serve from the start; sdkKey or sdkKey:datafileAccessToken'),

  text('server.host', '127.0.0.1', 'Address to listen on'),
  list(
    'server.allowedHosts',
    undefined,
    'Hosts that requests may name; .example.com for all below, . for any; this machine when not set',
  ),
  text('server.readTimeout', '5s', 'For a request to arrive in full; 0s: no limit'),
  text('server.writeTimeout', '10s', 'For a client to go on taking its answer; 0s: no limit'),
  text(
    'server.healthCheckPath',
    '/health',
    'The health report is at every GET whose path ends so, beside /health',
  ),
  text('server.keyFile', undefined, 'PEM file with the TLS key'),
  text('server.certFile', undefined, 'PEM file with the TLS certificate and its chain'),
  list('server.disabledCiphers', undefined, 'TLS 1.2 ciphers not to be used'),
  text('server.batchRequests.operationsLimit', 500, 'Operations that one batch may hold; 0: none'),
  text('server.batchRequests.maxConcurrency', 10, 'Operations of one batch at a time'),
  unused('server.interceptors', 'map', 'there are no plugins; requests are counted at /metrics'),

  text('api.port', 8080, 'Port of the API'),
  text('api.maxConns', 0, 'Requests answered at a time; 0: no limit'),
  text('api.enableOverrides', false, 'Whether /v1/override may force variations'),
  text('api.enableNotifications', false, 'Whether /v1/notifications/event-stream is there'),
  list('api.cors.allowedOrigins', ['*'], 'Origins of pages that may call the API'),
  list('api.cors.allowedMethods', ['HEAD', 'GET', 'POST'], 'Methods that they may use'),
  list(
    'api.cors.allowedHeaders',
    undefined,
    'Headers that they may send, Origin aside; * for any; when not set, Accept and Content-Type, and at /datafiles and /ofrep what SDKs and OpenFeature send',
  ),
  list(
    'api.cors.exposedHeaders',
    undefined,
    'Headers that they may read; when not set, none, and at /datafiles and /ofrep ETag, Retry-After and X-Datafile-*',
  ),
  text('api.cors.allowedCredentials', false, 'Whether they may send credentials'),
  text('api.cors.maxAge', 300, 'Seconds that a browser may remember all this'),
  ...auth('api'),

  text('admin.port', 8088, 'Port of health, info, metrics and config'),
  text(
    'admin.metricsType',
    undefined,
    'prometheus or expvar; when not set, Prometheus for scrapers (by Accept) and expvar for others',
  ),
  ...auth('admin'),

  text('webhook.port', 8085, "Port for Optimizely's webhook; open also where no project is configured"),
  map('webhook.projects', undefined, 'By project id: sdkKeys, secret, skipSignatureCheck'),

  text('log.level', 'info', 'debug, info, warn, error or silent'),
  text('log.pretty', false, 'Lines for people instead of JSON'),
  text('log.includeSdkKey', true, 'Whether log lines may hold SDK keys'),

  text('client.pollingInterval', '1m', 'How often the CDN is looked at, where the agent depends on it'),
  text(
    'client.datafileURLTemplate',
    undefined,
    "Where datafiles are, %s for the SDK key; Optimizely's CDN when not set",
  ),
  text('client.sdkKeyRegex', undefined, "What the SDK key header must match, in RE2's syntax"),
  text('client.eventURL', undefined, 'Where events go; where the SDK would send them when not set'),
  text('client.batchSize', undefined, 'Events in a batch; when not set 10, and up to 100 while many come'),
  text('client.queueSize', 1000, 'Events waiting in memory'),
  text('client.flushInterval', '30s', 'How long a batch may wait to fill up'),
  map('client.userProfileService', undefined, 'default, and services: in-memory, redis, rest'),
  text('client.odp.disable', false, 'Turns ODP off'),
  text('client.odp.eventsRequestTimeout', '10s', 'For ODP events to be taken'),
  text('client.odp.eventsFlushInterval', '1s', 'How long ODP events may wait for others; 0s: not at all'),
  text('client.odp.segmentsRequestTimeout', '10s', 'For ODP segments to arrive'),
  map(
    'client.odp.segmentsCache',
    { default: 'in-memory', services: { 'in-memory': { size: 10_000, timeout: '600s' } } },
    'default, and services: in-memory, redis',
  ),
  // At either place: the original has moved it from one to the other.
  ...cmab('cmab', CMAB_DEFAULTS),
  ...cmab('client.cmab', {}),

  text('tracing.enabled', false, 'Turns OpenTelemetry traces on'),
  text('tracing.opentelemetry.default', 'stdout', 'stdout (to a file) or remote'),
  text('tracing.opentelemetry.serviceName', 'optimizely-agent', 'service.name of traces'),
  text('tracing.opentelemetry.env', 'dev', 'deployment.environment of traces'),
  text('tracing.opentelemetry.services.stdout.filename', 'trace.out', 'File for traces'),
  text('tracing.opentelemetry.services.remote.endpoint', 'localhost:4317', 'host:port of an OTLP collector'),
  text('tracing.opentelemetry.services.remote.protocol', 'grpc', 'grpc or http'),
  text('tracing.opentelemetry.services.remote.sampleRate', 1, 'Share of new traces that are kept, 0 to 1'),
  unused('tracing.opentelemetry.traceIDHeaderKey', 'text', 'traces are continued by traceparent (W3C)'),

  text(
    'synchronization.notification.enable',
    undefined,
    "Whether streams show all agents' decisions; with a bus, yes",
  ),
  unused(
    'synchronization.notification.default',
    'text',
    'notifications travel over the bus (FANOUT_NATS_URL)',
  ),
  unused(
    'synchronization.pubsub',
    'map',
    'datafiles and notifications travel over the bus (FANOUT_NATS_URL)',
  ),
  unused('synchronization.datafile', 'map', 'every agent gets every datafile over the bus (FANOUT_NATS_URL)'),
  unused('runtime.blockProfileRate', 'text', NO_GO),
  unused('runtime.mutexProfileFraction', 'text', NO_GO),

  text(
    'fanout.name',
    undefined,
    "What tells this agent from others on its log lines; the host's name when not set, which in Kubernetes is the pod's",
  ),
  text(
    'fanout.bucket',
    undefined,
    'S3 bucket with the record; without one, datafiles come from the CDN alone',
  ),
  text('fanout.s3Endpoint', undefined, "Another S3 than Amazon's"),
  text('fanout.s3PollInterval', '5s', 'How often S3 is looked at while the bus cannot be trusted'),
  text('fanout.s3CheckInterval', '5m', 'How often it is looked at otherwise'),
  list('fanout.natsUrl', undefined, 'ws:// or wss:// URLs of the bus; may hold user:password@ or token@'),
  text('fanout.natsPlaintext', 'refused', 'allowed: a password or token may go to ws:// beyond this machine'),
  text('fanout.natsUser', undefined, 'User on the bus'),
  text('fanout.natsPassword', undefined, 'and the password'),
  text('fanout.natsPasswordFile', undefined, 'or a file that holds it, read again at each connection'),
  text('fanout.natsToken', undefined, 'or a token'),
  text('fanout.natsTokenFile', undefined, 'or a file that holds it, read again at each connection'),
  text('fanout.natsCredsFile', undefined, 'or a .creds file, read again at each connection'),
  text('fanout.cacheDir', undefined, 'Folder for datafiles and events over restarts; none without it'),
  text(
    'fanout.adminHost',
    undefined,
    'Address that the admin port listens on; 127.0.0.1 when not set, 0.0.0.0 where other hosts scrape or probe it',
  ),
  list(
    'fanout.trustedProxies',
    undefined,
    'Addresses or networks of proxies whose X-Forwarded-Host and Forwarded count in place of Host',
  ),
  text('fanout.headSizeMax', '1MB', 'Request line and headers of a request together; 431 beyond it'),
  text('fanout.headersMax', 1_000, 'Headers of a request; 431 beyond it'),
  text('fanout.bodySizeMax', '4MB', 'Body of a request; 413 beyond it'),
  text(
    'fanout.userBodySizeMax',
    '2MB',
    'Body of a request about one user, also within a batch; 413 beyond it',
  ),
  text('fanout.userIdSizeMax', '8KB', 'Id of a user; 400 beyond it'),
  text(
    'fanout.attributesMax',
    500,
    'Attributes of a user, tags of an event, or forced decisions; 400 beyond it',
  ),
  text('fanout.decideKeysMax', 5_000, 'Keys in the query of a request; 400 beyond it'),
  text('fanout.answerSizeMax', '16MB', 'One answer, also that of a batch; 400 beyond it'),
  text(
    'fanout.answersInFlightMax',
    '32MB',
    'Answers of 64 KB and more that a process makes or sends at a time; 503 beyond it',
  ),
  text('fanout.streamsMax', 1_000, 'Event streams open at a time'),
  text('fanout.keysOnDemandMax', 100, 'SDK keys served beyond the listed ones'),
  text(
    'fanout.keysOnDemandSizeMax',
    '12MB',
    'Their datafiles together; a worker takes about eight times as much for them',
  ),
  text('fanout.profilesSizeMax', '16MB', 'User profiles in memory, in characters; beyond it some give way'),
  text('fanout.eventsDiskMax', '64MB', 'Events kept in the cache folder while their endpoint is down'),
  renamed(
    'fanout.signingKeys',
    list(
      'fanout.signingPublicKeys',
      undefined,
      "Publishers' public keys (PEM or base64); with any, only what one of them signed is served",
    ),
  ),
  text(
    'fanout.signatures',
    undefined,
    'required, checked (none is taken too, a wrong one is not) or off; when not set, required where there are keys',
  ),
  list(
    'fanout.odpHosts',
    undefined,
    "Origins that a datafile may name for ODP beside Optimizely's, such as https://odp.example.com",
  ),
  text(
    'fanout.receiverUrl',
    undefined,
    'Where the webhook port forwards to; judged by the agent itself when not set',
  ),
  text(
    'fanout.workers',
    undefined,
    'Processes that serve the API; when not set, one for each core, at most 4 and as memory allows',
    'AGENT_WORKERS',
  ),
];
