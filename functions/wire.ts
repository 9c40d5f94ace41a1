// Puts the real parts together, once per cold start. What only an entry may touch (environment, clock, randomness) is
// handed in by the handlers; nothing is opened before it is used.

import type { Clock, Random } from '../core/clock.ts';
import { type ProjectTable, parseProjects } from '../core/projects.ts';
import { createBucket } from './bucket.ts';
import { NatsBus } from './bus.ts';
import { type BusCredentials, parseBusCredentials } from './bus-credentials.ts';
import { createCdn } from './cdn.ts';
import { withFreshTokens } from './fresh-tokens.ts';
import { type Kept, KeptSecret, unchanging } from './kept-secret.ts';
import type { Deps, ReaderDeps } from './ports.ts';
import { sdkCheck } from './sdk-check.ts';
import { readSecret, type SecretReference } from './secrets.ts';
import {
  type Environment,
  type ReaderSettings,
  readReaderSettings,
  readSecretNames,
  readWriterSettings,
  type WriterSettings,
} from './settings.ts';
import { createTelemetry, type Telemetry } from './telemetry.ts';
import { createTopic } from './topic.ts';

export interface Hands {
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
  readonly projects: Kept<ProjectTable>;
}

/** @throws FanoutError CONFIG_INVALID */
export function wireReader(service: string, hands: Hands): Wired<ReaderSettings, ReaderDeps> {
  const settings = readReaderSettings(hands.env);
  const telemetry = createTelemetry(service, hands.env.FANOUT_STAGE);
  const { nats } = readSecretNames(hands.env);
  return { settings, telemetry, deps: readerDeps(settings, nats, hands, telemetry) };
}

/** @throws FanoutError CONFIG_INVALID */
export function wireWriter(service: string, hands: Hands): WiredWriter {
  const secrets = readSecretNames(hands.env);
  const settings = readWriterSettings(hands.env, secrets);
  const telemetry = createTelemetry(service, hands.env.FANOUT_STAGE);
  const projects = kept(secrets.projects, parseProjects, settings.projects, hands, telemetry);
  const deps: Deps = {
    ...readerDeps(settings, secrets.nats, hands, telemetry),
    topic: createTopic(settings.topic),
    cdn: withFreshTokens(createCdn(settings.templates), projects),
    sdkCheck,
    lastSeen: new Map(),
    newId: hands.newId,
  };
  return { settings, projects, telemetry, deps };
}

function readerDeps(
  settings: ReaderSettings,
  nats: SecretReference | null,
  hands: Hands,
  telemetry: Telemetry,
): ReaderDeps {
  const clock = realClock(hands.nowMs);
  const credentials = kept<BusCredentials>(nats, parseBusCredentials, settings.bus, hands, telemetry);
  return {
    record: createBucket(settings.bucket),
    bus: new NatsBus(settings.bus, clock, credentials),
    clock,
    random: hands.random,
    log: telemetry.log,
    metrics: telemetry.metrics,
  };
}

function kept<T>(
  reference: SecretReference | null,
  parse: (text: string) => T,
  given: T,
  { nowMs }: Hands,
  { log, metrics }: Telemetry,
): Kept<T> {
  if (reference === null) return unchanging(given);
  const { name } = reference;
  const secret = new KeptSecret({
    name,
    read: () => readSecret(reference),
    parse,
    clock: { nowMs },
    log,
    metrics,
  });
  // Begun while the function still starts. It reports its own failure, and whoever needs the value tries again.
  void secret.get().catch(() => {});
  return secret;
}

function realClock(nowMs: () => number): Clock {
  return {
    nowMs,
    after: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
