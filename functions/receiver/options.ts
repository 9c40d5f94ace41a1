// What can be asked of the receiver on its command line instead of running it: help, and whether its settings are right.
// Prints through what it is given; knows neither process nor environment.

import { WEBHOOK_PATH } from '../../core/webhook.ts';
import type { OutboundRoute } from '../../io/outbound-route.ts';
import type { Environment } from '../settings/settings.ts';
import { checkReceiverSettings, type ReceiverSettings } from './settings.ts';

export interface Output {
  out(text: string): void;
  error(text: string): void;
}

/** Of a caller that did not look. */
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
  if (settings === null || problems.length > 0) return EXIT_USAGE;
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

const HELP = `${USAGE}

Takes Optimizely's webhooks, keeps the record in any S3-compatible store, announces changes on the bus, and compares all
of them every minute: what the three functions do on Lambda. Any number of replicas may run beside each other.

  POST ${WEBHOOK_PATH}   the only path that has to be reached from outside
  GET  /health/live           200 while the process answers
  GET  /health/ready          200 once the store has answered, until it is asked to stop
  GET  /metrics               Prometheus

  FANOUT_HOST                 address to listen on [127.0.0.1; 0.0.0.0 in the image]
  FANOUT_PORT                 [8090]
  FANOUT_RECONCILE_INTERVAL   1s to 1m [1m]
  FANOUT_PROJECTS             JSON: [{"projectId", "secrets": […], "datafiles": [{"sdkKey", "environment", "accessToken"?}]}]
  FANOUT_PROJECTS_SECRET      instead: the name of a secret that holds it, in AWS Secrets Manager, or ssm:/a/parameter
  FANOUT_BUCKET               bucket of the record; it must honour If-Match and If-None-Match on PUT
  FANOUT_S3_ENDPOINT          another S3 than AWS's; buckets are then named in the path
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY, SSL_CERT_FILE, SSL_CERT_DIR   the way out to all of these
  AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the like, as the AWS SDK reads them
  FANOUT_NATS_URL             ws:// or wss:// URLs of one NATS cluster, parted by commas; may hold user:password@ or token@
  FANOUT_NATS_PLAINTEXT       refused; allowed: a password or token may go to ws:// beyond this machine
  FANOUT_NATS_USER, FANOUT_NATS_PASSWORD, FANOUT_NATS_TOKEN, FANOUT_NATS_CREDS, FANOUT_NATS_SECRET, FANOUT_NATS_REPLICAS
  FANOUT_SIGNING_KEY          private key in PEM: signs datafiles, and builds on nothing that is not signed
  FANOUT_SIGNING_SECRET       instead: the name of a secret that holds it
  FANOUT_SIGNING_PUBLIC_KEYS  further keys whose signatures are trusted, parted by commas
  FANOUT_FETCH_BUDGET         how long a webhook may wait for a CDN that lags [5s]
  FANOUT_WEBHOOK_WINDOW       outside of it, or answered already, a webhook is only a hint [5m]
  FANOUT_WEBHOOK_STRICT_WINDOW  true refuses what is stamped outside of it [false]
  FANOUT_WEBHOOK_BURST, FANOUT_WEBHOOK_RATE   of a project: at once [1000], and then a second [20]
  FANOUT_QUARANTINE_SHARE, FANOUT_QUARANTINE_AGENTS_MIN   which share of how many agents must refuse a version [0.5, 2]
  FANOUT_ROLE                 home, or bus-only where another region writes the record [home]
  FANOUT_CDN_URL_TEMPLATE, FANOUT_ORIGIN_URL_TEMPLATE, FANOUT_CDN_AUTH_URL_TEMPLATE   [Optimizely's]

Exit codes: 0 after a clean stop, 1 when it fails, 2 for wrong settings or options.`;
