// Reads the settings of the services that the SDK uses: user profiles, segment and CMAB caches, and the CMAB endpoint.

import { maskUserInfo } from '../../../core/http/user-info.ts';
import type { Cursor, GoDurationRules } from '../../../core/settings/cursor.ts';
import type {
  CacheChoice,
  CacheSettings,
  CmabSettings,
  OdpSettings,
  ProfileServiceSettings,
  RedisSettings,
  RestProfileSettings,
  UserProfileSettings,
} from '../types.ts';

const CAPACITY_MAX = 100_000_000;
const REDIS_PORT = 6379;
const DATABASE_MAX = 100_000;
const RETRIES_MAX = 100;
const CMAB_CACHE_TTL_MS = 1_800_000;
/** Requests to other services always have a time limit, even where the settings say 0. */
const ZERO_IS_THE_DEFAULT: GoDurationRules = { zero: 'is the default' };

export function readUserProfiles(ups: Cursor): UserProfileSettings {
  return readChoice<ProfileServiceSettings>(ups, 'user profile service', {
    'in-memory': (it) => ({
      kind: 'in-memory',
      capacity: it.at('capacity').integer(0, CAPACITY_MAX, 'is min'),
      storageStrategy: it.at('storageStrategy').choice(['fifo', 'lifo']),
    }),
    redis: (it) => ({
      kind: 'redis',
      redis: readRedis(it),
      expirationMs: it.at('expiration').goDuration(1, { otherwiseMs: 0 }),
    }),
    rest: readRest,
  });
}

function readRest(it: Cursor): RestProfileSettings {
  const host = it.at('host').url(['http:', 'https:']);
  if (!it.at('host').isSet) it.problem('needs a host: the URL that the paths are appended to');
  return {
    kind: 'rest',
    host: host ?? '',
    lookupPath: it.at('lookupPath').text() ?? '',
    lookupMethod: it.at('lookupMethod').choice(['POST', 'GET']),
    savePath: it.at('savePath').text() ?? '',
    saveMethod: it.at('saveMethod').choice(['POST', 'PUT', 'PATCH']),
    userIdKey: it.at('userIDKey').text() ?? 'user_id',
    async: it.at('async').boolean(),
    headers: Object.fromEntries(
      it
        .at('headers')
        .entries()
        .map(([name, value]) => [name, value.text() ?? '']),
    ),
  };
}

export function readOdp(odp: Cursor, hosts: Cursor): OdpSettings {
  return {
    origins: readOrigins(hosts),
    disable: odp.at('disable').boolean(),
    eventsRequestTimeoutMs: odp.at('eventsRequestTimeout').goDuration(1, ZERO_IS_THE_DEFAULT),
    eventsFlushIntervalMs: odp.at('eventsFlushInterval').goDuration(1),
    segmentsRequestTimeoutMs: odp.at('segmentsRequestTimeout').goDuration(1, ZERO_IS_THE_DEFAULT),
    segmentsCache: readCaches(odp.at('segmentsCache'), 'segment cache'),
  };
}

/** As a browser would write them, so that they can be compared. */
function readOrigins(hosts: Cursor): readonly string[] {
  return hosts.texts().flatMap((text) => {
    const url = URL.parse(text);
    const isOrigin = url !== null && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
    if (isOrigin) return [url.origin];
    hosts.problem(
      `must list origins such as https://odp.example.com, not "${maskUserInfo(text).slice(0, 100)}"`,
    );
    return [];
  });
}

export function readCmab(cmab: Cursor): CmabSettings {
  const retry = cmab.at('retryConfig');
  const cache = cmab.at('cache');
  return {
    predictionEndpoint: cmab.at('predictionEndpoint').template('the id of the rule'),
    requestTimeoutMs: cmab.at('requestTimeout').goDuration(1, ZERO_IS_THE_DEFAULT),
    cache: cache.at('type').isSet ? readFlatCache(cache) : chosen(readCaches(cache, 'CMAB cache')),
    retry: {
      maxRetries: retry.at('maxRetries').integer(0, RETRIES_MAX, 'is min'),
      initialBackoffMs: retry.at('initialBackoff').goDuration(1),
      maxBackoffMs: retry.at('maxBackoff').goDuration(1),
      backoffMultiplier: retry.at('backoffMultiplier').number(0, 100),
    },
  };
}

const readCaches = (at: Cursor, what: string): CacheChoice =>
  readChoice<CacheSettings>(at, what, {
    'in-memory': (it) => ({
      kind: 'in-memory',
      size: it.at('size').integer(0, CAPACITY_MAX, 'is min'),
      timeoutMs: timeoutOf(it),
    }),
    redis: (it) => ({ kind: 'redis', redis: readRedis(it), timeoutMs: timeoutOf(it) }),
  });

/** As CMAB's cache was written before it became a choice of services. */
function readFlatCache(cache: Cursor): CacheSettings {
  const timeoutMs = cache.at('ttl').goDuration(1, { otherwiseMs: CMAB_CACHE_TTL_MS });
  // The default of the other form is laid under this one.
  cache.at('default').isSet;
  cache.at('services').entries();
  if (cache.at('type').choice(['in-memory', 'redis'], { memory: 'in-memory' }) === 'redis') {
    cache.at('size').isSet;
    return { kind: 'redis', redis: readRedis(cache.at('redis')), timeoutMs };
  }
  return { kind: 'in-memory', size: cache.at('size').integer(0, CAPACITY_MAX, 'is min'), timeoutMs };
}

/** There is always one: the default names a service, which readChoice() has checked. */
const chosen = ({ default: name, services }: CacheChoice): CacheSettings =>
  services.get(name ?? '') ?? { kind: 'in-memory', size: 0, timeoutMs: 0 };

type Readers<T> = Readonly<Record<string, (service: Cursor) => T>>;

function readChoice<T>(
  at: Cursor,
  what: string,
  readers: Readers<T>,
): { default: string | null; services: ReadonlyMap<string, T> } {
  const services = new Map<string, T>();
  const names = Object.keys(readers).join(', ');
  for (const [name, service] of at.at('services').entries()) {
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (read === undefined) service.ignore(`has no effect: a ${what} is one of ${names}`);
    else services.set(name, read(service));
  }
  const chosenName = at.at('default').text();
  if (chosenName !== null && !services.has(chosenName))
    at.at('default').problem(
      `is "${chosenName}", but services has ${[...services.keys()].join(', ') || 'none'}`,
    );
  return { default: chosenName, services };
}

/** `host` is host:port as in the original, or a redis:// or rediss:// URL. */
function readRedis(at: Cursor): RedisSettings {
  const text = at.at('host').text();
  // As the original's library has it.
  if (text === null) at.warn('has no host: localhost:6379 is asked');
  const url = URL.parse(redisUrl(text ?? 'localhost'));
  if (url === null || url.hostname === '')
    at.problem('needs a host: host:port, or a redis:// or rediss:// URL of a Redis server');
  return {
    host: url?.hostname.replace(/^\[|\]$/g, '') ?? '',
    port: Number(url?.port || REDIS_PORT),
    username: at.at('username').text() ?? decoded(url?.username),
    password: at.at('password').text() ?? decoded(url?.password),
    database: at.at('database').integer(0, DATABASE_MAX),
    tls: url?.protocol === 'rediss:',
  };
}

/** `:6379` is this machine's, as in Go. */
function redisUrl(host: string): string {
  if (/^rediss?:\/\//.test(host)) return host;
  return `redis://${host.startsWith(':') ? 'localhost' : ''}${host}`;
}

const decoded = (part: string | undefined): string | null => (part ? decodeURIComponent(part) : null);

const timeoutOf = (cache: Cursor): number => cache.at('timeout').goDuration(1, { otherwiseMs: 0 });
