// Many subscribers in one process, each doing an agent's bus work: a connection, a plain subscription, a direct get on every
// connect. Reports when each had which revision, on the clock that all processes of a machine share.

import { connect, type Msg, type NatsConnection } from 'nats.ws';
import { decodeBody, decodeHead } from '../../../../core/bus/envelope.ts';
import { toSdkKey } from '../../../../core/ids.ts';
import { datafileSubject, STREAM_NAME } from '../../../../core/record/names.ts';
import { sharedNowMs } from './soak-clock.ts';

const DIRECT_GET_TIMEOUT_MS = 5_000;

/** What the process sends. */
export type SubscribersSay =
  | { readonly kind: 'ready' }
  /** One entry for each subscriber; null for those that never had it. */
  | { readonly kind: 'arrived'; readonly revision: number; readonly atMs: readonly (number | null)[] }
  | { readonly kind: 'finished'; readonly bad: number; readonly older: number };

const [wsUrl = '', key = '', countText = '0'] = process.argv.slice(2);
const sdkKey = toSdkKey(key);
const count = Number(countText);
const say = (message: SubscribersSay) => process.send?.(message);

const arrivals = new Map<number, (number | null)[]>();
const seqs = new Map<number, number>();
/** The last payload that was decoded and hashed: what all others got is compared with it, byte by byte. */
let proven: { readonly seq: number; readonly payload: Uint8Array } | null = null;
let bad = 0;
/** Plain subscribers are shown what the stream refused, too; agents ignore it by its seq, as is done here. */
let older = 0;

function take(index: number, message: Msg): void {
  const atMs = sharedNowMs();
  try {
    const head = decodeHead((name) => message.headers?.get(name) ?? '');
    if (head.seq < (seqs.get(index) ?? 0)) older++;
    if (head.seq <= (seqs.get(index) ?? 0)) return;
    if (proven?.seq !== head.seq || Buffer.compare(proven.payload, message.data) !== 0) {
      decodeBody(head, message.data);
      proven = { seq: head.seq, payload: message.data };
    }
    seqs.set(index, head.seq);
    arrived(index, head.revision, atMs);
  } catch {
    bad++;
  }
}

function arrived(index: number, revision: number, atMs: number): void {
  const times = arrivals.get(revision) ?? new Array<number | null>(count).fill(null);
  arrivals.set(revision, times);
  times[index] = atMs;
  if (times.includes(null)) return;
  arrivals.delete(revision);
  say({ kind: 'arrived', revision, atMs: times });
}

async function subscribe(index: number): Promise<NatsConnection> {
  const connection = await connect({ servers: [wsUrl], reconnectTimeWait: 250, maxReconnectAttempts: -1 });
  connection.subscribe(datafileSubject(sdkKey), {
    callback: (error, message) => {
      if (error === null) take(index, message);
      else bad++;
    },
  });
  const catchUp = async () => {
    const subject = `$JS.API.DIRECT.GET.${STREAM_NAME}.${datafileSubject(sdkKey)}`;
    const message = await connection.request(subject, undefined, { timeout: DIRECT_GET_TIMEOUT_MS });
    if ((message.headers?.code ?? 0) < 400) take(index, message);
  };
  void (async () => {
    for await (const { type } of connection.status()) if (type === 'reconnect') await catchUp();
  })();
  await catchUp();
  return connection;
}

process.once('disconnect', () => process.exit(0));
process.once('message', () => {
  for (const [revision, atMs] of arrivals) say({ kind: 'arrived', revision, atMs });
  say({ kind: 'finished', bad, older });
});
await Promise.all(Array.from({ length: count }, (_, index) => subscribe(index)));
say({ kind: 'ready' });
