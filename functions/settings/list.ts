// The list of all settings of the functions and of the receiver: the variable, the default, and a line of help. The one place
// that says which there are: readers ask for values by these names, and --help, `fanout config check` and the documents go by it.

import { QUARANTINE_DEFAULT } from '../../core/bus/refusal-reports.ts';
import { PUBLIC_KEYS_FORMERLY, PUBLIC_KEYS_VARIABLE } from '../../core/settings/public-keys.ts';
import type { Environment, Setting } from '../../core/settings/setting.ts';
import type { Findings } from '../../core/settings/tree.ts';
import { type ReadVariable, readVariables } from '../../core/settings/variables.ts';

export interface FunctionSetting<Name extends string = string> extends Setting {
  readonly variable: Name;
  /** The only program that reads it; left out where functions and receiver both do. */
  readonly only?: 'functions' | 'receiver';
}

interface More {
  readonly only?: 'functions' | 'receiver';
  readonly formerly?: string;
}

const setting = <const Name extends string>(
  variable: Name,
  byDefault: unknown,
  help: string,
  more: More = {},
): FunctionSetting<Name> => ({ variable, kind: 'text', byDefault, help, ...more });

const FUNCTIONS: More = { only: 'functions' };
const RECEIVER: More = { only: 'receiver' };

export const FUNCTION_SETTINGS = [
  setting(
    'FANOUT_NAME',
    undefined,
    "What tells this program from others on its log lines; when not set, the function's or the host's name",
  ),
  setting('FANOUT_LOG_LEVEL', 'info', 'debug, info, warn, error or silent'),
  setting(
    'FANOUT_STAGE',
    undefined,
    'Keeps the CloudWatch metrics of several stages in one account apart',
    FUNCTIONS,
  ),
  setting(
    'FANOUT_ROLE',
    'home',
    "home, or bus-only in further regions: keeps that region's bus in step, and writes nothing to S3",
  ),
  setting('FANOUT_HOST', '127.0.0.1', 'Address to listen on; 0.0.0.0 in the image', RECEIVER),
  setting('FANOUT_PORT', '8090', 'Port to listen on; 0 takes any free one', RECEIVER),
  setting(
    'FANOUT_RECONCILE_INTERVAL',
    '1m',
    'How often CDN, record and bus are compared, 1s to 1m',
    RECEIVER,
  ),

  setting(
    'FANOUT_PROJECTS',
    undefined,
    'The project table as JSON: [{"projectId", "secrets": […], "datafiles": [{"sdkKey", "environment", "accessToken"?}]}]; list two secrets while one replaces the other',
  ),
  setting(
    'FANOUT_PROJECTS_SECRET',
    undefined,
    'In place of it: the name or ARN of a secret in Secrets Manager, or ssm:/a/parameter, that holds the table. Read again every 5 min, and when a signature or a token is refused',
  ),
  setting(
    'FANOUT_BUCKET',
    undefined,
    'Bucket of the record; it must honour If-Match and If-None-Match on PUT',
  ),
  setting('FANOUT_BUCKET_REGION', undefined, "Its region, where that is not the program's own"),
  setting('FANOUT_S3_ENDPOINT', undefined, "Another S3 than Amazon's; buckets are then named in the path"),
  setting(
    'FANOUT_TOPIC_ARN',
    undefined,
    'SNS topic for changes; not needed where FANOUT_ROLE is bus-only',
    FUNCTIONS,
  ),
  setting('FANOUT_SNS_ENDPOINT', undefined, "Another SNS than Amazon's", FUNCTIONS),

  setting(
    'FANOUT_NATS_URL',
    undefined,
    'ws:// or wss:// URLs of one NATS cluster, separated by commas; may hold user:password@ or token@',
  ),
  setting(
    'FANOUT_NATS_PLAINTEXT',
    'refused',
    'allowed: a password or token may go to ws:// beyond this machine',
  ),
  setting('FANOUT_NATS_USER', undefined, 'User on the bus'),
  setting('FANOUT_NATS_PASSWORD', undefined, 'and the password'),
  setting('FANOUT_NATS_TOKEN', undefined, 'or a token'),
  setting('FANOUT_NATS_CREDS', undefined, 'or the contents of a .creds file, with line ends of any kind'),
  setting(
    'FANOUT_NATS_SECRET',
    undefined,
    'or the name of a secret that holds {"user", "password"}, {"token"} or {"creds"}',
  ),
  setting('FANOUT_NATS_REPLICAS', '1', 'Copies of the stream: 1, 3 or 5'),

  setting(
    'FANOUT_CDN_URL_TEMPLATE',
    'https://cdn.optimizely.com/datafiles/%s.json',
    'Where datafiles are fetched, %s for the SDK key; may hold user:password@',
  ),
  setting(
    'FANOUT_ORIGIN_URL_TEMPLATE',
    'https://optimizely.s3.amazonaws.com/datafiles/%s.json',
    'The same of the origin behind the CDN, which is asked in turn with it',
  ),
  setting(
    'FANOUT_CDN_AUTH_URL_TEMPLATE',
    'https://config.optimizely.com/datafiles/auth/%s.json',
    'The same of secure environments, which get their access token there',
  ),
  setting('FANOUT_FETCH_BUDGET', '5s', 'How long a webhook may wait for a CDN that lags; at most 6s'),
  setting(
    'FANOUT_WEBHOOK_WINDOW',
    '5m',
    'A webhook stamped further than this from now, or answered 204 within it already, is only a hint: it costs one read of the record',
  ),
  setting(
    'FANOUT_WEBHOOK_STRICT_WINDOW',
    'false',
    'true refuses what is stamped outside of the window, with 400',
  ),
  setting(
    'FANOUT_WEBHOOK_BURST',
    '1000',
    'Webhooks of a project that one process takes at once; more are answered 429, and reconcile finds their changes',
  ),
  setting('FANOUT_WEBHOOK_RATE', '20', 'and then in a second'),
  setting(
    'FANOUT_QUARANTINE_SHARE',
    String(QUARANTINE_DEFAULT.share),
    'A version that this share of the agents refuses is no longer announced',
  ),
  setting(
    'FANOUT_QUARANTINE_AGENTS_MIN',
    String(QUARANTINE_DEFAULT.agentsMin),
    'where at least this many agents answer a heartbeat',
  ),

  setting(
    'FANOUT_SIGNING_KEY',
    undefined,
    'Private key in PEM that signs datafiles; nothing unsigned is then built upon. Not for a bridge',
  ),
  setting('FANOUT_SIGNING_SECRET', undefined, 'In place of it: the name of a secret that holds the key'),
  setting(
    PUBLIC_KEYS_VARIABLE,
    undefined,
    'Public keys (PEM or base64, separated by commas) whose signatures are trusted besides; all that a bridge and a further region need',
    { formerly: PUBLIC_KEYS_FORMERLY },
  ),
];

export type FunctionVariable = (typeof FUNCTION_SETTINGS)[number]['variable'];
export type Read = ReadVariable<FunctionVariable>;

/** @param findings takes every problem and warning, those of later reads too */
export const readFrom = (env: Environment, findings: Findings): Read =>
  readVariables<FunctionSetting<FunctionVariable>>(FUNCTION_SETTINGS, env, findings);
