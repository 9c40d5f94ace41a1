// Puts the real parts together, once per cold start. The handlers hand in environment, clock and randomness, which only an entry
// may touch; nothing is opened before it is used.

import type { BusCredentials } from '../core/bus/credentials.ts';
import type { Random } from '../core/clock.ts';
import type { ServiceName } from '../core/log.ts';
import { type ProjectTable, parseProjects } from '../core/projects.ts';
import { parseSigningKey, type SigningKey } from '../core/record/signing-keys.ts';
import { realClock } from '../io/real-clock.ts';
import { NatsBus } from './bus/bus.ts';
import { parseBusCredentials } from './bus/credentials.ts';
import { createTopic } from './bus/topic.ts';
import { createCdn } from './cdn/cdn.ts';
import { withFreshTokens } from './cdn/fresh-tokens.ts';
import type { Deps, ReaderDeps } from './ports.ts';
import { sdkCheck } from './publish/sdk-check.ts';
import { createRecord } from './record/bucket.ts';
import { withMemory } from './record/record-memory.ts';
import { withTrustedHeads, withTrustedManifests } from './record/signed-record.ts';
import { Seals } from './record/signing.ts';
import { type CachedSecret, RefreshingSecret, unchanging } from './settings/refreshing-secret.ts';
import { readSecret, type SecretReference } from './settings/secrets.ts';
import {
  type Environment,
  type ReaderSettings,
  readReaderSettings,
  readSecretNames,
  readWriterSettings,
  settingWarnings,
  type WriterSettings,
} from './settings/settings.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';

export interface ProcessGlobals {
  readonly env: Environment;
  readonly nowMs: () => number;
  readonly random: Random;
  readonly newId: () => string;
}

export interface Wired<S, D> {
  readonly settings: S;
  readonly deps: D;
  readonly telemetry: Telemetry;
}

export interface WiredWriter extends Wired<Omit<WriterSettings, 'projects'>, Deps> {
  readonly projects: CachedSecret<ProjectTable>;
}

/** @throws FanoutError CONFIG_INVALID */
export function wireReader(service: ServiceName, globals: ProcessGlobals): Wired<ReaderSettings, ReaderDeps> {
  const settings = readReaderSettings(globals.env);
  const telemetry = createTelemetry({ service, ...globals });
  const { nats } = readSecretNames(globals.env);
  warnOf(globals.env, telemetry);
  const { publicKeys } = settings;
  const seals = publicKeys.length === 0 ? null : new Seals(null, publicKeys);
  return { settings, telemetry, deps: trusting(readerDeps(settings, nats, globals, telemetry), seals) };
}

/**
 * @param teller the function that writes log lines and metrics for CloudWatch to standard output, or what takes them instead
 * @throws FanoutError CONFIG_INVALID
 */
export function wireWriter(teller: ServiceName | Telemetry, globals: ProcessGlobals): WiredWriter {
  const telemetry = typeof teller === 'string' ? createTelemetry({ service: teller, ...globals }) : teller;
  const secrets = readSecretNames(globals.env);
  const settings = readWriterSettings(globals.env, secrets);
  // Other tellers tell the operator themselves.
  if (typeof teller === 'string') warnOf(globals.env, telemetry);
  const projects = kept(secrets.projects, parseProjects, settings.projects, globals, telemetry);
  const seals = writerSeals(settings, secrets.signing, globals, telemetry);
  const deps: Deps = {
    ...trusting(readerDeps(settings, secrets.nats, globals, telemetry), seals),
    // A further region writes nothing.
    signer: seals !== null && settings.role === 'home' ? seals : undefined,
    topic: createTopic(settings.topic),
    cdn: withFreshTokens(createCdn(settings.templates), projects),
    sdkCheck,
    newId: globals.newId,
  };
  return { settings, projects, telemetry, deps };
}

/** Once per cold start. */
function warnOf(env: Environment, { log }: Telemetry): void {
  for (const warning of settingWarnings(env)) log.warn('config.warning', { warning });
}

function readerDeps(
  settings: ReaderSettings,
  nats: SecretReference | null,
  globals: ProcessGlobals,
  telemetry: Telemetry,
): ReaderDeps {
  const clock = realClock(globals.nowMs);
  const credentials = kept<BusCredentials>(nats, parseBusCredentials, settings.bus, globals, telemetry);
  const bus = new NatsBus(settings.bus, clock, credentials);
  return {
    record: createRecord(settings.bucket),
    bus,
    hearAgents: bus.hearAgents,
    clock,
    random: globals.random,
    log: telemetry.log,
    metrics: telemetry.metrics,
  };
}

/** Null where versions are not signed, and no signatures are asked for. */
function writerSeals(
  { publicKeys, signingKey }: WriterSettings,
  secret: SecretReference | null,
  globals: ProcessGlobals,
  telemetry: Telemetry,
): Seals | null {
  if (secret !== null) return new Seals(read(secret, parseSigningKey, globals, telemetry), publicKeys);
  if (signingKey !== null) return new Seals(unchanging<SigningKey>(signingKey), publicKeys);
  return publicKeys.length === 0 ? null : new Seals(null, publicKeys);
}

function trusting(deps: ReaderDeps, seals: Seals | null): ReaderDeps {
  const { record, bus } = deps;
  if (seals === null) return { ...deps, record: withMemory(record) };
  return {
    ...deps,
    record: withTrustedManifests(record, seals, deps),
    bus: withTrustedHeads(bus, seals),
  };
}

function kept<T>(
  reference: SecretReference | null,
  parse: (text: string) => T,
  given: T,
  globals: ProcessGlobals,
  telemetry: Telemetry,
): CachedSecret<T> {
  return reference === null ? unchanging(given) : read(reference, parse, globals, telemetry);
}

function read<T>(
  reference: SecretReference,
  parse: (text: string) => T,
  { nowMs }: ProcessGlobals,
  { log, metrics }: Telemetry,
): CachedSecret<T> {
  const { name } = reference;
  const secret = new RefreshingSecret({
    name,
    read: () => readSecret(reference),
    parse,
    clock: { nowMs },
    log,
    metrics,
  });
  // Begun while the function still starts. It reports its own failure, and a part that needs the value tries again.
  void secret.get().catch(() => {});
  return secret;
}
