// Messages on the bus as an attacker with the publisher's rights may send them: valid ones with one thing wrong.

import { createHash } from 'node:crypto';
import { brotliCompressSync } from 'node:zlib';
import { headers as natsHeaders } from 'nats.ws';
import { HEADER } from '../../../../core/bus/envelope.ts';
import { datafileSubject } from '../../../../core/record/names.ts';
import { datafileBytes } from '../../../../infra/local/optimizely/datafile.ts';
import type { Target } from '../target.ts';

export type Headers = Record<string, string | readonly string[]>;

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** How far ahead a forged seq is, unless the attack is about that: one good change must not make it true. */
const AHEAD = 50;

/** The message of a forged body, as if it were the manifest's head some changes later. */
export async function forged(
  target: Target,
  body: Uint8Array,
  changed: Headers = {},
): Promise<{ headers: Headers; payload: Uint8Array }> {
  const manifest = await target.lastManifest();
  const headers: Headers = {
    [HEADER.lineage]: manifest.lineage,
    [HEADER.seq]: String(manifest.seq + AHEAD),
    [HEADER.revision]: String(manifest.revision + AHEAD),
    [HEADER.sha256]: sha256(body),
    [HEADER.encoding]: 'br',
    [HEADER.bytes]: String(body.byteLength),
    [HEADER.changeId]: 'forged',
    [HEADER.receivedAt]: String(Date.now()),
    [HEADER.publishedAt]: String(Date.now()),
    ...changed,
  };
  return { headers, payload: brotliCompressSync(body, { params: {} }) };
}

/** A datafile that agents could serve, but that the publisher did not publish. */
export const evilBody = (target: Target): Buffer => datafileBytes(target.next());

/**
 * Sends and waits until the server has it. `stored: false` makes the stream refuse it, which plain subscribers do not see:
 * they are shown it all the same.
 */
export async function send(
  target: Target,
  headers: Headers,
  payload: Uint8Array,
  { subject = datafileSubject(target.sdkKey), stored = false }: { subject?: string; stored?: boolean } = {},
): Promise<void> {
  const connection = await target.bus();
  const all = natsHeaders();
  for (const [name, value] of Object.entries(headers))
    for (const one of typeof value === 'string' ? [value] : value) all.append(name, one);
  if (!stored) all.set('Nats-Expected-Last-Subject-Sequence', '999999999');
  connection.publish(subject, payload, { headers: all });
  await connection.flush();
}

/** Long enough for every agent to have dealt with what was sent: the good change afterwards would find out the rest. */
export const dealtWith = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));
