// The receiver against strangers and against the agents' bus user: signed webhooks are taken, it says that it lives, and it
// fits its container.

import { setTimeout as sleep } from 'node:timers/promises';
import { BEAT_SUBJECT, canarySubject, encodeSdkKey } from '../../../../core/record/names.ts';
import { type Attack, require, requireStatus } from '../attack.ts';
import { besideOthers } from '../bystander.ts';
import { type CrowdOptions, crowd } from '../crowd.ts';
import { withinContainer } from '../memory.ts';
import { request } from '../raw.ts';
import type { Target } from '../target.ts';
import { type Receiver, withReceiver } from './receiver-part.ts';
import { bodyOf, payload, post } from './webhook-post.ts';

const EXPECTS = 'signed webhooks and probes are answered meanwhile';

const attack = (name: string, tries: string, run: Attack['run'], expects = EXPECTS): Attack => ({
  ...{ area: 'receiver', name, tries, expects, run, needsOwnStack: true },
});

const SLOW = 128;
/** More than the port takes. */
const SILENT = 700;
const LASTS_MS = 1_500;

const head = ({ url, webhook }: Receiver, more: readonly string[]): string =>
  request(`POST ${new URL(webhook).pathname}`, [
    `Host: ${new URL(url).host}`,
    'Content-Type: application/json',
    ...more,
  ]);

const beside = (target: Target, receiver: Receiver, run: () => Promise<unknown>) =>
  besideOthers(target, run, {
    webhook: receiver.webhook,
    probes: [`${receiver.url}/health/live`, `${receiver.url}/health/ready`],
  });

const crowded = (target: Target, options: (receiver: Receiver) => Omit<CrowdOptions, 'lastsMs'>) =>
  withReceiver(target, (receiver) =>
    beside(target, receiver, () => crowd(receiver.url, { ...options(receiver), lastsMs: LASTS_MS })),
  );

const SIGNED = `X-Hub-Signature: sha1=${'0'.repeat(40)}`;

export const RECEIVER: readonly Attack[] = [
  attack('slow bodies', `${SLOW} webhooks of which one byte of 300 comes`, (target) =>
    crowded(target, (receiver) => ({
      ...{ count: SLOW, goesOn: ' ' },
      begins: `${head(receiver, ['Content-Length: 300', SIGNED])}{`,
    })),
  ),
  attack('slow bodies in pieces', `${SILENT} without a length, a chunk now and then`, (target) =>
    crowded(target, (receiver) => ({
      ...{ count: SILENT, goesOn: '1\r\n \r\n' },
      begins: head(receiver, ['Transfer-Encoding: chunked', SIGNED]),
    })),
  ),
  attack('silent connections', `${SILENT} of which nothing comes`, (target) =>
    crowded(target, () => ({ count: SILENT, begins: '' })),
  ),
  attack('slow heads', `${SILENT} of which a byte of the head comes now and then`, (target) =>
    crowded(target, () => ({ count: SILENT, begins: 'POST / HTTP/1.1\r\nX: ', goesOn: 'x' })),
  ),
  attack('idle connections', `${SILENT} that were answered once and are kept`, (target) =>
    crowded(target, (receiver) => ({
      count: SILENT,
      begins: request('GET /nothing', [`Host: ${new URL(receiver.url).host}`]),
    })),
  ),
  attack('answers left unread', `${SILENT} times 5 requests in one packet, and no reader`, (target) =>
    crowded(target, (receiver) => ({
      ...{ count: SILENT, isDeaf: true },
      begins: request('GET /metrics', [`Host: ${new URL(receiver.url).host}`]).repeat(5),
    })),
  ),
  attack('a flood of wrong signatures', '64 at a time, whole, in time and of 900 KB', (target) =>
    withReceiver(target, async (receiver) => {
      const there = { addresses: { ...target.addresses, webhook: receiver.webhook } };
      const body = JSON.stringify({ ...JSON.parse(bodyOf(target)), more: 'x'.repeat(900_000) });
      await beside(target, receiver, async () => {
        const endMs = performance.now() + LASTS_MS;
        const one = async () => {
          while (performance.now() < endMs) {
            const status = await post(there, body, { signature: `sha1=${'0'.repeat(40)}` });
            require(status !== 204 && status !== 202, `a wrong signature was answered ${status}`);
          }
        };
        await Promise.all(Array.from({ length: 64 }, one));
      });
    }),
  ),
  attack(
    'a signed webhook of a revision that never comes',
    'revision 2^53-1, before a genuine one that the CDN does not have yet',
    (target) => withReceiver(target, (receiver) => webhookAfterPoison(target, receiver)),
    'both refetches are written down; the CDN is asked a bounded number of times',
  ),
  attack(
    'reports without measure',
    "the agents' bus user answers each beat with 2,400 reports of 256 KB",
    (target) =>
      withReceiver(
        target,
        (receiver) =>
          withinContainer(target, { receiver: receiver.pid }, () =>
            beside(target, receiver, async () => {
              const flood = await floodReports(target);
              await sleep(2_500);
              require((await flood.end()) > 0, 'there was no beat');
            }),
          ),
        { FANOUT_RECONCILE_INTERVAL: '1s' },
      ),
    `${EXPECTS}; it fits its container`,
  ),
];

/** Of the CDN's two sites together, with their pauses; without a limit each webhook would ask as long as the first. */
const CDN_FETCHES_MAX = 60;
const WATCHED_MS = 3_000;

async function webhookAfterPoison(target: Target, receiver: Receiver): Promise<void> {
  const there = { addresses: { ...target.addresses, webhook: receiver.webhook } };
  const webhookOf = (revision: number) =>
    payload(target, (usual) => {
      usual.data.revision = revision;
    });
  const fetchesBefore = await target.cdnFetches();
  const next = target.next();
  const revisions = [Number.MAX_SAFE_INTEGER, Number(next.revision)];
  const intents = `datafiles/${encodeSdkKey(target.sdkKey)}/refetch.json`;
  try {
    for (const revision of revisions)
      requireStatus(`revision ${revision}`, await post(there, webhookOf(revision)), 202);
    const kept = (await target.bucket.get(intents)).toString();
    for (const revision of revisions)
      require(new RegExp(`"revision":${revision}\\D`).test(
        kept,
      ), `revision ${revision} is not written down: ${kept}`);
    await sleep(WATCHED_MS);
    const fetches = (await target.cdnFetches()) - fetchesBefore;
    target.note(`the CDN was asked ${fetches} times`);
    require(fetches <= CDN_FETCHES_MAX, `the CDN was asked ${fetches} times`);
  } finally {
    await target.bucket.remove(intents);
  }
}

const REPORT_BYTES = 256 * 1024;
const REPORTS = 2_400;

/** Answers every beat from now on with big reports under one name after another. */
export async function floodReports(
  target: Target,
  reports = REPORTS,
  payload = bigReport(target),
): Promise<{ end: () => Promise<number> }> {
  const connection = await target.agentBus();
  let beats = 0;
  connection.subscribe(BEAT_SUBJECT, {
    callback: () => {
      beats++;
      for (let i = 0; i < reports; i++) connection.publish(canarySubject(`evil-${i % 100}`), payload);
    },
  });
  await connection.flush();
  const end = async () => {
    await connection.close();
    return beats;
  };
  return { end };
}

/** Whole, but for a list of keys that takes as many bytes as a message may. */
function bigReport(target: Target): Uint8Array {
  const text = JSON.stringify({ schema: 1, agent: 'evil', keys: {}, sdkKey: target.sdkKey });
  return Buffer.from(text.padEnd(REPORT_BYTES, ' '));
}
