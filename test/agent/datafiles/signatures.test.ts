// The gate checks who signed a datafile, for every source and every field that may have been altered.

import { describe, expect, it } from 'vitest';
import type { SigningSettings } from '../../../agent/config/config.ts';
import { Signatures } from '../../../agent/datafiles/signatures.ts';
import { CdnSource } from '../../../agent/datafiles/sources/cdn.ts';
import { DiskSource } from '../../../agent/datafiles/sources/disk.ts';
import { RecordSource } from '../../../agent/datafiles/sources/record.ts';
import type { Candidate, OfferOutcome, SourceName } from '../../../agent/datafiles/sources/source.ts';
import { Store } from '../../../agent/datafiles/store.ts';
import type { Seq, Sha256 } from '../../../core/ids.ts';
import { newLineage } from '../../../core/record/lineage.ts';
import { sealManifest } from '../../../core/record/signature.ts';
import { newKeys } from '../../support/functions/signing.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { FakeBuilder } from '../support/builder.ts';
import { candidateOf, datafileBody, datafileOf, KEY, MemoryRecord, OTHER_KEY } from '../support/fakes.ts';

const keys = newKeys();
const next = newKeys();
const strangers = newKeys();
const LINEAGE_1 = newLineage(1_000, 'one');
const LINEAGE_2 = newLineage(2_000, 'two');
const SOURCES: SourceName[] = ['nats', 's3', 'disk', 'cdn'];

/** As the publisher signed it; `claims` are what was altered afterwards. */
function signed(revision: number, claims: Partial<Candidate> = {}, by = keys): Candidate {
  const candidate = candidateOf(revision, { lineage: LINEAGE_1 });
  const { signature } = sealManifest(candidate as never, by.key);
  return { ...candidate, signature: signature as string, fromRecord: claims.source === 's3', ...claims };
}

function setUp(mode: SigningSettings['mode'] = 'required', trusted = [keys]) {
  const builder = new FakeBuilder();
  const signatures = new Signatures({ mode, keys: trusted.map(({ publicText }) => publicText) });
  const store = new Store({ builder, clock: new ManualClock(), signatures });
  store.watch(KEY);
  store.watch(OTHER_KEY);
  return { builder, signatures, store };
}

const resultOf = (outcome: OfferOutcome) =>
  outcome.kind === 'ignored' ? outcome.reason : outcome.kind === 'rejected' ? outcome.code : outcome.kind;

const unsigned = (candidate: Candidate): Candidate => {
  const { signature: _, ...rest } = candidate;
  return rest;
};

const WRONG: [string, (source: SourceName) => Candidate, string][] = [
  ['is not signed', (source) => unsigned(signed(2, { source })), 'SIGNATURE_REQUIRED'],
  ['is signed with an unknown key', (source) => signed(2, { source }, strangers), 'SIGNATURE_UNTRUSTED'],
  ['has another seq', (source) => signed(2, { source, seq: 9 as Seq }), 'SIGNATURE_UNTRUSTED'],
  ['has another revision', (source) => signed(2, { source, revision: 3 }), 'SIGNATURE_UNTRUSTED'],
  [
    'has another hash',
    (source) => signed(2, { source, sha256: datafileOf(9).sha256 as Sha256 }),
    'SIGNATURE_UNTRUSTED',
  ],
  ['is of another key', (source) => signed(2, { source, sdkKey: OTHER_KEY }), 'SIGNATURE_UNTRUSTED'],
  ['is of another lineage', (source) => signed(2, { source, lineage: LINEAGE_2 }), 'SIGNATURE_UNTRUSTED'],
  ['is nonsense', (source) => signed(2, { source, signature: 'nonsense' }), 'SIGNATURE_UNTRUSTED'],
];

describe.each(SOURCES)('from %s, where signatures are required', (source) => {
  it('what a trusted key has signed is served', async () => {
    const { store } = setUp();
    expect(resultOf(await store.offer(signed(2, { source })))).toBe('accepted');
  });

  it.each(WRONG)('what %s is refused unread, and nothing changes', async (_, made, code) => {
    const { store, builder } = setUp();
    await store.offer(signed(1, { source: 's3' }));
    await store.offer(signed(1, { source: 's3', sdkKey: OTHER_KEY }));
    const load = () => Promise.reject(new Error('must not be called'));
    const outcome = await store.offer({ ...made(source), load });
    expect(outcome).toMatchObject({ kind: 'rejected', code, final: true });
    expect(outcome).toMatchObject({ error: { remedy: expect.stringContaining('last good datafile') } });
    expect(store.get(KEY)?.revision).toBe(1);
    expect(builder.builds).toBe(1);
  });

  it('either of two keys will do, while one takes the other’s place', async () => {
    const { store } = setUp('required', [keys, next]);
    expect(resultOf(await store.offer(signed(2, { source })))).toBe('accepted');
    expect(resultOf(await store.offer(signed(3, { source }, next)))).toBe('accepted');
  });
});

describe('the gate', () => {
  it('the gate does not judge twice what it refused, and takes the same version with the right signature', async () => {
    const { store } = setUp();
    const forged = signed(2, {}, strangers);
    expect(resultOf(await store.offer(forged))).toBe('SIGNATURE_UNTRUSTED');
    expect(resultOf(await store.offer(forged))).toBe('judged');
    expect(resultOf(await store.offer(signed(2)))).toBe('accepted');
  });

  it('takes a version that was signed before as what it is: older', async () => {
    const { store } = setUp();
    await store.offer(signed(5));
    for (const source of SOURCES) expect(resultOf(await store.offer(signed(4, { source })))).toBe('older');
  });

  it('takes a lineage from the record when it is later, and never an earlier one', async () => {
    const { store } = setUp();
    const of = (lineage: typeof LINEAGE_1, source: SourceName) => {
      const candidate = { ...candidateOf(2), lineage, seq: 1 as Seq, source, fromRecord: source === 's3' };
      const { signature } = sealManifest(candidate as never, keys.key);
      return { ...candidate, signature: signature as string };
    };
    await store.offer(signed(5));
    expect(resultOf(await store.offer(of(LINEAGE_2, 'nats')))).toBe('ask-record');
    expect(resultOf(await store.offer(of(LINEAGE_2, 's3')))).toBe('accepted');
    expect(resultOf(await store.offer(of(LINEAGE_1, 's3')))).toBe('SIGNATURE_REPLAYED');
    expect(store.get(KEY)).toMatchObject({ lineage: LINEAGE_2, seq: 1 });
  });

  it('takes what is not signed while signatures are only checked, but nothing that is signed wrongly', async () => {
    const { store } = setUp('checked');
    expect(resultOf(await store.offer(unsigned(signed(1))))).toBe('accepted');
    expect(resultOf(await store.offer(signed(2, {}, strangers)))).toBe('SIGNATURE_UNTRUSTED');
    expect(resultOf(await store.offer(signed(2)))).toBe('accepted');
  });

  it('the gate does not look at signatures where they are off', async () => {
    const { store, signatures } = setUp('off');
    expect(resultOf(await store.offer(signed(2, {}, strangers)))).toBe('accepted');
    expect(signatures.report()).toBeNull();
  });
});

describe('over a restart', () => {
  it('the disk keeps signature and lineage, so that neither old versions nor old lineages come back', async () => {
    const dir = await tempDir();
    const clock = new ManualClock();
    const disk = () => {
      const { store } = setUp();
      const sink = { offer: (it: Candidate) => store.offer(it), confirm: () => {}, failed: () => {} };
      return { store, source: new DiskSource(sink, { dir, clock }) };
    };
    const before = disk();
    await before.store.offer(signed(5));
    before.source.save(before.store.get(KEY) as never);
    await before.source.stop();

    const { store, source } = disk();
    await source.watch(KEY);
    expect(store.get(KEY)).toMatchObject({ seq: 5, lineage: LINEAGE_1, source: 'disk' });
    for (const from of ['nats', 's3'] as const)
      expect(resultOf(await store.offer(signed(4, { source: from })))).toBe('older');
  });

  it('a cache that was written without a signature is not served, and moved aside', async () => {
    const dir = await tempDir();
    const clock = new ManualClock();
    const { store } = setUp();
    const outcomes: OfferOutcome[] = [];
    const offer = async (candidate: Candidate) => {
      outcomes.push(await store.offer(candidate));
      return outcomes.at(-1) as OfferOutcome;
    };
    const sink = { offer, confirm: () => {}, failed: () => {} };
    const before = new DiskSource(sink, { dir, clock });
    before.save({ ...unsigned(signed(5)), body: datafileBody(5) });
    await before.stop();
    await new DiskSource(sink, { dir, clock }).watch(KEY);
    await new DiskSource(sink, { dir, clock }).watch(KEY);
    expect(outcomes.map(resultOf)).toEqual(['SIGNATURE_REQUIRED']);
  });
});

describe('the record', () => {
  it('brings signatures with its manifests, and is not asked for a forged body', async () => {
    const { store } = setUp();
    const record = new MemoryRecord();
    const clock = new ManualClock();
    const sink = { offer: (it: Candidate) => store.offer(it), confirm: () => {}, failed: () => {} };
    const source = new RecordSource(sink, {
      ...{ reader: record, clock, random: () => 0 },
      intervalMs: () => 1e6,
    });
    record.put(KEY, keys.seal(record.publish(KEY, datafileBody(1), LINEAGE_1)));
    await source.watch(KEY);
    expect(store.get(KEY)?.revision).toBe(1);
    record.publish(KEY, datafileBody(2), LINEAGE_1);
    await source.refresh(KEY);
    expect(store.get(KEY)?.revision).toBe(1);
    expect(record.reads.body).toBe(1);
    await source.stop();
  });
});

describe('the CDN', () => {
  it('says which keys exist and which tokens are good, and nothing that it could not have signed is taken', async () => {
    const asked: string[] = [];
    const fetch = async (url: string | URL | Request) => {
      asked.push(String(url));
      return new Response(datafileBody(1));
    };
    const offered: Candidate[] = [];
    const offer = async (candidate: Candidate) => {
      offered.push(candidate);
      return { kind: 'accepted' } as const;
    };
    const sink = { offer, confirm: () => {}, failed: () => {} };
    const source = new CdnSource(sink, {
      ...{ clock: new ManualClock(), random: () => 0, pollIntervalMs: 1e6, tokenOf: () => null },
      ...{ urlTemplate: 'http://cdn/%s', authUrlTemplate: 'http://cdn/auth/%s', vouchesOnly: true, fetch },
    });
    await source.watch(KEY);
    expect(source.status(KEY)).toBe(200);
    expect(await source.vouch(KEY, 'token')).toMatchObject({ response: { status: 200 } });
    expect(asked).toEqual([`http://cdn/${KEY}`, `http://cdn/auth/${KEY}`]);
    expect(offered).toEqual([]);
    await source.stop();
  });
});

describe('what is said of signatures', () => {
  it('is whose count and what was refused, until the key has a good datafile', async () => {
    const { store, signatures } = setUp();
    const offer = async (candidate: Candidate) =>
      signatures.judged(candidate, await store.offer(candidate), 77);
    await offer(signed(2, {}, strangers));
    expect(signatures.report()).toEqual({
      mode: 'required',
      keyIds: [keys.key.keyId],
      refused: [
        { sdkKey: KEY, source: 'nats', code: 'SIGNATURE_UNTRUSTED', lineage: LINEAGE_1, seq: 2, atMs: 77 },
      ],
    });
    await offer(signed(2));
    expect(signatures.report()?.refused).toEqual([]);
    await offer(signed(3, {}, strangers));
    await offer(signed(2));
    expect(signatures.report()?.refused).toEqual([]);
  });

  it('leaves the bus’s word aside when it is not signed as it is', () => {
    const { signatures } = setUp();
    expect(signatures.trusts(signed(2))).toBe(true);
    expect(signatures.trusts(signed(2, { seq: 9 as Seq }))).toBe(false);
    expect(signatures.trusts(unsigned(signed(2)))).toBe(false);
    expect(setUp('checked').signatures.trusts(unsigned(signed(2)))).toBe(true);
  });
});
