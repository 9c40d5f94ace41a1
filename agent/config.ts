// Settings from environment variables to a typed config. Reports every problem at once, with the name, the value
// (unless it is a secret) and what is allowed. Reads no environment by itself.

import { parseDurationMs } from '../core/duration.ts';
import { FanoutError, messageOf } from '../core/errors.ts';
import { type SdkKey, toSdkKey } from '../core/ids.ts';
import type { NatsSettings } from './sources/bus.ts';
import type { S3Settings } from './sources/s3.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface ConfiguredKey {
  readonly sdkKey: SdkKey;
  /** Datafile access token of a secure environment. */
  readonly accessToken: string | null;
}

export interface EventSettings {
  /** Overrides where events go; null sends them where the SDK would. */
  readonly url: string | null;
  readonly batchSize: number;
  readonly flushIntervalMs: number;
}

export interface AgentConfig {
  readonly keys: readonly ConfiguredKey[];
  readonly keysOnDemandMax: number;
  readonly host: string;
  /** 0 takes any free port. */
  readonly apiPort: number;
  readonly adminPort: number;
  readonly logLevel: LogLevel;
  readonly cdnUrlTemplate: string;
  readonly cdnAuthUrlTemplate: string;
  readonly cdnPollIntervalMs: number;
  readonly events: EventSettings;
  readonly nats: NatsSettings | null;
  readonly s3: S3Settings | null;
  readonly s3PollIntervalMs: number;
  readonly s3CheckIntervalMs: number;
  readonly cacheDir: string | null;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param readText reads a file that a setting names (the .creds file)
 * @throws FanoutError CONFIG_INVALID naming every problem
 */
export function parseConfig(env: Environment, readText: (path: string) => string): AgentConfig {
  const read = new Reader(env);
  const template = read.template('OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE');
  const config: AgentConfig = {
    keys: read.keys('OPTIMIZELY_SDKKEYS'),
    keysOnDemandMax: read.integer('FANOUT_KEYS_ON_DEMAND_MAX', 100, 0, 10_000),
    host: read.text('OPTIMIZELY_SERVER_HOST') ?? '0.0.0.0',
    apiPort: read.integer('OPTIMIZELY_API_PORT', 8080, 0, 65_535),
    adminPort: read.integer('OPTIMIZELY_ADMIN_PORT', 8088, 0, 65_535),
    logLevel: read.choice('OPTIMIZELY_LOG_LEVEL', LOG_LEVELS, 'info'),
    cdnUrlTemplate: template ?? 'https://cdn.optimizely.com/datafiles/%s.json',
    cdnAuthUrlTemplate: template ?? 'https://config.optimizely.com/datafiles/auth/%s.json',
    cdnPollIntervalMs: read.duration('OPTIMIZELY_CLIENT_POLLINGINTERVAL', '1m', 1_000),
    events: {
      url: read.url('OPTIMIZELY_CLIENT_EVENTURL', ['http:', 'https:']),
      batchSize: read.integer('OPTIMIZELY_CLIENT_BATCHSIZE', 10, 1, 10_000),
      flushIntervalMs: read.duration('OPTIMIZELY_CLIENT_FLUSHINTERVAL', '30s', 10),
    },
    nats: read.nats(readText),
    s3: read.s3(),
    s3PollIntervalMs: read.duration('FANOUT_S3_POLL_INTERVAL', '5s', 100),
    s3CheckIntervalMs: read.duration('FANOUT_S3_CHECK_INTERVAL', '5m', 1_000),
    cacheDir: read.text('FANOUT_CACHE_DIR') ?? null,
  };
  if (config.nats !== null && config.s3 === null)
    read.problems.push(
      'FANOUT_BUCKET is missing: the bus carries hints, and the bucket is what they are checked against',
    );
  if (read.problems.length > 0) throw invalid(read.problems);
  return config;
}

/** One reader per kind of value; what is wrong is noted and a default stands in until all is read. */
class Reader {
  readonly problems: string[] = [];
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** An empty value counts as none, as shells and manifests cannot always leave one out. */
  text(name: string): string | undefined {
    const value = this.#env[name]?.trim();
    return value === '' ? undefined : value;
  }

  integer(name: string, byDefault: number, min: number, max: number): number {
    const text = this.text(name);
    if (text === undefined) return byDefault;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.#wrong(name, text, `a whole number from ${min} to ${max}`);
    return byDefault;
  }

  duration(name: string, byDefault: string, minMs: number): number {
    const text = this.text(name) ?? byDefault;
    const valueMs = parseDurationMs(text);
    if (valueMs !== null && valueMs >= minMs) return valueMs;
    this.#wrong(name, text, `a duration such as 100ms, 5s or 1m, at least ${minMs}ms`);
    return minMs;
  }

  choice<T extends string>(name: string, allowed: readonly T[], byDefault: T): T {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return byDefault;
    const found = allowed.find((value) => value === text);
    if (found === undefined) this.#wrong(name, text, `one of ${allowed.join(', ')}`);
    return found ?? byDefault;
  }

  url(name: string, protocols: readonly string[]): string | null {
    const text = this.text(name);
    if (text === undefined) return null;
    if (protocols.includes(URL.parse(text)?.protocol ?? '')) return text;
    this.#wrong(name, withoutUserInfo(text), `a URL with ${protocols.join(' or ')}`);
    return null;
  }

  template(name: string): string | null {
    const text = this.text(name);
    if (text === undefined) return null;
    const { protocol } = URL.parse(text.replaceAll('%s', 'key')) ?? {};
    if (text.includes('%s') && (protocol === 'https:' || protocol === 'http:')) return text;
    this.#wrong(name, withoutUserInfo(text), 'an http(s) URL with %s where the SDK key goes');
    return null;
  }

  keys(name: string): ConfiguredKey[] {
    const entries = (this.text(name) ?? '').split(',').map((entry) => entry.trim());
    const keys = new Map<SdkKey, ConfiguredKey>();
    for (const entry of entries.filter((text) => text !== '')) {
      const colon = entry.indexOf(':');
      const accessToken = colon < 0 ? null : entry.slice(colon + 1);
      try {
        const sdkKey = toSdkKey(colon < 0 ? entry : entry.slice(0, colon));
        if (accessToken === '')
          this.problems.push(`${name}: ${sdkKey} has a colon but no access token after it`);
        else if (keys.has(sdkKey)) this.problems.push(`${name} names ${sdkKey} twice`);
        else keys.set(sdkKey, { sdkKey, accessToken });
      } catch (error) {
        this.problems.push(`${name}: ${messageOf(error)}`);
      }
    }
    return [...keys.values()];
  }

  s3(): S3Settings | null {
    const bucket = this.text('FANOUT_BUCKET');
    const endpoint = this.url('FANOUT_S3_ENDPOINT', ['http:', 'https:']);
    const region = this.text('AWS_REGION') ?? this.text('AWS_DEFAULT_REGION');
    if (bucket === undefined) {
      if (endpoint !== null) this.problems.push('FANOUT_S3_ENDPOINT is set but FANOUT_BUCKET is not');
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

  nats(readText: (path: string) => string): NatsSettings | null {
    const urls = (this.text('FANOUT_NATS_URL') ?? '').split(',').map((url) => url.trim());
    const servers = urls.filter((url) => url !== '');
    for (const url of servers)
      if (!['ws:', 'wss:'].includes(URL.parse(url)?.protocol ?? ''))
        this.#wrong('FANOUT_NATS_URL', withoutUserInfo(url), 'a comma list of ws:// or wss:// URLs');
    const user = this.text('FANOUT_NATS_USER');
    const password = this.text('FANOUT_NATS_PASSWORD');
    const token = this.text('FANOUT_NATS_TOKEN');
    const credsFile = this.text('FANOUT_NATS_CREDS_FILE');
    if ((user === undefined) !== (password === undefined))
      this.problems.push('FANOUT_NATS_USER and FANOUT_NATS_PASSWORD must be set together');
    const ways = [user, token, credsFile].filter((value) => value !== undefined).length;
    if (ways > 1)
      this.problems.push(
        'only one of FANOUT_NATS_USER, FANOUT_NATS_TOKEN, FANOUT_NATS_CREDS_FILE may be set',
      );
    const creds =
      credsFile === undefined ? undefined : this.#file('FANOUT_NATS_CREDS_FILE', credsFile, readText);
    if (servers.length === 0) return null;
    return {
      servers,
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
      ...(token === undefined ? {} : { token }),
      ...(creds === undefined ? {} : { creds }),
    };
  }

  #file(name: string, path: string, readText: (path: string) => string): string | undefined {
    try {
      return readText(path);
    } catch (error) {
      this.#wrong(name, path, `a readable file (${messageOf(error)})`);
      return undefined;
    }
  }

  #wrong(name: string, value: string, allowed: string): void {
    this.problems.push(`${name} is "${value.slice(0, 200)}" but must be ${allowed}`);
  }
}

/** A password in a URL must not reach a log line. */
const withoutUserInfo = (url: string): string => url.replace(/\/\/[^/@]*@/, '//***@');

const invalid = (problems: readonly string[]) =>
  new FanoutError({
    code: 'CONFIG_INVALID',
    message: `The agent's settings are wrong: ${problems.join('; ')}`,
    remedy: 'See "Configuration" in the README for what each variable may be.',
    retryable: false,
  });
