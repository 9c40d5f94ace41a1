// The functions' settings as an operator has them in the shell, with the secrets that they only name, and the parts that
// they lead to. Only the secret stores are asked.

import type { BusCredentials } from '../../../core/bus/credentials.ts';
import { FanoutError } from '../../../core/errors.ts';
import { type ProjectTable, parseProjects } from '../../../core/projects.ts';
import { type PublicKey, parseSigningKey } from '../../../core/record/signing-keys.ts';
import { parseBusCredentials } from '../../../functions/bus/credentials.ts';
import {
  checkWriterSettings,
  type Environment,
  readPublicKeys,
  readSecretNames,
  readWriterSettings,
  type SecretNames,
  type WriterSettings,
} from '../../../functions/settings/settings.ts';

export interface Setup {
  readonly settings: WriterSettings;
  readonly secrets: SecretNames;
  readonly projects: ProjectTable;
  readonly credentials: BusCredentials;
  /** Null where there is none: with the receiver, and in a further region. */
  readonly topicArn: string | null;
  /** Keys whose signatures count; none where nothing is signed. */
  readonly trusted: readonly PublicKey[];
}

/** @throws FanoutError CONFIG_INVALID, SECRET_UNAVAILABLE */
export async function loadSetup(env: Environment): Promise<Setup> {
  const topicArn = env.FANOUT_TOPIC_ARN?.trim() || null;
  const secrets = readSecretNames(env);
  const settings = settingsOf(env, secrets);
  const { readSecret } = await import('../../../functions/settings/secrets.ts');
  const [projects, credentials, trusted] = await Promise.all([
    secrets.projects === null
      ? settings.projects
      : readSecret(secrets.projects).then(named(secrets.projects.name, parseProjects)),
    secrets.nats === null
      ? settings.bus
      : readSecret(secrets.nats).then(named(secrets.nats.name, parseBusCredentials)),
    trustedOf(env, settings, secrets),
  ]);
  return { settings, secrets, projects, credentials, topicArn, trusted };
}

/** Nothing is written here, and a topic that is missing is a finding of its own, unless the settings are wrong anyway. */
function settingsOf(env: Environment, secrets: SecretNames): WriterSettings {
  const needs = { topic: false, signingKey: false };
  const { settings, problems } = checkWriterSettings(env, secrets, needs);
  return problems.length === 0 ? settings : readWriterSettings(env, secrets, { ...needs, topic: true });
}

/** The private key is read only where no public one is given. */
async function trustedOf(
  env: Environment,
  { signingKey }: WriterSettings,
  { signing }: SecretNames,
): Promise<readonly PublicKey[]> {
  const keys = readPublicKeys(env);
  if (signingKey !== null) return [signingKey.publicKey, ...keys];
  if (signing === null || keys.length > 0) return keys;
  const { readSecret } = await import('../../../functions/settings/secrets.ts');
  return [named(signing.name, parseSigningKey)(await readSecret(signing)).publicKey];
}

/** Says which secret it is that cannot be read. */
const named =
  <T>(name: string, parse: (text: string) => T) =>
  (text: string): T => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof FanoutError)) throw error;
      const { code, message, remedy, retryable } = error;
      throw new FanoutError({ code, message: `Secret ${name}: ${message}`, remedy, retryable });
    }
  };
