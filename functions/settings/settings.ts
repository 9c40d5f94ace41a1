// Variables → typed settings of the functions, with every problem reported at once. Reads the environment that it is handed.
// Values of secrets never appear in a message. Which settings there are: list.ts.

import { QUARANTINE_DEFAULT, type QuarantineRule } from '../../core/bus/refusal-reports.ts';
import { FanoutError, messageOf } from '../../core/errors.ts';
import { holdsUserInfo } from '../../core/http/user-info.ts';
import { LOG_LEVELS } from '../../core/log.ts';
import { type ProjectTable, parseProjects } from '../../core/projects.ts';
import type { PublicKey, SigningKey } from '../../core/record/signing-keys.ts';
import type { Cursor } from '../../core/settings/cursor.ts';
import { PUBLIC_KEYS_VARIABLE, publicKeysIn } from '../../core/settings/public-keys.ts';
import type { Environment } from '../../core/settings/setting.ts';
import type { Findings } from '../../core/settings/tree.ts';
import type { S3Settings } from '../../io/s3.ts';
import type { BusSettings } from '../bus/bus.ts';
import type { TopicSettings } from '../bus/topic.ts';
import type { UrlTemplates } from '../cdn/cdn.ts';
import { type GuardSettings, readGuardSettings } from '../webhook/guard.ts';
import { readBus } from './bus.ts';
import { type Read, readFrom } from './list.ts';
import { parseSecretReference, type SecretReference } from './secrets.ts';
import { signingKeyIn } from './signing.ts';

export type { Environment } from '../../core/settings/setting.ts';

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
  /** Keys whose signatures are trusted besides that of the own one; with neither, no signatures are asked for. */
  readonly publicKeys: readonly PublicKey[];
}

/** What the functions need that write. */
export interface WriterSettings extends ReaderSettings {
  readonly projects: ProjectTable;
  readonly topic: TopicSettings;
  readonly templates: UrlTemplates;
  readonly fetchBudgetMs: number;
  /** Null where it is read at run time, or nothing is signed. */
  readonly signingKey: SigningKey | null;
  readonly guard: GuardSettings;
  readonly role: Role;
  readonly quarantine: QuarantineRule;
}

/** With any problem, `settings` is not to be used. */
export interface Checked<Settings> extends Findings {
  readonly settings: Settings;
}

/** What a writer may do without. */
export interface Needs {
  /** False where nothing is sent to a topic: the receiver, and commands that only look. */
  readonly topic?: boolean;
  /** False where nothing is written, so that public keys are enough. */
  readonly signingKey?: boolean;
}

/** Past this the webhook's function would end before it could queue a refetch. */
const FETCH_BUDGET_MAX_MS = 6_000;
const AGENTS_MIN_HIGHEST = 1_000_000;
/** Plain HTTP is for a stand-in on this machine; anywhere else it would show access tokens to the network. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

const NO_SECRETS: SecretNames = { projects: null, nats: null, signing: null };

/** @throws FanoutError CONFIG_INVALID */
export const readSecretNames = (env: Environment): SecretNames => valid(checkSecretNames(env));

/** @throws FanoutError CONFIG_INVALID */
export const readReaderSettings = (env: Environment): ReaderSettings => valid(check(env, readerOf));

/** @throws FanoutError CONFIG_INVALID */
export const readPublicKeys = (env: Environment): readonly PublicKey[] => valid(check(env, publicKeysOf));

/**
 * @param secrets what is read at run time need not be given; the project table is empty then
 * @throws FanoutError CONFIG_INVALID
 */
export const readWriterSettings = (
  env: Environment,
  secrets: SecretNames = NO_SECRETS,
  needs: Needs = {},
): WriterSettings => valid(checkWriterSettings(env, secrets, needs));

export const checkSecretNames = (env: Environment): Checked<SecretNames> =>
  check(env, (read) => ({
    projects: secretOf(read('FANOUT_PROJECTS_SECRET')),
    nats: secretOf(read('FANOUT_NATS_SECRET')),
    signing: secretOf(read('FANOUT_SIGNING_SECRET')),
  }));

/** Like readWriterSettings(), with the problems one by one instead of thrown. */
export const checkWriterSettings = (
  env: Environment,
  secrets: SecretNames,
  { topic = true, signingKey = true }: Needs = {},
): Checked<WriterSettings> =>
  check(env, (read) => {
    const role = read('FANOUT_ROLE').choice(['home', 'bus-only']);
    // A further region sends no notice, and writes nothing that would have to be signed.
    const isHome = role === 'home';
    return {
      ...readerOf(read),
      role,
      projects: secrets.projects === null ? projectsOf(read('FANOUT_PROJECTS')) : new Map(),
      topic: {
        topicArn: isHome && topic ? read('FANOUT_TOPIC_ARN').required() : '',
        endpoint: endpointOf(read('FANOUT_SNS_ENDPOINT')),
      },
      templates: templatesOf(read),
      fetchBudgetMs: read('FANOUT_FETCH_BUDGET').duration(1, FETCH_BUDGET_MAX_MS),
      signingKey: signingKeyIn(read, isHome && signingKey, secrets.signing !== null),
      quarantine: quarantineOf(read),
      guard: readGuardSettings(read),
    };
  });

export interface FunctionSettings {
  readonly functions: WriterSettings;
  readonly secrets: SecretNames;
}

/** All settings of the functions, the names of secrets too. */
export function checkFunctionSettings(env: Environment, needs: Needs = {}): Checked<FunctionSettings> {
  const secrets = checkSecretNames(env);
  const functions = checkWriterSettings(env, secrets.settings, needs);
  return {
    ...findingsOf(secrets, functions),
    settings: { functions: functions.settings, secrets: secrets.settings },
  };
}

/** Of names that were mistyped, or are former ones. */
export const settingWarnings = (env: Environment): readonly string[] => check(env, () => null).warnings;

/** Each once: all parts look at the names of all variables. */
export function findingsOf(...parts: readonly Findings[]): Findings {
  const each = (texts: readonly string[]) => [...new Set(texts)];
  return {
    problems: each(parts.flatMap(({ problems }) => problems)),
    warnings: each(parts.flatMap(({ warnings }) => warnings)),
  };
}

/** @throws FanoutError CONFIG_INVALID, with every problem in its message and their number in its field `wrongSettings` */
export function valid<Settings>({ settings, problems }: Checked<Settings>): Settings {
  if (problems.length === 0) return settings;
  throw new FanoutError({
    code: 'CONFIG_INVALID',
    message: `The settings are wrong: ${problems.join('; ')}`,
    remedy: 'Set the environment variables; docs/configuration.md lists them.',
    retryable: false,
    fields: { wrongSettings: problems.length },
  });
}

/** Reads one part of the settings, on its own. */
export function check<Settings>(env: Environment, readPart: (read: Read) => Settings): Checked<Settings> {
  const findings: Findings = { problems: [], warnings: [] };
  const settings = readPart(readFrom(env, findings));
  return { settings, problems: findings.problems, warnings: findings.warnings };
}

const publicKeysOf = (read: Read): readonly PublicKey[] => publicKeysIn(read(PUBLIC_KEYS_VARIABLE));

function readerOf(read: Read): ReaderSettings {
  // Read when the program starts, before its settings are: here only to name a wrong word.
  read('FANOUT_LOG_LEVEL').choice(LOG_LEVELS);
  return {
    bucket: {
      bucket: read('FANOUT_BUCKET').required(),
      region: read('FANOUT_BUCKET_REGION').text() ?? undefined,
      endpoint: endpointOf(read('FANOUT_S3_ENDPOINT')),
    },
    bus: { ...readBus(read), replicas: Number(read('FANOUT_NATS_REPLICAS').choice(['1', '3', '5'])) },
    publicKeys: publicKeysOf(read),
  };
}

/** The SDK signs requests, and would neither send credentials of the URL nor refuse them. */
function endpointOf(setting: Cursor): string | undefined {
  const url = setting.text() ?? undefined;
  if (url !== undefined && holdsUserInfo(url))
    setting.problem('must hold no credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY give them');
  return url;
}

function secretOf(setting: Cursor): SecretReference | null {
  const text = setting.text();
  if (text === null) return null;
  const secret = parseSecretReference(text);
  if (secret === null)
    setting.problem('must be the name or ARN of a secret in Secrets Manager, or ssm:/and/a/parameter');
  return secret;
}

function projectsOf(setting: Cursor): ProjectTable {
  const json = setting.required();
  if (json === '') return new Map();
  try {
    return parseProjects(json);
  } catch (error) {
    setting.problem(`: ${messageOf(error)}`);
    return new Map();
  }
}

function templatesOf(read: Read): UrlTemplates {
  const auth = read('FANOUT_CDN_AUTH_URL_TEMPLATE');
  if (holdsUserInfo(auth.text() ?? ''))
    auth.problem('must hold no credentials: the access token of the environment is sent there');
  return {
    cdn: templateOf(read('FANOUT_CDN_URL_TEMPLATE')),
    origin: templateOf(read('FANOUT_ORIGIN_URL_TEMPLATE')),
    auth: templateOf(auth),
  };
}

function templateOf(setting: Cursor): string {
  const template = setting.required();
  const isUrl = template.split('%s').length === 2 && URL.canParse(template.replace('%s', 'key'));
  if (!isUrl) {
    setting.problem('must be a URL with one %s where the SDK key goes');
    return template;
  }
  // The host is the allow-list: no SDK key may have a part in it.
  const { protocol, hostname, pathname } = new URL(template.replace('%s', 'SDKKEY'));
  if (!pathname.includes('SDKKEY')) setting.problem('must have its %s in the path');
  if (protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.test(hostname)))
    setting.problem('must be https (plain http on this machine only)');
  return template;
}

function quarantineOf(read: Read): QuarantineRule {
  const shareSetting = read('FANOUT_QUARANTINE_SHARE');
  const share = shareSetting.number(0, 1);
  if (share === 0) shareSetting.problem(`must be above 0, such as ${QUARANTINE_DEFAULT.share}`);
  return { share, agentsMin: read('FANOUT_QUARANTINE_AGENTS_MIN').integer(1, AGENTS_MIN_HIGHEST) };
}
