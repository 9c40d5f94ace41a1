// The bus user `agent` of infra/nats/users.conf in the hands of an attacker: it may report, want, share notes and ask for stored
// datafiles, as much as the server takes. None of it may cost others more than a moment, nor move the record.

import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from 'nats.ws';
import {
  BEAT_SUBJECT,
  canarySubject,
  datafileSubject,
  noteSubject,
  STREAM_NAME,
  WANT_SUBJECT,
} from '../../../../core/record/names.ts';
import { type Attack, require } from '../attack.ts';
import { besideOthers } from '../bystander.ts';
import { agentPids, withinContainer } from '../memory.ts';
import { BIG_KEY, OTHER_KEY } from '../stage.ts';
import type { Target } from '../target.ts';
import { busLogin } from './bus-users.ts';

const attack = (name: string, tries: string, expects: string, run: Attack['run']): Attack => ({
  ...{ area: 'bus', name, tries, expects, run, needsOwnStack: true },
});

const FLOOD_MS = 2_500;
const ROUNDS = 2;
const ASKED_AFTER_MS = 5_200;
const REPORT_BYTES = 256 * 1024;
/** At one key's manifest: once a second is allowed. Without the limit it was more than a hundred. */
const LOOKS_MAX = 10;

/** A connection of its own as the user `agent`, for this run. */
export async function asAgent(target: Target, run: (bus: NatsConnection) => Promise<unknown>): Promise<void> {
  const bus = await target.connectToBus(target.isOwn ? busLogin('agent') : {});
  try {
    await run(bus);
  } finally {
    await bus.close();
  }
}

/** Sends as fast as told, and not faster than the server reads. */
async function flood(bus: NatsConnection, perSecond: number, send: (i: number) => void): Promise<void> {
  const startMs = performance.now();
  for (let i = 0; performance.now() - startMs < FLOOD_MS; ) {
    for (const due = ((performance.now() - startMs) * perSecond) / 1000; i < due; i++) send(i);
    await bus.flush();
    await sleep(5);
  }
}

/** Answers every beat while reconcile runs a few times. */
async function answeringBeats(
  target: Target,
  answer: (bus: NatsConnection) => void,
  rounds = ROUNDS,
): Promise<void> {
  // Of a younger version reconcile does not ask.
  const { publishedAtMs } = await target.manifest();
  await sleep(Math.max(0, publishedAtMs + ASKED_AFTER_MS - Date.now()));
  await asAgent(target, async (bus) => {
    let beats = 0;
    bus.subscribe(BEAT_SUBJECT, {
      callback: () => {
        beats++;
        answer(bus);
      },
    });
    await bus.flush();
    for (let i = 0; i < rounds; i++) await target.own.stack.runReconcile();
    require(beats > 0, 'there was no beat');
  });
}

/** The record's lineage and every version in its history stay. */
async function withHistory(target: Target, run: () => Promise<unknown>): Promise<void> {
  const before = await target.manifest();
  await run();
  const after = await target.manifest();
  require(after.lineage === before.lineage, 'the record has begun a new lineage');
  const lost = before.history.filter(({ seq }) => !after.history.some((entry) => entry.seq === seq));
  require(lost.length <= after.seq - before.seq, `${lost.length} versions have left the history`);
}

const looks = (target: Target): number[] => target.own.recordTaps.map((tap) => tap.looksAt(target.sdkKey));

const ahead = (target: Target, lineage: string, agent: string): string =>
  JSON.stringify({
    ...{ schema: 1, agent },
    keys: { [target.sdkKey]: { lineage, seq: Number.MAX_SAFE_INTEGER, quarantined: null } },
  });

/** A stored message of one key, sent by the server itself to a subject where it does not belong. */
const redirected = (from: string, to: string): Attack['run'] => {
  return async (target) => {
    const before = looks(target);
    await besideOthers(target, () =>
      asAgent(target, (bus) =>
        flood(bus, 250, () =>
          bus.publish(`$JS.API.DIRECT.GET.${STREAM_NAME}.df.v1.${from}`, undefined, { reply: to }),
        ),
      ),
    );
    const after = looks(target);
    const most = Math.max(...after.map((count, i) => count - (before[i] ?? 0)));
    target.note(`looks at the record: ${most} of one agent`);
    require(most <= LOOKS_MAX, `one agent has asked the record ${most} times`);
  };
};

export const BUS_AGENT: readonly Attack[] = [
  attack(
    'reports without measure, to reconcile',
    '2,400 of 256 KB at each beat',
    'reconcile fits its function; the record stays',
    (target) =>
      withHistory(target, () =>
        withinContainer(target, { reconcile: target.own.stack.parts.reconcile.pid ?? 0 }, () =>
          answeringBeats(
            target,
            (bus) => {
              const payload = Buffer.alloc(REPORT_BYTES, 0x20);
              for (let i = 0; i < 2_400; i++) bus.publish(canarySubject(`evil-${i % 50}`), payload);
            },
            1,
          ),
        ),
      ),
  ),
  attack(
    'ahead of the record, one liar',
    'a seq of 2^53-1 in the lineage of the record, at each beat, under one name',
    'not believed: no new lineage, no version leaves the history',
    async (target) => {
      const { lineage } = await target.manifest();
      await withHistory(target, () =>
        answeringBeats(target, (bus) => {
          for (let i = 0; i < 20; i++) bus.publish(canarySubject('evil'), ahead(target, lineage, 'evil'));
        }),
      );
    },
  ),
  {
    ...attack(
      'ahead of the record, under a hundred names',
      'the same, as if a hundred agents said so, at each of several beats',
      'one new lineage at the most; every version stays in the history',
      async (target) => {
        for (let i = 0; i < 5; i++) await target.goodChange();
        const before = await target.manifest();
        await answeringBeats(target, (bus) => {
          for (let i = 0; i < 100; i++)
            bus.publish(canarySubject(`e${i}`), ahead(target, before.lineage, `e${i}`));
        });
        const after = await target.manifest();
        const revisions = new Set(after.history.map(({ revision }) => revision));
        const lost = before.history.slice(0, -1).filter(({ revision }) => !revisions.has(revision));
        require(lost.length === 0, `${lost.length} versions have left the history`);
        const restored = after.history.filter(({ cause }) => cause === 'restore').length;
        target.note(`${restored} restored in a history of ${after.history.length}`);
      },
    ),
    healsByReconcile: true,
  },
  attack(
    'refusals of nothing',
    'reports of refusals of seqs that are not, of other lineages and keys, 20,000 of one byte',
    'nothing is quarantined',
    async (target) => {
      const { lineage } = await target.manifest();
      const report = (agent: string, seq: number, its: string) =>
        JSON.stringify({
          ...{ schema: 1, agent },
          keys: { [target.sdkKey]: { lineage: its, seq: 1, quarantined: { seq, code: 'X' } } },
        });
      await withHistory(target, () =>
        answeringBeats(target, (bus) => {
          for (let i = 0; i < 20_000; i++) bus.publish(canarySubject('x'), 'x');
          for (let i = 0; i < 50; i++)
            for (const [seq, its] of [
              [Number.MAX_SAFE_INTEGER, lineage],
              [1, 'another'],
            ] as const)
              bus.publish(canarySubject(`e${i}`), report(`e${i}`, seq, its));
        }),
      );
    },
  ),
  {
    ...attack(
      'a refusal of the fleet among reports of nothing',
      '2,500 reports of one byte at each beat, before those of six agents that refuse the version',
      'the version is quarantined all the same',
      async (target) => {
        await target.goodChange();
        const { lineage, seq } = await target.manifest();
        const refusal = (agent: string) =>
          JSON.stringify({
            ...{ schema: 1, agent },
            keys: {
              [target.sdkKey]: { lineage, seq: seq - 1, quarantined: { seq, code: 'DATAFILE_UNDECIDABLE' } },
            },
          });
        await answeringBeats(target, (bus) => {
          for (let i = 0; i < 2_500; i++) bus.publish(canarySubject('x'), 'x');
          for (let i = 0; i < 6; i++) bus.publish(canarySubject(`r${i}`), refusal(`r${i}`));
        });
        const after = await target.manifest();
        require(after.quarantine?.seq === seq, 'the version that most agents refuse is not marked');
      },
    ),
    healsByReconcile: true,
  },
  attack(
    "one key's datafile before another's subscribers",
    'direct gets whose answer the server sends to the subject of another key, 250 a second',
    'dropped; the record is asked once a second at the most',
    (target) => redirected(OTHER_KEY, datafileSubject(target.sdkKey))(target),
  ),
  attack(
    'stored datafiles where beats and wishes are',
    'direct gets whose answer goes to the subjects of beats, wishes, notes and reports',
    'dropped',
    async (target) => {
      for (const subject of [BEAT_SUBJECT, WANT_SUBJECT, noteSubject(target.sdkKey), canarySubject('x')])
        await asAgent(target, async (bus) => {
          for (let i = 0; i < 200; i++)
            bus.publish(`$JS.API.DIRECT.GET.${STREAM_NAME}.df.v1.${BIG_KEY}`, undefined, { reply: subject });
          await bus.flush();
        });
      await target.requireServed();
    },
  ),
  attack(
    'floods of wishes',
    '54 a second that name 60,000 keys each, and 500 small ones beside them',
    'others decide meanwhile',
    (target) => {
      const wish = (keys: number) =>
        JSON.stringify({ from: 'evil', sdkKeys: Array.from({ length: keys }, (_, i) => `key${i}`) });
      const [large, small] = [Buffer.from(wish(60_000)), Buffer.from(wish(50))];
      return besideOthers(target, () =>
        asAgent(target, (bus) =>
          flood(bus, 554, (i) => bus.publish(WANT_SUBJECT, i % 10 === 0 ? large : small)),
        ),
      );
    },
  ),
  attack(
    'floods of notes',
    '2,000 a second and some of 900 KB, while a listener does not read',
    'others decide meanwhile; agents fit their container',
    async (target) => {
      const aborter = new AbortController();
      const headers = { 'x-optimizely-sdk-key': target.sdkKey };
      const url = `${target.agent}/v1/notifications/event-stream`;
      const stream = await fetch(url, { headers, signal: aborter.signal });
      const note = (bytes: number) =>
        Buffer.from(JSON.stringify({ kind: 'decision', text: JSON.stringify({ x: 'x'.repeat(bytes) }) }));
      const [small, large] = [note(200), note(900_000)];
      try {
        await withinContainer(target, agentPids(target), () =>
          besideOthers(target, () =>
            asAgent(target, (bus) =>
              flood(bus, 2_000, (i) =>
                bus.publish(noteSubject(target.sdkKey), i % 100 === 0 ? large : small),
              ),
            ),
          ),
        );
      } finally {
        aborter.abort();
        await stream.body?.cancel().catch(() => {}); // Aborted already.
      }
    },
  ),
];
