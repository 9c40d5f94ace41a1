// What else travels on the bus: beats, notes, wants. None of it may move a datafile; a false beat may cost a look at the record.

import { BEAT_SUBJECT, noteSubject, STREAM_NAME, WANT_SUBJECT } from '../../../../core/record/names.ts';
import type { Attack } from '../attack.ts';
import type { Target } from '../target.ts';
import { dealtWith } from './bus-send.ts';

const attack = (name: string, tries: string, expects: string, run: Attack['run']): Attack => ({
  ...{ area: 'bus', name, tries, expects, run },
});

async function publish(target: Target, subject: string, payloads: readonly (string | Uint8Array)[]) {
  // Only beats come from the publisher's side.
  const connection = await (subject === BEAT_SUBJECT ? target.bus() : target.agentBus());
  for (const payload of payloads) connection.publish(subject, Buffer.from(payload));
  await connection.flush();
  await dealtWith();
  await target.requireServed();
}

const GARBAGE = [
  '',
  '{',
  'null',
  '[]',
  '{}',
  '7',
  '\u0000\u00ff',
  '['.repeat(100_000),
  '{"a":'.repeat(50_000),
  'x'.repeat(900_000),
];

export const BUS_OTHERS: readonly Attack[] = [
  attack(
    'beats that are none',
    'garbage, nested, huge, with prototype keys',
    'they count as missed',
    async (target) => {
      const trick =
        '{"schema":1,"sentAtMs":1,"heads":{"__proto__":{"lineage":"x","seq":1},"constructor":{"lineage":"x","seq":2}}}';
      const wrong = [
        '{"schema":1,"sentAtMs":"x","heads":{}}',
        '{"schema":1,"sentAtMs":1,"heads":null}',
        '{"schema":1,"sentAtMs":1,"heads":{"a b":{"lineage":"x","seq":1}}}',
      ];
      await publish(target, BEAT_SUBJECT, [...GARBAGE, trick, ...wrong]);
    },
  ),
  {
    ...attack(
      'a beat of absurd heads',
      'seq 2^53-1, other lineages, 5,000 keys',
      'agents distrust the bus and ask the record; the next real beat heals it',
      async (target) => {
        const { lineage } = await target.manifest();
        const beat = (heads: object) => JSON.stringify({ schema: 1, sentAtMs: Date.now(), heads });
        const keys = Object.fromEntries(
          Array.from({ length: 5_000 }, (_, i) => [`k${i}`, { lineage: 'x', seq: 1 }]),
        );
        await publish(target, BEAT_SUBJECT, [
          beat({ [target.sdkKey]: { lineage, seq: Number.MAX_SAFE_INTEGER } }),
          beat({ [target.sdkKey]: { lineage: 'another', seq: 1 } }),
          beat(keys),
        ]);
        await target.goodChange();
      },
    ),
    healsByReconcile: true,
  },
  attack(
    'notes and wants that are none',
    'garbage as decision notifications, while a client listens',
    'the listener and the agent live',
    async (target) => {
      const aborter = new AbortController();
      const headers = { 'x-optimizely-sdk-key': target.sdkKey };
      const url = `${target.agent}/v1/notifications/event-stream`;
      const stream = await fetch(url, { headers, signal: aborter.signal });
      try {
        await publish(target, noteSubject(target.sdkKey), GARBAGE);
        await publish(target, WANT_SUBJECT, GARBAGE);
        await publish(
          target,
          noteSubject(target.sdkKey),
          Array.from({ length: 5_000 }, () => '{"kind":"decision","text":"{}"}'),
        );
      } finally {
        aborter.abort();
        await stream.body?.cancel().catch(() => {}); // Aborted already.
      }
    },
  ),
  attack(
    'the stream is emptied',
    'purged by an attacker with the rights to',
    'agents keep what they have; the next announcement fills it',
    async (target) => {
      const connection = await target.bus();
      await connection.request(`$JS.API.STREAM.PURGE.${STREAM_NAME}`, undefined, { timeout: 3_000 });
      await target.requireServed();
    },
  ),
  attack(
    'the stream is deleted',
    'deleted by an attacker with the rights to',
    'the bridge makes it anew',
    async (target) => {
      const connection = await target.bus();
      await connection.request(`$JS.API.STREAM.DELETE.${STREAM_NAME}`, undefined, { timeout: 3_000 });
      await target.requireServed();
    },
  ),
];
