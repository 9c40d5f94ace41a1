// The receiver's process: environment in, signals, exit codes. 0 after a clean stop, 1 when it fails, 2 for wrong settings.

import '../../io/compile-early.ts';
import { randomUUID } from 'node:crypto';
import { errorFields, isFanoutError } from '../../core/errors.ts';
import { openOutboundRoute, outboundRouteInvalid } from '../../io/http/outbound-route.ts';
import { valid } from '../settings/settings.ts';
import { createTelemetry } from '../telemetry.ts';
import { wireWriter } from '../wire.ts';
import { runOptions } from './options.ts';
import { createReceiver } from './receiver.ts';
import { createRefetchIntents } from './refetch-intents.ts';
import { checkReceiverSettings, functionsEnv } from './settings.ts';

const EXIT_FAILED = 1;
const EXIT_CONFIG = 2;

const telemetry = createTelemetry({ service: 'receiver', env: process.env, nowMs: Date.now });
const { log } = telemetry;

async function main(): Promise<void> {
  const outboundRoute = openOutboundRoute(process.env);
  const output = { out: console.log, error: console.error };
  const asked = runOptions(process.argv.slice(2), process.env, output, outboundRoute);
  if (asked !== null) process.exit(asked);
  if (outboundRoute.problems.length > 0) throw outboundRouteInvalid(outboundRoute.problems);
  const checked = checkReceiverSettings(process.env);
  const settings = valid(checked);
  for (const warning of [...outboundRoute.warnings, ...checked.warnings])
    log.warn('config.warning', { warning });
  const { functions } = settings;
  const { deps, projects } = wireWriter(telemetry, {
    env: functionsEnv(process.env),
    nowMs: Date.now,
    random: Math.random,
    newId: randomUUID,
  });
  const receiver = createReceiver(settings, deps, projects, createRefetchIntents(functions.bucket));
  let isStopping = false;
  const onSignal = async (signal: string) => {
    // A second signal means that the operator does not want to wait.
    if (isStopping) process.exit(EXIT_FAILED);
    isStopping = true;
    log.info('receiver.stopping', { signal });
    await receiver.stop();
    log.info('receiver.stopped');
    process.exit(0);
  };
  for (const name of ['SIGTERM', 'SIGINT']) process.on(name, (signal) => onSignal(signal).catch(fail));
  const port = await receiver.start();
  log.info('receiver.started', {
    host: settings.host,
    port,
    role: functions.role,
    bucket: functions.bucket.bucket,
    reconcileIntervalMs: settings.reconcileIntervalMs,
    ...(outboundRoute.summary === null ? {} : { outboundRoute: outboundRoute.summary }),
  });
}

function fail(error: unknown): void {
  const wrongConfig = isFanoutError(error, 'CONFIG_INVALID');
  log.error(wrongConfig ? 'config.invalid' : 'receiver.stopped', errorFields(error));
  process.exit(wrongConfig ? EXIT_CONFIG : EXIT_FAILED);
}

main().catch(fail);
