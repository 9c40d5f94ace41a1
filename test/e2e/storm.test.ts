// A thousand webhooks for interleaved, repeated and reordered revisions, twenty at a time: everything ends at the
// highest revision, nothing ever goes back, and each body is stored once.

import { connect } from 'nats.ws';
import { expect, it, onTestFinished } from 'vitest';
import { decodeHead } from '../../core/bus/envelope.ts';
import { datafileSubject } from '../../core/record/names.ts';
import { type DatafileJson, generateDatafile } from '../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../infra/local/optimizely/flip-flag.ts';
import { putDatafile, sendWebhook } from '../../infra/local/stack/client.ts';
import { eventually } from '../support/eventually.ts';
import {
  acceptedIn,
  archivedHashes,
  busHeadOf,
  collectLines,
  expectNeverBack,
  manifestOf,
  sdkKeyOfStack,
  stackForTest,
  untilAllServe,
} from '../support/functions/observe.ts';

const WEBHOOKS = 1_000;
const REVISIONS = 250;
const AT_A_TIME = 20;
/** How far a webhook may overtake, or be overtaken by, its neighbours. */
const DISORDER = 40;

it('a storm of webhooks ends at the highest revision everywhere', { timeout: 240_000 }, async () => {
  const first = generateDatafile({ flags: 20 });
  const stack = await stackForTest({ agents: 3, datafile: first });
  const { addresses } = stack;
  const agentLines = stack.agents.map(({ part }) => collectLines(part));
  // What a webhook could not do in time, on a slow store, reconcile is asked to; it also made the first import.
  const writers = [stack.parts.webhook, stack.parts.reconcile].map(collectLines);
  const heads = await followHeads(addresses.nats.wsUrl, datafileSubject(sdkKeyOfStack(stack)));

  const revisions = makeRevisions(first);
  const order = shuffledNearby(WEBHOOKS, DISORDER).map((i) => Math.floor((i * REVISIONS) / WEBHOOKS));
  const putUpTo = cdnInOrder(revisions, (datafile) => putDatafile(addresses, datafile));
  const statuses = new Map<number, number>();
  await eachAtATime(order, AT_A_TIME, async (index) => {
    await putUpTo(index);
    const { status } = await sendWebhook(addresses, revisions[index] as DatafileJson);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  });

  expect([...statuses.keys()].filter((status) => status !== 204 && status !== 202)).toEqual([]);
  const last = Number(revisions.at(-1)?.revision);
  const manifest = await eventually('the manifest is at the highest revision', async () => {
    const found = await manifestOf(stack);
    return found.revision === last && found;
  });
  const seqs = manifest.history.map(({ seq }) => seq as number);
  expect(seqs).toEqual(seqs.map((_, i) => manifest.seq - i));
  await eventually('the head of the bus is that of the record', async () => {
    const head = await busHeadOf(stack);
    return head.seq === manifest.seq && head.sha256 === manifest.sha256;
  });
  await untilAllServe(stack, manifest.seq);
  await eventually('every stored message has been seen', () => heads.at(-1) === manifest.seq);

  expectAscending(heads);
  for (const lines of agentLines) {
    expectNeverBack(acceptedIn(lines));
    expect(acceptedIn(lines).at(-1)?.seq).toBe(manifest.seq);
  }
  const lines = writers.flat();
  const fetched = new Set(
    lines.filter(({ event }) => event === 'datafile.fetched').map(({ sha256 }) => sha256),
  );
  const written = lines
    .filter(({ event, outcome }) => event === 'datafile.archived' && outcome === 'written')
    .map(({ sha256 }) => sha256);
  // A write whose answer was lost is not logged. No body may be written twice.
  expect(written.length).toBe(new Set(written).size);
  const archived = await archivedHashes(stack);
  expect(archived.filter((hash) => !fetched.has(hash))).toEqual([]);
  // 202: it was fetched and could not be stored in time; its refetch finds a newer one.
  if (!statuses.has(202)) expect(archived.sort()).toEqual([...fetched].sort());
});

function makeRevisions(first: DatafileJson): DatafileJson[] {
  const revisions: DatafileJson[] = [];
  let datafile = first;
  for (let i = 0; i < REVISIONS; i++) {
    datafile = flipFlag(datafile, `flag_${1 + (i % 20)}`);
    revisions.push(datafile);
  }
  return revisions;
}

/** 0 … n-1, each moved by at most `reach` places; the same order in every run. */
function shuffledNearby(n: number, reach: number): number[] {
  let state = 42;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  return Array.from({ length: n }, (_, i) => ({ i, at: i + random() * reach }))
    .sort((a, b) => a.at - b.at)
    .map(({ i }) => i);
}

/** The CDN itself moves forward only; a webhook's datafile is there before the webhook is sent. */
function cdnInOrder(revisions: readonly DatafileJson[], put: (datafile: DatafileJson) => Promise<void>) {
  let next = 0;
  let tail = Promise.resolve();
  return (index: number): Promise<void> => {
    tail = tail.then(async () => {
      for (; next <= index; next++) await put(revisions[next] as DatafileJson);
    });
    return tail;
  };
}

async function eachAtATime<T>(
  items: readonly T[],
  atATime: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++] as T);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}

/** The seq of every message that the stream stored, in the order it stored them. */
async function followHeads(wsUrl: string, subject: string): Promise<number[]> {
  const connection = await connect({ servers: wsUrl });
  onTestFinished(() => connection.close());
  const seqs: number[] = [];
  const consumer = await connection.jetstream().consumers.get('DATAFILES', { filterSubjects: subject });
  const messages = await consumer.consume();
  void (async () => {
    for await (const message of messages) {
      seqs.push(decodeHead((name) => message.headers?.get(name) ?? '').seq);
    }
  })();
  return seqs;
}

function expectAscending(seqs: readonly number[]): void {
  expect(seqs.filter((seq, i) => i > 0 && (seqs[i - 1] as number) >= seq)).toEqual([]);
}
