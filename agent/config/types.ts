// The agent's settings as its parts read them: one typed object, each part with its own piece. Only shapes; the readers beside
// this file know where values come from and which are allowed.

import type { SdkKey } from '../../core/ids.ts';
import type { LogLevel } from '../../core/log.ts';
import type { S3Settings } from '../../io/s3.ts';
import type { NatsSettings } from '../datafiles/sources/bus.ts';
import type {
  AnswerLimits,
  AuthSettings,
  CorsSettings,
  ServerSettings,
  UserLimits,
} from './front-door-types.ts';

export interface ConfiguredKey {
  readonly sdkKey: SdkKey;
  /** Datafile access token of a secure environment. */
  readonly accessToken: string | null;
}

export interface AgentConfig {
  /** For the operator to know; the agent starts nevertheless. */
  readonly warnings: readonly string[];
  readonly identity: Identity;
  /** What tells this agent from others on log lines; null for the name of its host. */
  readonly agentName: string | null;
  readonly keys: readonly ConfiguredKey[];
  readonly keysOnDemandMax: number;
  /** Of their datafiles together. */
  readonly keysOnDemandBytesMax: number;
  /** Event streams open at a time. */
  readonly streamsMax: number;
  /** What the SDK key header must match beyond being an SDK key, in RE2's syntax; null where nothing more is asked for. */
  readonly sdkKeyRegex: string | null;
  readonly host: string;
  /** 0 takes any free port. */
  readonly apiPort: number;
  readonly adminPort: number;
  readonly logLevel: LogLevel;
  readonly logPretty: boolean;
  /** False keeps SDK keys out of log lines. */
  readonly logSdkKeys: boolean;
  readonly server: ServerSettings;
  readonly userLimits: UserLimits;
  readonly answerLimits: AnswerLimits;
  readonly api: ApiSettings;
  readonly admin: AdminSettings;
  readonly batch: BatchSettings;
  readonly notifications: NotificationSettings;
  readonly webhook: WebhookSettings;
  readonly cdnUrlTemplate: string;
  readonly cdnAuthUrlTemplate: string;
  readonly cdnPollIntervalMs: number;
  readonly events: EventSettings;
  readonly userProfiles: UserProfileSettings;
  /** Of all profiles that are kept in a process' memory. */
  readonly profileCharactersMax: number;
  readonly odp: OdpSettings;
  readonly cmab: CmabSettings;
  readonly tracing: TracingSettings;
  /** Processes that serve the API; 1: the one there is. */
  readonly workers: number;
  readonly nats: NatsSettings | null;
  readonly s3: S3Settings | null;
  readonly s3PollIntervalMs: number;
  readonly s3CheckIntervalMs: number;
  readonly cacheDir: string | null;
  readonly signing: SigningSettings;
}

/** The trusted publishers, and the treatment of datafiles without a signature. */
export interface SigningSettings {
  /** Checked: wrong signatures are refused, but unsigned datafiles are taken, while publishers begin to sign. */
  readonly mode: 'off' | 'checked' | 'required';
  /** Raw public keys in base64. */
  readonly keys: readonly string[];
}

/** What /info says of this agent. */
export interface Identity {
  readonly name: string;
  readonly author: string;
  readonly version: string;
}

export interface ApiSettings {
  readonly enableOverrides: boolean;
  readonly enableNotifications: boolean;
  /** Connections served at a time; 0: no limit. */
  readonly maxConns: number;
  /** Null: no CORS headers at all. */
  readonly cors: CorsSettings | null;
  /** Null: requests need no token. */
  readonly auth: AuthSettings | null;
}

/** With the hosts that requests to the admin port may name; they follow from the address that it listens on. */
export interface AdminSettings
  extends Pick<ServerSettings, 'allowedHosts' | 'allowAnyIp' | 'trustedProxies'> {
  readonly host: string;
  readonly auth: AuthSettings | null;
  /** Negotiated: Prometheus' shape for clients that ask for it, as scrapers do, and expvar's, the original's default, for others. */
  readonly metricsType: 'negotiated' | 'prometheus' | 'expvar';
}

/** POST /v1/batch. */
export interface BatchSettings {
  readonly operationsLimit: number;
  readonly maxConcurrency: number;
}

export interface NotificationSettings {
  /** GET /v1/notifications/event-stream. */
  readonly enabled: boolean;
  /** Whether a stream shows the decisions of every agent, over the bus; false: of this one alone. */
  readonly sync: boolean;
}

/** The agent's own webhook port. */
export interface WebhookSettings {
  /** 0 takes any free port. */
  readonly port: number;
  /** Where requests go unchanged; null: this agent judges them itself. */
  readonly receiverUrl: string | null;
  /** By Optimizely's project id. */
  readonly projects: ReadonlyMap<string, WebhookProject>;
}

export interface WebhookProject {
  readonly sdkKeys: readonly SdkKey[];
  /** Empty when there is none; then only skipSignatureCheck lets anything in. */
  readonly secret: string;
  readonly skipSignatureCheck: boolean;
}

export interface EventSettings {
  /** Overrides where events go; null sends them where the SDK would. */
  readonly url: string | null;
  readonly batchSize: number;
  /** What a request may hold while events come faster than one at a time is worth; batchSize where the operator set one. */
  readonly batchSizeMax: number;
  /** Events kept in memory until they are sent or on disk. */
  readonly queueSize: number;
  readonly flushIntervalMs: number;
  /** What may wait on disk (under the cache folder) while the endpoint is down; the oldest goes first beyond it. */
  readonly diskBytesMax: number;
}

export interface RedisSettings {
  readonly host: string;
  readonly port: number;
  /** Null where the server asks for none. */
  readonly username: string | null;
  readonly password: string | null;
  readonly database: number;
  readonly tls: boolean;
}

export interface UserProfileSettings {
  /** The service of requests that name none; null: no profiles for those. */
  readonly default: string | null;
  /** By the name that X-Optimizely-UPS-Name chooses. */
  readonly services: ReadonlyMap<string, ProfileServiceSettings>;
}

export type ProfileServiceSettings =
  | MemoryProfileSettings
  | {
      readonly kind: 'redis';
      readonly redis: RedisSettings /** 0: for ever. */;
      readonly expirationMs: number;
    }
  | RestProfileSettings;

export interface MemoryProfileSettings {
  readonly kind: 'in-memory';
  /** Profiles kept; 0: no limit. */
  readonly capacity: number;
  /** Which one gives way when full: the oldest (fifo) or the youngest (lifo). */
  readonly storageStrategy: 'fifo' | 'lifo';
}

export interface RestProfileSettings {
  readonly kind: 'rest';
  /** Base URL; the paths are appended as they are. */
  readonly host: string;
  readonly lookupPath: string;
  readonly lookupMethod: 'GET' | 'POST';
  readonly savePath: string;
  readonly saveMethod: 'POST' | 'PUT' | 'PATCH';
  /** Name of the user's id in query and body. */
  readonly userIdKey: string;
  /** True: saving is not waited for. */
  readonly async: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

export interface OdpSettings {
  /** That a datafile may name beside Optimizely's own. */
  readonly origins: readonly string[];
  readonly disable: boolean;
  readonly eventsRequestTimeoutMs: number;
  readonly eventsFlushIntervalMs: number;
  readonly segmentsRequestTimeoutMs: number;
  readonly segmentsCache: CacheChoice;
}

/** Caches of which requests choose one by name (X-Optimizely-ODP-Cache-Name), or get the default. */
export interface CacheChoice {
  /** Null: the SDK's own. */
  readonly default: string | null;
  readonly services: ReadonlyMap<string, CacheSettings>;
}

export type CacheSettings =
  | {
      readonly kind: 'in-memory';
      readonly size: number /** 0: until it gives way. */;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'redis'; readonly redis: RedisSettings /** 0: for ever. */; readonly timeoutMs: number };

export interface CmabSettings {
  /** With %s where the rule's id goes; null: Optimizely's own. */
  readonly predictionEndpoint: string | null;
  readonly requestTimeoutMs: number;
  readonly cache: CacheSettings;
  readonly retry: {
    readonly maxRetries: number;
    readonly initialBackoffMs: number;
    readonly maxBackoffMs: number;
    readonly backoffMultiplier: number;
  };
}

export interface TracingSettings {
  readonly enabled: boolean;
  readonly serviceName: string;
  readonly environment: string;
  readonly exporter:
    | { readonly kind: 'file'; readonly path: string }
    | {
        readonly kind: 'otlp';
        /** `host:port`, or a URL. */
        readonly endpoint: string;
        readonly protocol: 'http' | 'grpc';
        /** 0 to 1; of traces that begin here. */
        readonly sampleRate: number;
      };
}
