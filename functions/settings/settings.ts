// Environment variables → typed settings, with every problem reported at once. Reads the environment that it is handed.
// Values of secrets never appear in a message.

import { QUARANTINE_DEFAULT, type QuarantineRule } from '../../core/bus/refusal-reports.ts';
import { parseDurationMs } from '../../core/duration.ts';
import { FanoutError, messageOf } from '../../core/errors.ts';
import { holdsUserInfo } from '../../core/http/user-info.ts';
import { type ProjectTable, parseProjects } from '../../core/projects.ts';
import type { PublicKey, SigningKey } from '../../core/record/signing-keys.ts';
import type { S3Settings } from '../../io/s3.ts';
import type { BusSettings } from '../bus/bus.ts';
import type { TopicSettings } from '../bus/topic.ts';
import type { UrlTemplates } from '../cdn/cdn.ts';
import { type GuardSettings, readGuardSettings } from '../webhook/guard.ts';
import { readBus } from './bus.ts';
import { parseSecretReference, type SecretReference } from './secrets.ts';
import { publicKeysOf, SIGNING_SECRET, signingKeyOf } from './signing.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `home` writes the record; `bus-only` (further regions) only keeps its own bus in step with it. */
export type Role = 'home' | 'bus-only';

/** Secrets that are only named in the environment, and read at run time. */
export interface SecretNames {
  readonly projects: SecretReference | null;
  readonly nats: SecretReference | null;
  /** The private key that signs what is written. */
  readonly signing: SecretReference | null;
}

/** What every function needs. */
export interface ReaderSettings {
  readonly bucket: S3Settings;
  readonly bus: BusSettings;
  /** Whose signatures are trusted, besides one's own; with none and no key of one's own, none are asked for. */
  readonly publicKeys: readonly PublicKey[];
}

/** What the functions need that write. */
export interface WriterSettings extends ReaderSettings {
  readonly projects: ProjectTable;
  readonly topic: TopicSettings;
  readonly templates: UrlTemplates;
  readonly fetchBudgetMs: number;
  /** Null where it is read at run time, or nobody signs. */
  readonly signingKey: SigningKey | null;
  readonly guard: GuardSettings;
  readonly role: Role;
  readonly quarantine: QuarantineRule;
}

export const DEFAULT_TEMPLATES: UrlTemplates = {
  cdn: 'https://cdn.optimizely.com/datafiles/%s.json',
  origin: 'https://optimizely.s3.amazonaws.com/datafiles/%s.json',
  auth: 'https://config.optimizely.com/datafiles/auth/%s.json',
};

const FETCH_BUDGET_DEFAULT = '5s';
/** Past this the webhook's function would end before it could queue a refetch. */
const FETCH_BUDGET_MAX_MS = 6_000;
const REPLICAS = ['1', '3', '5'];
/** Plain HTTP is for a stand-in on this machine; anywhere else it would show access tokens to the network. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

const NO_SECRETS: SecretNames = { projects: null, nats: null, signing: null };

/** @throws FanoutError CONFIG_INVALID */
export function readSecretNames(env: Environment): SecretNames {
  return collect((problems) => ({
    projects: secretOf(env, 'FANOUT_PROJECTS_SECRET', problems),
    nats: secretOf(env, 'FANOUT_NATS_SECRET', problems),
    signing: secretOf(env, SIGNING_SECRET, problems),
  }));
}

/** @throws FanoutError CONFIG_INVALID */
export function readReaderSettings(env: Environment): ReaderSettings {
  return collect((problems) => readerOf(env, problems));
}

/** @throws FanoutError CONFIG_INVALID */
export const readPublicKeys = (env: Environment): readonly PublicKey[] =>
  collect((problems) => publicKeysOf(env, problems));

/**
 * @param secrets what is read at run time need not be given; the project table is empty then
 * @throws FanoutError CONFIG_INVALID
 */
export function readWriterSettings(env: Environment, secrets: SecretNames = NO_SECRETS): WriterSettings {
  return collect((problems) => {
    const role = oneOf(env, 'FANOUT_ROLE', ['home', 'bus-only'], 'home', problems) as Role;
    return {
      ...readerOf(env, problems),
      role,
      projects: secrets.projects === null ? projectsOf(env, problems) : new Map(),
      // A further region sends no notice.
      topic: {
        topicArn: role === 'home' ? required(env, 'FANOUT_TOPIC_ARN', problems) : '',
        endpoint: endpointOf(env, 'FANOUT_SNS_ENDPOINT', problems),
      },
      templates: {
        cdn: templateOf(env, 'FANOUT_CDN_URL_TEMPLATE', DEFAULT_TEMPLATES.cdn, problems),
        origin: templateOf(env, 'FANOUT_ORIGIN_URL_TEMPLATE', DEFAULT_TEMPLATES.origin, problems),
        auth: templateOf(env, 'FANOUT_CDN_AUTH_URL_TEMPLATE', DEFAULT_TEMPLATES.auth, problems),
      },
      fetchBudgetMs: fetchBudgetOf(env, problems),
      signingKey: signingKeyOf(env, role === 'home', secrets.signing !== null, problems),
      quarantine: quarantineOf(env, problems),
      guard: readGuardSettings((name) => optional(env, name), problems),
    };
  });
}

function readerOf(env: Environment, problems: string[]): ReaderSettings {
  return {
    bucket: {
      bucket: required(env, 'FANOUT_BUCKET', problems),
      region: optional(env, 'FANOUT_BUCKET_REGION'),
      endpoint: endpointOf(env, 'FANOUT_S3_ENDPOINT', problems),
    },
    bus: {
      ...readBus(env, required(env, 'FANOUT_NATS_URL', problems), problems),
      replicas: Number(oneOf(env, 'FANOUT_NATS_REPLICAS', REPLICAS, '1', problems)),
    },
    publicKeys: publicKeysOf(env, problems),
  };
}

/** The SDK signs requests, and would neither send credentials of the URL nor refuse them. */
function endpointOf(env: Environment, name: string, problems: string[]): string | undefined {
  const url = optional(env, name);
  if (url !== undefined && holdsUserInfo(url))
    problems.push(`${name} must hold no credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY give them`);
  return url;
}

function secretOf(env: Environment, name: string, problems: string[]): SecretReference | null {
  const text = optional(env, name);
  if (text === undefined) return null;
  const secret = parseSecretReference(text);
  if (secret === null)
    problems.push(`${name} must be the name or ARN of a secret in Secrets Manager, or ssm:/and/a/parameter`);
  return secret;
}

function projectsOf(env: Environment, problems: string[]): ProjectTable {
  const json = required(env, 'FANOUT_PROJECTS', problems);
  if (json === '') return new Map();
  try {
    return parseProjects(json);
  } catch (error) {
    problems.push(`FANOUT_PROJECTS: ${messageOf(error)}`);
    return new Map();
  }
}

function templateOf(env: Environment, name: string, fallback: string, problems: string[]): string {
  const template = optional(env, name) ?? fallback;
  const isUrl = template.split('%s').length === 2 && URL.canParse(template.replace('%s', 'key'));
  if (!isUrl) {
    problems.push(`${name} must be a URL with one %s where the SDK key goes`);
    return fallback;
  }
  // The host is the allow-list: no SDK key may have a part in it.
  const { protocol, hostname, pathname } = new URL(template.replace('%s', 'SDKKEY'));
  if (!pathname.includes('SDKKEY')) problems.push(`${name} must have its %s in the path`);
  if (name === 'FANOUT_CDN_AUTH_URL_TEMPLATE' && holdsUserInfo(template))
    problems.push(`${name} must hold no credentials: the access token of the environment is sent there`);
  if (protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.test(hostname)))
    problems.push(`${name} must be https (plain http on this machine only)`);
  return template;
}

function fetchBudgetOf(env: Environment, problems: string[]): number {
  const ms = parseDurationMs(optional(env, 'FANOUT_FETCH_BUDGET') ?? FETCH_BUDGET_DEFAULT);
  if (ms !== null && ms > 0 && ms <= FETCH_BUDGET_MAX_MS) return ms;
  problems.push(`FANOUT_FETCH_BUDGET must be a duration such as 5s, at most ${FETCH_BUDGET_MAX_MS}ms`);
  return 0;
}

function quarantineOf(env: Environment, problems: string[]): QuarantineRule {
  const { share, agentsMin } = QUARANTINE_DEFAULT;
  const rule = {
    share: Number(optional(env, 'FANOUT_QUARANTINE_SHARE') ?? share),
    agentsMin: Number(optional(env, 'FANOUT_QUARANTINE_AGENTS_MIN') ?? agentsMin),
  };
  if (!(rule.share > 0 && rule.share <= 1))
    problems.push('FANOUT_QUARANTINE_SHARE must be a number above 0, up to 1, such as 0.5');
  if (!Number.isInteger(rule.agentsMin) || rule.agentsMin < 1)
    problems.push('FANOUT_QUARANTINE_AGENTS_MIN must be a whole number from 1');
  return rule;
}

/** An empty variable counts as none: templates of deployments leave them so. */
const optional = (env: Environment, name: string): string | undefined => env[name]?.trim() || undefined;

function required(env: Environment, name: string, problems: string[]): string {
  const value = optional(env, name);
  if (value === undefined) problems.push(`${name} is missing`);
  return value ?? '';
}

function oneOf(
  env: Environment,
  name: string,
  allowed: readonly string[],
  fallback: string,
  problems: string[],
): string {
  const value = optional(env, name) ?? fallback;
  if (!allowed.includes(value)) problems.push(`${name} must be one of ${allowed.join(', ')}`);
  return value;
}

function collect<T>(read: (problems: string[]) => T): T {
  const problems: string[] = [];
  const settings = read(problems);
  if (problems.length === 0) return settings;
  throw new FanoutError({
    code: 'CONFIG_INVALID',
    message: `The settings are wrong: ${problems.join('; ')}`,
    remedy: "Set the function's environment variables; docs/configuration.md lists them.",
    retryable: false,
  });
}
