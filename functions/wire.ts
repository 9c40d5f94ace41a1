// Puts the real parts together, once per cold start. What only an entry may touch (environment, clock, randomness) is
// handed in by the handlers; nothing is opened before it is used.

import type { Clock, Random } from '../core/clock.ts';
import { createBucket } from './bucket.ts';
import { NatsBus } from './bus.ts';
import { createCdn } from './cdn.ts';
import type { Deps, ReaderDeps } from './ports.ts';
import { sdkCheck } from './sdk-check.ts';
import {
  type Environment,
  type ReaderSettings,
  readReaderSettings,
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

/** @throws FanoutError CONFIG_INVALID */
export function wireReader(service: string, hands: Hands): Wired<ReaderSettings, ReaderDeps> {
  const settings = readReaderSettings(hands.env);
  const telemetry = createTelemetry(service);
  return { settings, telemetry, deps: readerDeps(settings, hands, telemetry) };
}

/** @throws FanoutError CONFIG_INVALID */
export function wireWriter(service: string, hands: Hands): Wired<WriterSettings, Deps> {
  const settings = readWriterSettings(hands.env);
  const telemetry = createTelemetry(service);
  const deps: Deps = {
    ...readerDeps(settings, hands, telemetry),
    topic: createTopic(settings.topic),
    cdn: createCdn(settings.templates),
    sdkCheck,
    lastSeen: new Map(),
    newId: hands.newId,
  };
  return { settings, telemetry, deps };
}

function readerDeps(settings: ReaderSettings, hands: Hands, { log, metrics }: Telemetry): ReaderDeps {
  const clock = realClock(hands.nowMs);
  return {
    record: createBucket(settings.bucket),
    bus: new NatsBus(settings.bus, clock),
    clock,
    random: hands.random,
    log,
    metrics,
  };
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
