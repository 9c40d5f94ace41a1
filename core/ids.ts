// The identifiers that travel through every part, as branded types: a plain string cannot be passed where an
// SDK key or a hash is meant. Pure; knows only errors.

import { createHash } from 'node:crypto';
import { FanoutError } from './errors.ts';

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** Optimizely's name of one environment's datafile, for example `KZbunNn9bVfBWLpZPq2XC4`. */
export type SdkKey = Branded<string, 'SdkKey'>;
/** Lower-case hex SHA-256 of a datafile's exact bytes. */
export type Sha256 = Branded<string, 'Sha256'>;
/** Position in a lineage: 1, 2, 3 … . 0 stands for "not from the record" (a CDN-only boot). */
export type Seq = Branded<number, 'Seq'>;
/** Random id of one manifest's life; a recreated or restored bucket starts another. */
export type Lineage = Branded<string, 'Lineage'>;
/** Names one change through webhook, bridge, reconcile and agent logs. */
export type ChangeId = Branded<string, 'ChangeId'>;

/** SDK keys may hold `+ / =`; nothing in here may have a meaning in a NATS subject (`.`, `*`, `>`, space). */
const SDK_KEY_PATTERN = /^[A-Za-z0-9_+/=-]{1,128}$/;
const SHA256_PATTERN = /^[0-9a-f]{64}$/;
const LINEAGE_PATTERN = /^[A-Za-z0-9-]{1,64}$/;
const CHANGE_ID_PATTERN = /^[A-Za-z0-9_.:-]{1,128}$/;

export const isSdkKey = (value: unknown): value is SdkKey =>
  typeof value === 'string' && SDK_KEY_PATTERN.test(value);

/** @throws FanoutError SDK_KEY_INVALID */
export function toSdkKey(text: string): SdkKey {
  if (isSdkKey(text)) return text;
  throw new FanoutError({
    code: 'SDK_KEY_INVALID',
    message: `"${text.slice(0, 140)}" is not an SDK key`,
    remedy:
      'Copy the SDK key from Settings › Environments in app.optimizely.com: letters, digits and _ + / = - only.',
    retryable: false,
  });
}

export const isSha256 = (value: unknown): value is Sha256 =>
  typeof value === 'string' && SHA256_PATTERN.test(value);
export const isSeq = (value: unknown): value is Seq => Number.isSafeInteger(value) && (value as number) >= 0;
export const isLineage = (value: unknown): value is Lineage =>
  typeof value === 'string' && LINEAGE_PATTERN.test(value);
export const isChangeId = (value: unknown): value is ChangeId =>
  typeof value === 'string' && CHANGE_ID_PATTERN.test(value);

/** A revision as Optimizely writes it: an integer in the webhook, a string in the datafile. Null when it is neither. */
export function parseRevision(value: unknown): number | null {
  const revision = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(revision) && (revision as number) >= 0 ? (revision as number) : null;
}

/** Hash of a datafile's exact bytes, before any compression. */
export function sha256Of(bytes: Uint8Array): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}
