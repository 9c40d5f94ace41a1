// Datafiles on the bus that are none: agents take from it only what is whole, theirs and loadable, and look at the record when
// in doubt. What a publisher's own rights allow beyond that is for signatures to stop.

import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, constants } from 'node:zlib';
import { HEADER } from '../../../../core/bus/envelope.ts';
import { DATAFILE_BYTES_MAX } from '../../../../core/datafile/datafile.ts';
import type { Sha256 } from '../../../../core/ids.ts';
import { bodyKey } from '../../../../core/record/names.ts';
import { datafileBytes, generateDatafile } from '../../../../infra/local/optimizely/datafile.ts';
import { type Attack, require } from '../attack.ts';
import { OTHER_KEY } from '../stage.ts';
import type { Target } from '../target.ts';
import { dealtWith, evilBody, forged, type Headers, send, sha256 } from './bus-send.ts';

const attack = (name: string, tries: string, expects: string, run: Attack['run']): Attack => ({
  ...{ area: 'bus', name, tries, expects, run },
});

const MIB = 1024 * 1024;
const REPORTED_AFTER_MS = 5_200;
const BOMB_BYTES = 256 * MIB;
/** What agents may grow by while a bomb is thrown at them. */
const GROWTH_MAX = 150 * MIB;

/** One thing wrong each; the stream keeps none of them. */
async function sendAll(target: Target, changes: readonly Headers[], body = evilBody(target)): Promise<void> {
  for (const changed of changes) {
    const { headers, payload } = await forged(target, body, changed);
    await send(target, headers, payload);
  }
  await dealtWith();
  await target.requireServed();
}

/** Headers that agents check. Without signatures they do not read that one. */
const CHECKED = Object.values(HEADER).filter((name) => name !== HEADER.signature);

const rss = async (target: Target): Promise<number> => {
  const { residentBytes } = await import('../../bench/soak/soak-memory.ts');
  const all = await Promise.all(target.addresses.agents.map(({ pid }) => residentBytes(pid)));
  return Math.max(...all.map((bytes) => bytes ?? 0));
};

export const BUS_DATAFILES: readonly Attack[] = [
  attack(
    'nothing',
    'empty messages, without headers, on the datafile subject',
    'nothing changes',
    async (target) => {
      await send(target, {}, new Uint8Array(0));
      await send(target, {}, evilBody(target));
      await dealtWith();
      await target.requireServed();
    },
  ),
  attack('seqs that are none', '0, negative, fractions, 2^53, texts, nothing', 'nothing changes', (target) =>
    sendAll(
      target,
      ['0', '-1', '1.5', String(2 ** 53), '1e3', 'x', '', '7 x', '0x10', '９'].map((seq) => ({
        [HEADER.seq]: seq,
      })),
    ),
  ),
  attack('headers that are none', 'each header missing, garbled, of 10 KB', 'nothing changes', (target) =>
    sendAll(
      target,
      CHECKED.flatMap((name) => ['', 'x y\tz', 'é', 'a'.repeat(10_000)].map((value) => ({ [name]: value }))),
    ),
  ),
  attack('headers twice', 'two seqs, two hashes, 300 headers more', 'nothing changes', async (target) => {
    const more = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`X-${i}`, 'x']));
    await sendAll(target, [
      { [HEADER.seq]: ['0', '999'] },
      { [HEADER.sha256]: ['0'.repeat(64), '1'.repeat(64)] },
      { [HEADER.encoding]: ['x', 'br'] },
      { ...more, [HEADER.sha256]: '0'.repeat(64) },
    ]);
  }),
  attack(
    'a wrong hash',
    'a body that is not what its hash says, at the next seq and at 2^53-1',
    'the last good one stays',
    (target) =>
      sendAll(target, [
        { [HEADER.sha256]: '0'.repeat(64) },
        { [HEADER.sha256]: 'f'.repeat(64), [HEADER.seq]: String(Number.MAX_SAFE_INTEGER - 1) },
        { [HEADER.encoding]: 'identity' },
        { [HEADER.encoding]: 'gzip' },
        { [HEADER.bytes]: '1' },
        { [HEADER.bytes]: String(DATAFILE_BYTES_MAX + 1) },
      ]),
  ),
  attack(
    'a decompression bomb',
    `${BOMB_BYTES / MIB} MB in a message of some hundred bytes`,
    'given up at the announced size; memory stays',
    async (target) => {
      const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
      const bomb = brotliCompressSync(Buffer.alloc(BOMB_BYTES), quality);
      const before = await rss(target);
      for (const bytes of ['1000', String(DATAFILE_BYTES_MAX)]) {
        const { headers } = await forged(target, Buffer.from('x'), { [HEADER.bytes]: bytes });
        for (let i = 0; i < 5; i++) await send(target, headers, bomb);
      }
      await dealtWith();
      await target.requireServed();
      require((await rss(target)) - before < GROWTH_MAX, 'an agent has grown by more than 150 MB');
    },
  ),
  attack(
    'a pointer to nothing',
    'headers only, with the hash of a body that is nowhere',
    'the last good one stays',
    (target) => sendAll(target, [{ [HEADER.encoding]: 'pointer', [HEADER.sha256]: '5'.repeat(64) }]),
  ),
  attack(
    "another key's datafile",
    'its whole datafile, and a pointer to a copy of it in this folder',
    'the last good one stays',
    async (target) => {
      const other = datafileBytes(generateDatafile({ flags: 1, sdkKey: OTHER_KEY }));
      await sendAll(target, [{}], other);
      const key = bodyKey(target.sdkKey, sha256(other) as Sha256);
      await target.bucket.put(key, other);
      await sendAll(target, [{ [HEADER.encoding]: 'pointer' }], other);
      await target.bucket.remove(key);
    },
  ),
  attack(
    'what no SDK loads',
    'no JSON, a web page, an empty object, lists, nested 100,000 deep, other formats',
    'the last good one stays',
    async (target) => {
      const good = target.next();
      const bodies = [
        '',
        'null',
        '[]',
        '{}',
        '<html></html>',
        '{"bad":1}',
        '['.repeat(100_000),
        JSON.stringify({ ...good, version: '5' }),
      ];
      const others = [
        { ...good, projectId: '1' },
        { ...good, featureFlags: 'none' },
        { ...good, experiments: 7 },
        { ...good, revision: 'x' },
      ];
      for (const body of [...bodies, ...others.map((other) => JSON.stringify(other))])
        await sendAll(target, [{}], Buffer.from(body));
    },
  ),
  attack(
    'another lineage',
    'a whole, loadable datafile in a lineage that is not that of the record',
    'the record is asked, and does not know it',
    (target) =>
      sendAll(target, [
        { [HEADER.lineage]: 'forged-lineage' },
        { [HEADER.lineage]: 'forged-lineage-2', [HEADER.seq]: '999999' },
      ]),
  ),
  attack(
    'old messages again',
    'the seq that is served, and earlier ones, with another body',
    'nothing changes',
    async (target) => {
      const { seq } = await target.manifest();
      await sendAll(
        target,
        [String(seq), String(Math.max(1, seq - 1)), '1'].map((old) => ({ [HEADER.seq]: old })),
      );
    },
  ),
  attack(
    'a flood',
    '3,000 messages of garbage and of wrong hashes',
    'the next change arrives as ever',
    async (target) => {
      const { headers, payload } = await forged(target, evilBody(target), {
        [HEADER.sha256]: '0'.repeat(64),
      });
      const sends = Array.from({ length: 3_000 }, (_, i) => send(target, i % 2 ? headers : {}, payload));
      await Promise.all(sends);
      await target.requireServed();
    },
  ),
  {
    ...attack(
      'garbage as head',
      'the stream keeps a message that is no datafile as the last of its subject',
      'the next announcement takes its place',
      async (target) => {
        await send(target, {}, Buffer.from('garbage'), { stored: true });
        await dealtWith();
        await target.requireServed();
      },
    ),
  },
  {
    ...attack(
      'a head at 2^53-1',
      'the stream keeps a head of the highest seq, without a body that fits its hash',
      'agents keep theirs; reconcile begins a new lineage',
      async (target) => {
        const { headers, payload } = await forged(target, evilBody(target), {
          [HEADER.sha256]: '0'.repeat(64),
          [HEADER.seq]: String(Number.MAX_SAFE_INTEGER),
        });
        await send(target, headers, payload, { stored: true });
        await dealtWith();
        await target.requireServed();
      },
    ),
    healsByReconcile: true,
  },
  {
    ...attack(
      'a datafile that the publisher did not publish, as head',
      "a publisher's rights, a whole datafile, a seq far ahead, kept by the stream",
      'reconcile sees a head that the record does not know, and leads all agents back',
      async (target) => {
        const { headers, payload } = await forged(target, evilBody(target));
        await send(target, headers, payload, { stored: true });
        await dealtWith();
      },
    ),
    healsByReconcile: true,
  },
  {
    ...attack(
      'a datafile that the stream refused',
      'the same, shown to plain subscribers only: no head tells of it',
      'agents say what they serve, and reconcile leads them back',
      async (target) => {
        const { headers, payload } = await forged(target, evilBody(target));
        await send(target, headers, payload);
        // Of a younger version reconcile does not ask.
        await sleep(REPORTED_AFTER_MS);
      },
    ),
    healsByReconcile: true,
  },
];
