// The options of `npm run chaos`. Starts nothing.

import { parseArgs } from 'node:util';
import { messageOf } from '../../../core/errors.ts';
import { UsageError } from '../../../infra/local/cli.ts';

export const USAGE = `npm run chaos -- [options]

Hurts real processes (nats-server, agents, functions, S3) one fault at a time while decisions are asked without a pause
and changes flow, and prints a scoreboard. Exits 1 when a line is red. A whole run writes test/lab/chaos/SCOREBOARD.md.
Faults of the network (which need nft as well) and of a full disk need root on Linux; what cannot be tried is skipped and
says why.

  --only NAME   only this fault, or those whose names begin so; may be repeated
  --list        the faults, and what is expected of each
  --json        one line of JSON on standard output
  --help        this text`;

export interface ChaosOptions {
  readonly only: readonly string[];
  readonly list: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

/** @throws UsageError */
export function parseOptions(args: readonly string[]): ChaosOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true, default: [] },
        list: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}
