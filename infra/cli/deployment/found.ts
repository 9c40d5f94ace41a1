// A deployment that was found, as commands use it.

import type { Shell } from '../shell.ts';

export interface Deployment {
  /** In words, for example `datafile-fanout-prod`. */
  readonly name: string;
  /** Where its receiver takes webhooks; null where that is not known. */
  readonly webhookUrl: string | null;
  /** Variables as its functions have them, and those that the AWS SDK needs to reach it. */
  readonly settings: Readonly<Record<string, string>>;
}

/** A bus user of the operator's own, for operators that may not read the publisher's secret. */
export const BUS_USER = [
  'FANOUT_NATS_USER',
  'FANOUT_NATS_PASSWORD',
  'FANOUT_NATS_TOKEN',
  'FANOUT_NATS_CREDS',
];

/** Whether the shell brings a user of the bus, which then counts in place of the deployment's secret. */
export const hasBusUser = ({ env }: Shell): boolean => BUS_USER.some((name) => Boolean(env[name]?.trim()));
