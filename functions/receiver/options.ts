// The receiver's command line: help, and a check of its settings instead of a run. Prints through the output that it is given;
// knows neither process nor environment.

import { type Environment, settingHelp } from '../../core/settings/setting.ts';
import { WEBHOOK_PATH } from '../../core/webhook.ts';
import type { OutboundRoute } from '../../io/http/outbound-route.ts';
import { FUNCTION_SETTINGS } from '../settings/list.ts';
import { checkReceiverSettings, type ReceiverSettings } from './settings.ts';

export interface Output {
  out(text: string): void;
  error(text: string): void;
}

/** The route of a caller that has not looked at the environment's proxies and certificates. */
const UNSEEN: OutboundRoute = { problems: [], warnings: [], summary: null };

const EXIT_FINE = 0;
const EXIT_USAGE = 2;

/** The exit code when the command line asked for something; null when the receiver is to run. */
export function runOptions(
  args: readonly string[],
  env: Environment,
  output: Output,
  outboundRoute: OutboundRoute = UNSEEN,
): number | null {
  const [asked, ...rest] = args;
  if (asked === undefined) return null;
  if (rest.length === 0 && (asked === '--help' || asked === '-h')) {
    output.out(HELP);
    return EXIT_FINE;
  }
  if (rest.length === 0 && asked === '--check-config') return check(env, output, outboundRoute);
  output.error(`"${args.join(' ')}" is not understood.\n\n${USAGE}`);
  return EXIT_USAGE;
}

function check(env: Environment, output: Output, outboundRoute: OutboundRoute): number {
  const { settings, ...own } = checkReceiverSettings(env);
  const warnings = [...outboundRoute.warnings, ...own.warnings];
  const problems = [...outboundRoute.problems, ...own.problems];
  for (const warning of warnings) output.error(`warning: ${warning}`);
  for (const problem of problems) output.error(`wrong: ${problem}`);
  if (problems.length > 0) return EXIT_USAGE;
  output.out(summary(settings, outboundRoute));
  return EXIT_FINE;
}

function summary(settings: ReceiverSettings, outboundRoute: OutboundRoute): string {
  const { functions, secrets, host, port, reconcileIntervalMs } = settings;
  const keys = [...functions.projects.values()].flatMap(({ datafiles }) =>
    datafiles.map(({ sdkKey }) => sdkKey),
  );
  const webhook = functions.role === 'home' ? WEBHOOK_PATH : 'none: bus-only';
  return [
    'The settings are right.',
    `  listens on   ${host}:${port}`,
    `  webhook      ${webhook}`,
    `  SDK keys     ${secrets.projects === null ? keys.join(', ') : `in the secret ${secrets.projects.name}`}`,
    `  record       ${functions.bucket.bucket}${functions.bucket.endpoint === undefined ? '' : ` at ${functions.bucket.endpoint}`}`,
    `  bus          ${functions.bus.servers.join(', ')}`,
    `  reconcile    every ${reconcileIntervalMs / 1000} s`,
    ...(outboundRoute.summary === null ? [] : [`  way out      ${outboundRoute.summary}`]),
  ].join('\n');
}

const USAGE = `Usage: receiver                  runs
       receiver --check-config   says what is wrong with the settings
       receiver --help           lists them`;

const SETTINGS = FUNCTION_SETTINGS.filter(({ only }) => only !== 'functions')
  .map((setting) => settingHelp([setting.variable], setting))
  .join('\n\n');

const HELP = `${USAGE}

Takes Optimizely's webhooks, keeps the record in any S3-compatible store, announces changes on the bus, and compares all
of them every minute: what the three functions do on Lambda. Any number of replicas may run beside each other.

  POST ${WEBHOOK_PATH}   the only path that has to be reached from outside
  GET  /health/live           200 while the process answers
  GET  /health/ready          200 once the store has answered, until it is asked to stop
  GET  /metrics               Prometheus

${SETTINGS}

AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the like are read by the AWS SDK; HTTPS_PROXY, HTTP_PROXY, NO_PROXY,
SSL_CERT_FILE and SSL_CERT_DIR say by which way everything else is reached.

Exit codes: 0 after a clean stop, 1 when it fails, 2 for wrong settings or options.`;
