// The functions' settings as an operator has them in the shell, with the secrets that they only name, and the parts that
// they lead to. Nothing is asked of anybody but the secret stores.

import type { BusCredentials } from '../../../core/bus/credentials.ts';
import { FanoutError } from '../../../core/errors.ts';
import { type ProjectTable, parseProjects } from '../../../core/projects.ts';
import { type PublicKey, parseSigningKey } from '../../../core/record/signing-keys.ts';
import { parseBusCredentials } from '../../../functions/bus/credentials.ts';
import {
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
  /** Null where there is none: the receiver's way, and a further region's. */
  readonly topicArn: string | null;
  /** Whose signatures count; none where nobody signs. */
  readonly trusted: readonly PublicKey[];
}

/** Stands for a topic where none is set; whether there should be one is a finding of its own. */
const NO_TOPIC = 'none';

/** @throws FanoutError CONFIG_INVALID, SECRET_UNAVAILABLE */
export async function loadSetup(env: Environment): Promise<Setup> {
  const topicArn = env.FANOUT_TOPIC_ARN?.trim() || null;
  const secrets = readSecretNames(env);
  // Nothing is written here, so public keys are enough.
  const readOnly = { FANOUT_TOPIC_ARN: topicArn ?? NO_TOPIC, FANOUT_SIGNING_PUBLIC_KEYS: undefined };
  const settings = settingsOf(env, readOnly, secrets);
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

/** Where anything is missing, a topic that is not set is too: a deployment on AWS has one. */
function settingsOf(env: Environment, readOnly: Environment, secrets: SecretNames): WriterSettings {
  try {
    return readWriterSettings({ ...env, ...readOnly }, secrets);
  } catch {
    return readWriterSettings({ ...env, ...readOnly, FANOUT_TOPIC_ARN: env.FANOUT_TOPIC_ARN }, secrets);
  }
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
