// The bucket in the hands of an attacker who may write to it. Without signatures the attacker chooses the current version, as
// the record is always right, but cannot make agents serve a broken datafile, or one of another key.

import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { HEADER } from '../../../../core/bus/envelope.ts';
import { bodyKey, manifestKey } from '../../../../core/record/names.ts';
import { datafileBytes } from '../../../../infra/local/optimizely/datafile.ts';
import { sendWebhook } from '../../../../infra/local/stack/client.ts';
import { type Attack, require } from '../attack.ts';
import { evilBody, forged, send } from '../bus/bus-send.ts';
import type { Target } from '../target.ts';

const attack = (name: string, tries: string, expects: string, run: Attack['run']): Attack => ({
  ...{ area: 'record', name, tries, expects, run },
});

const LOOK_MS = 150;

type Json = Record<string, unknown>;

/** Makes every agent ask the record: a message of a lineage that it does not know. */
async function makeAgentsLook(target: Target): Promise<void> {
  const { headers, payload } = await forged(target, evilBody(target), {
    [HEADER.lineage]: `look-${Date.now()}`,
  });
  await send(target, headers, payload);
  await sleep(LOOK_MS);
}

/** Has the manifest replaced, agents look at it, and the good one put back, as an operator would from its versions. */
async function withManifest(target: Target, bytes: Uint8Array): Promise<void> {
  const key = manifestKey(target.sdkKey);
  const good = await target.bucket.get(key);
  await target.manifest();
  try {
    await target.bucket.put(key, bytes);
    await makeAgentsLook(target);
    await target.requireServed();
  } finally {
    await target.bucket.put(key, good);
  }
}

async function edited(target: Target, change: (manifest: Json) => void): Promise<Buffer> {
  const manifest = JSON.parse((await target.bucket.get(manifestKey(target.sdkKey))).toString()) as Json;
  change(manifest);
  return Buffer.from(JSON.stringify(manifest));
}

/** A manifest that leads on to a body that cannot be served. */
async function withBody(target: Target, body: Uint8Array | null, encoding?: string): Promise<void> {
  const sha256 = 'a'.repeat(64);
  const key = bodyKey(target.sdkKey, sha256 as never);
  if (body !== null) await target.bucket.put(key, body, encoding === undefined ? {} : { encoding });
  const manifest = await edited(target, (it) => {
    Object.assign(it, { seq: Number(it.seq) + 1, sha256, bodyKey: key });
  });
  await withManifest(target, manifest).finally(() => target.bucket.remove(key));
}

export const RECORD: readonly Attack[] = [
  attack(
    'a manifest that is none',
    'empty, cut, a web page, lists, no UTF-8',
    'agents keep theirs; its earlier version heals',
    async (target) => {
      const good = await target.bucket.get(manifestKey(target.sdkKey));
      for (const bytes of [
        '',
        '{',
        '<html></html>',
        'null',
        '[]',
        '"x"',
        good.subarray(0, good.length / 2),
        Buffer.from([0xff, 0xfe]),
      ])
        await withManifest(target, Buffer.from(bytes));
    },
  ),
  attack(
    'a manifest without measure',
    '10 MB, nested 60,000 deep, 5,000 entries of history',
    'not read on; agents keep theirs',
    async (target) => {
      const deep = `{"schema":1,"x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
      const long = await edited(target, (it) => {
        it.history = Array.from({ length: 5_000 }, () => ({}));
      });
      for (const bytes of [
        Buffer.alloc(10_000_000, 0x20),
        Buffer.from('['.repeat(60_000)),
        Buffer.from(deep),
        long,
      ])
        await withManifest(target, bytes);
    },
  ),
  attack(
    'fields that are none',
    'seq as text, fraction, 2^53; hashes, keys and lineages with dots and slashes',
    'agents keep theirs',
    async (target) => {
      const wrong: Json[] = [
        ...['7', 1.5, -1, 0, 2 ** 53, null, [], {}].map((seq) => ({ seq })),
        ...['', 'x', '../../x', null, 'A'.repeat(64)].map((sha256) => ({ sha256 })),
        ...['../x', '', 'a b', 7, 'x'.repeat(100)].map((lineage) => ({ lineage })),
        ...[
          { schema: 2 },
          { sdkKey: 'Another' },
          { bodyKey: 'datafiles/x/../manifest.json' },
          { revision: '1; --' },
          { history: null },
        ],
      ];
      for (const fields of wrong)
        await withManifest(target, await edited(target, (it) => Object.assign(it, fields)));
    },
  ),
  attack(
    "another key's manifest",
    'a whole one, of another SDK key',
    'agents keep theirs',
    async (target) => {
      const bytes = (await target.bucket.get(manifestKey(target.sdkKey))).toString();
      await withManifest(target, Buffer.from(bytes.replaceAll(target.sdkKey, 'AnotherKey1234567890AB')));
    },
  ),
  attack('prototype keys', '__proto__ and constructor in the manifest', 'no effect', async (target) => {
    const bytes = (await target.bucket.get(manifestKey(target.sdkKey))).toString();
    const trick = '{"__proto__":{"pin":{"reason":"x"}},"constructor":{"prototype":{"seq":1}},';
    await withManifest(target, Buffer.from(bytes.replace('{', trick)));
  }),
  attack(
    'an earlier manifest',
    'the one of some changes ago is put back, and forth again',
    'no agent goes back',
    async (target) => {
      const old = await target.bucket.get(manifestKey(target.sdkKey));
      await target.goodChange();
      await target.goodChange();
      await withManifest(target, old);
    },
  ),
  {
    ...attack(
      'a bucket of yesterday',
      'an earlier manifest is put back and stays',
      'no agent goes back within the lineage; reconcile begins a new one',
      async (target) => {
        const key = manifestKey(target.sdkKey);
        const old = await target.bucket.get(key);
        await target.goodChange();
        await target.bucket.put(key, old);
        await makeAgentsLook(target);
        await target.requireServed();
      },
    ),
    healsByReconcile: true,
  },
  attack(
    'a body that is not there',
    'a manifest that names a hash without a body',
    'agents keep theirs',
    (target) => withBody(target, null),
  ),
  attack(
    'a body that was replaced',
    'other bytes, none, and a web page under the name of a hash',
    'agents keep theirs',
    async (target) => {
      for (const body of [evilBody(target), Buffer.alloc(0), Buffer.from('<html></html>')])
        await withBody(target, body);
    },
  ),
  attack(
    'a body without measure',
    '30 MB, and a gzip of 200 MB said to be one',
    'not read on; agents keep theirs',
    async (target) => {
      await withBody(target, Buffer.alloc(30_000_000, 0x20));
      await withBody(target, gzipSync(Buffer.alloc(200_000_000), { level: 1 }), 'gzip');
    },
  ),
  attack(
    'the body in use is replaced',
    'other bytes under the hash that is served',
    'agents keep theirs; announcers do not spread it',
    async (target) => {
      const { sha256 } = await target.manifest();
      const key = bodyKey(target.sdkKey, sha256);
      const good = await target.bucket.get(key);
      await target.bucket.put(key, evilBody(target));
      await makeAgentsLook(target);
      await target.requireServed();
      await target.bucket.put(key, good);
    },
  ),
  attack(
    'a writable record, a webhook',
    'a webhook while the manifest is garbage',
    'queued or refused, never 204',
    async (target) => {
      const key = manifestKey(target.sdkKey);
      const good = await target.bucket.get(key);
      await target.bucket.put(key, Buffer.from('{'));
      try {
        const response = await sendWebhook(target.addresses, target.next());
        await response.arrayBuffer();
        require(response.status === 202 || response.status === 503, `answered ${response.status}`);
      } finally {
        await target.bucket.put(key, good);
      }
    },
  ),
  attack(
    'things beside the record',
    'objects of odd names in and around its folders',
    'agents and functions ignore them',
    async (target) => {
      for (const name of [
        'datafiles/x',
        'datafiles//manifest.json',
        `datafiles/${target.sdkKey}/bodies/x.json`,
        'refetch/x',
      ])
        await target.bucket.put(name, datafileBytes(target.good));
    },
  ),
];
