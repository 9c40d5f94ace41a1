// The schema of log lines, and the names of their fields and of metrics: the same for functions, receiver and agents, so
// that one parser reads all of them and one query follows a change across them.

/** In the order of their weight. `silent` writes nothing and stands on no line. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Which program writes. */
export const SERVICE_NAMES = ['webhook', 'bridge', 'reconcile', 'receiver', 'agent'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** The fields that every line begins with, with their meanings. The writer sets these; what a line is about brings other names. */
export const LINE_FIELDS = {
  level: '`debug`, `info`, `warn` or `error`',
  time: 'when it was written: ISO 8601, UTC, with milliseconds',
  service: '`webhook`, `bridge`, `reconcile`, `receiver` or `agent`',
  name: 'which of them: `FANOUT_NAME`, or else the function, or the host, which in Kubernetes is the pod',
  version: 'the release of datafile-fanout',
  event: 'what happened, for queries and alarms: two words with a dot, such as `candidate.accepted`',
} as const;

/** Fields of one line; those that every line has are the writer's to set. */
export type LogFields = { readonly [field in keyof typeof LINE_FIELDS]?: never } & {
  readonly [field: string]: unknown;
};

/** Fields that every log line about a change carries under these names. */
export interface ChangeFields {
  readonly changeId: string;
  readonly sdkKey: string;
  readonly lineage?: string;
  readonly seq?: number;
  readonly revision?: number;
  readonly sha256?: string;
}

/** The subject of a log line; the `event` field. Stable, for queries and alarms. */
export type LogEvent =
  | 'webhook.received'
  | 'webhook.rejected'
  | 'webhook.ignored'
  | 'webhook.answered'
  | 'webhook.rate-limited'
  /** What was to make the first webhook as fast as any other did not work. */
  | 'rehearsal.failed'
  | 'datafile.fetched'
  | 'datafile.rejected'
  | 'datafile.archived'
  /** Parts of a datafile that are not served, while the rest is. */
  | 'datafile.left-out'
  | 'manifest.moved'
  | 'manifest.kept'
  | 'manifest.conflict'
  | 'manifest.untrusted'
  | 'change.announced'
  | 'change.announce-failed'
  | 'refetch.queued'
  | 'reconcile.key'
  | 'reconcile.finished'
  | 'secret.changed'
  | 'secret.failed'
  | 'beat.sent'
  | 'stream.ensured'
  | 'agent.started'
  | 'agent.stopping'
  | 'agent.stopped'
  | 'agent.behind'
  | 'receiver.started'
  | 'receiver.stopping'
  | 'receiver.stopped'
  | 'worker.started'
  | 'worker.exited'
  | 'worker.replaced'
  | 'bus.available'
  | 'bus.unavailable'
  | 'signatures.checked'
  | 'candidate.accepted'
  | 'candidate.ignored'
  | 'candidate.rejected'
  | 'version.quarantined'
  | 'version.last-good'
  | 'source.failed'
  | 'cache.failed'
  | 'config.invalid'
  | 'config.warning'
  | 'keys.failed'
  | 'key.unknown'
  | 'events.failed'
  | 'engine.mistrusted'
  | 'sdk.failed'
  | 'events.recovered'
  | 'events.lost'
  | 'metrics.counted'
  | 'notes.dropped'
  | 'stream.cut'
  | 'service.failed'
  | 'request.failed';

/** CloudWatch metric names, in namespace METRIC_NAMESPACE. */
export const METRIC_NAMESPACE = 'DatafileFanout';
export const METRIC = {
  webhookAccepted: 'WebhookAccepted',
  webhookRejected: 'WebhookRejected',
  /** Authentic, but more than a project may send: reconcile finds what they said. */
  webhookRateLimited: 'WebhookRateLimited',
  changePublished: 'ChangePublished',
  /** Webhook received → manifest moved, ms. */
  publishLatencyMs: 'PublishLatencyMs',
  /** Webhook received → announced on the bus, ms. */
  announceLatencyMs: 'AnnounceLatencyMs',
  announceFailed: 'AnnounceFailed',
  manifestConflict: 'ManifestConflict',
  cdnStale: 'CdnStale',
  /** Webhook received → Optimizely served what it announced, ms. */
  cdnLagMs: 'CdnLagMs',
  datafileRejected: 'DatafileRejected',
  /** Published, but for parts that are not understood; how many. */
  datafileLeftOut: 'DatafileLeftOut',
  refetchQueued: 'RefetchQueued',
  missedWebhook: 'MissedWebhook',
  /** In each run of reconcile, keys whose record has had a later revision than Optimizely serves for long. */
  recordAhead: 'RecordAhead',
  busBehind: 'BusBehind',
  lineageRenewed: 'LineageRenewed',
  /** In each run of reconcile, versions that are announced no more because agents refuse them. */
  versionQuarantined: 'VersionQuarantined',
  /** A manifest that no trusted key has signed was found in the record, and not built upon. */
  manifestUntrusted: 'ManifestUntrusted',
  /** A secret could not be read; the one read before stays in use. */
  secretFailed: 'SecretFailed',
} as const;

export type MetricName = (typeof METRIC)[keyof typeof METRIC];

/** The little of a logger that parts need. */
export interface Log {
  info(event: LogEvent, fields?: LogFields): void;
  warn(event: LogEvent, fields?: LogFields): void;
  error(event: LogEvent, fields?: LogFields): void;
}
