// The options of `npm run up`: from words to checked values. Reads no file and starts nothing.

import { parseArgs } from 'node:util';
import { messageOf } from '../../core/errors.ts';
import { UsageError } from './cli.ts';
import { AGENTS_DEFAULT } from './stack/options.ts';

export const UP_USAGE = `npm run up -- [options]

Starts the whole system on this machine and stops it with Ctrl-C.

  --agents N         how many agents (default ${AGENTS_DEFAULT})
  --datafile FILE    what the CDN serves at first (default: checkout, price, banner and 97 others)
  --port-base N      consecutive ports from N (default: any free ones)
  --s3-endpoint URL  use that S3 instead of the stand-in (default: S3_ENDPOINT, if set); credentials from
                     AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, bucket from FANOUT_BUCKET (default: a new one)
  --signed           sign datafiles with a fresh key, and let agents serve nothing that is not signed with it
  --json             when all is ready, print the addresses as one line of JSON on standard output
                     (npm prints its own banner there too, unless asked with \`npm run --silent\`)
  --help             print this`;

/** A machine has no room for more processes than this, and a typing mistake should not try. */
export const AGENTS_MAX = 200;
const PORT_MAX = 65_535;

export interface UpOptions {
  readonly agents: number;
  readonly datafile: string | undefined;
  readonly portBase: number | undefined;
  readonly s3Endpoint: string | undefined;
  readonly signed: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

/** @throws UsageError naming the option and what it takes */
export function parseUpOptions(args: readonly string[], env: NodeJS.ProcessEnv = {}): UpOptions {
  const values = parse(args);
  const agents = wholeNumber('--agents', values.agents, 0, AGENTS_MAX) ?? AGENTS_DEFAULT;
  return {
    agents,
    datafile: values.datafile,
    portBase: wholeNumber('--port-base', values['port-base'], 1_024, PORT_MAX - 10 - 2 * agents),
    s3Endpoint: httpUrl('--s3-endpoint', values['s3-endpoint'] ?? (env.S3_ENDPOINT || undefined)),
    signed: values.signed ?? false,
    json: values.json ?? false,
    help: values.help ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        agents: { type: 'string' },
        datafile: { type: 'string' },
        'port-base': { type: 'string' },
        's3-endpoint': { type: 'string' },
        signed: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function wholeNumber(name: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${name} takes a whole number from ${min} to ${max}, not "${text}"`);
}

function httpUrl(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text.replace(/\/+$/, '');
  throw new UsageError(`${name} takes a URL that begins with http:// or https://, not "${text}"`);
}
