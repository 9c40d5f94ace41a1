// What a process remembers of the record: the manifest as it saw it last, in the order in which it began to look.

import { expect, it } from 'vitest';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import type { ChangeId, Lineage } from '../../../core/ids.ts';
import { advance, createManifest, type Manifest } from '../../../core/record/manifest.ts';
import type { StoredManifest } from '../../../functions/ports.ts';
import { RecordMemory, withMemory } from '../../../functions/record/record-memory.ts';
import { datafileOf, KEY } from '../../support/datafiles.ts';
import { FakeRecord } from '../../support/functions/fake-record.ts';

const arrival = {
  cause: 'webhook',
  changeId: 'c' as ChangeId,
  receivedAtMs: 1,
  publishedAtMs: 2,
  cdn: { etag: null, lastModifiedMs: null },
} as const;
const parsed = (revision: number) => parseDatafile(datafileOf(revision), { sdkKey: KEY });
const one = createManifest(parsed(1), arrival, 'lineage' as Lineage);
const two = (advance(one, parsed(2), arrival) as { manifest: Manifest }).manifest;

it('a key that was never seen is not remembered', async () => {
  const record = withMemory(new FakeRecord());
  expect(record.lastSeen?.(KEY)).toBeNull();
  expect(await record.readManifest(KEY)).toBeNull();
  expect(record.lastSeen?.(KEY)).toBeNull();
});

it('what was read or swapped in is remembered, and a lost swap is not', async () => {
  const inner = new FakeRecord();
  inner.manifests.set(KEY, { manifest: one, etag: '"1"' });
  const record = withMemory(inner);
  await record.readManifest(KEY);
  expect(record.lastSeen?.(KEY)).toBe(one);
  expect(await record.swapManifest(two, '"of before"')).toBe('conflict');
  expect(record.lastSeen?.(KEY)).toBe(one);
  await record.swapManifest(two, '"1"');
  expect(record.lastSeen?.(KEY)).toBe(two);
});

it('a read that began before a swap and answers after it does not take its place', async () => {
  const inner = new FakeRecord();
  let answer: (stored: StoredManifest) => void = () => {};
  const slow = new Promise<StoredManifest>((resolve) => {
    answer = resolve;
  });
  const record = withMemory({
    readManifest: () => slow,
    swapManifest: (manifest, etag) => inner.swapManifest(manifest, etag),
    putBody: (...args) => inner.putBody(...args),
    readBody: (...args) => inner.readBody(...args),
  });
  const reading = record.readManifest(KEY);
  await record.swapManifest(two, null);
  answer({ manifest: one, etag: '"1"' });
  await reading;
  expect(record.lastSeen?.(KEY)).toBe(two);
});

it('the ETag of a manifest that counts as none is forgotten once it is trusted, replaced or gone', () => {
  const forgetting = [
    (memory: RecordMemory) => memory.noteRead(one, null),
    (memory: RecordMemory) => memory.noteSwapped(one),
    (memory: RecordMemory) => memory.noteAbsent(KEY),
  ];
  for (const forget of forgetting) {
    const memory = new RecordMemory();
    memory.noteDistrusted(KEY, '"bad"');
    expect(memory.distrustedEtag(KEY)).toBe('"bad"');
    forget(memory);
    expect(memory.distrustedEtag(KEY)).toBeNull();
  }
});
