import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { mkdir, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type CacheEntry, DiskSource } from '../../../../agent/datafiles/sources/disk.ts';
import type { OfferOutcome } from '../../../../agent/datafiles/sources/source.ts';
import { eventually } from '../../../support/eventually.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { tempDir } from '../../../support/temp-dir.ts';
import { candidateOf, datafileOf, KEY, OTHER_KEY, RecordingSink, settled } from '../../support/fakes.ts';

const exec = promisify(execFile);

const entryOf = (revision: number, sdkKey = KEY): CacheEntry => ({
  ...candidateOf(revision, { sdkKey }),
  body: datafileOf(revision, sdkKey).body,
});

async function setUp(dir?: string) {
  const sink = new RecordingSink();
  const clock = new ManualClock();
  const path = dir ?? join(await tempDir(), 'made', 'on', 'demand');
  const source = new DiskSource(sink, { dir: path, clock });
  const reopened = async (sdkKey = KEY) => {
    const later = new RecordingSink();
    await new DiskSource(later, { dir: path, clock }).watch(sdkKey);
    return later;
  };
  return { sink, clock, dir: path, source, reopened };
}

describe('the disk cache', () => {
  it('gives back what was saved, under keys with odd characters too', async () => {
    const { source, reopened } = await setUp();
    source.save(entryOf(3));
    source.save(entryOf(8, OTHER_KEY));
    await source.stop();
    expect((await reopened()).offered[0]).toMatchObject({
      seq: 3,
      revision: 3,
      source: 'disk',
      fromRecord: false,
    });
    expect((await reopened(OTHER_KEY)).offered[0]).toMatchObject({ sdkKey: OTHER_KEY, revision: 8 });
  });

  it('writes a moment later, and only the newest of what came meanwhile', async () => {
    const { source, clock, dir, sink, reopened } = await setUp();
    for (let revision = 1; revision <= 50; revision++) source.save(entryOf(revision));
    expect(clock.waitingCount).toBe(1);
    await expect(readdir(dir)).rejects.toThrow('ENOENT');
    await source.stop();
    expect(sink.failures).toEqual([]);
    expect((await reopened()).seqs).toEqual([50]);
  });

  it('writes nothing but the metadata beside the body', async () => {
    const { source, dir } = await setUp();
    source.save({ ...entryOf(3), ...{ built: { secret: 'client' }, load: () => null } });
    await source.stop();
    const file = (await readFile(join(dir, (await readdir(dir))[0] as string))).toString();
    const header = JSON.parse(file.slice(0, file.indexOf('\n')));
    expect(Object.keys(header).sort()).toEqual([
      'changeId',
      'lastModifiedMs',
      'lineage',
      'receivedAtMs',
      'revision',
      'schema',
      'sdkKey',
      'seq',
      'sha256',
      'sum',
    ]);
  });

  it('leaves files that only its own user can read, and no temporary ones', async () => {
    const { source, dir } = await setUp();
    source.save(entryOf(3));
    await source.stop();
    const names = await readdir(dir);
    expect(names).toHaveLength(1);
    expect((await stat(join(dir, names[0] as string))).mode & 0o077).toBe(0);
  });

  it('keeps a file that could not be judged, and offers it again', async () => {
    const { source, dir, clock } = await setUp();
    source.save(entryOf(3));
    await source.stop();
    const sink = new RecordingSink();
    const answers: OfferOutcome[] = [
      { kind: 'rejected', code: 'WORKERS_UNAVAILABLE', final: false, error: new Error('none is there yet') },
      { kind: 'accepted' },
    ];
    let offers = 0;
    sink.offer = async () => answers[offers++] as OfferOutcome;
    const later = new DiskSource(sink, { dir, clock });
    await later.watch(KEY);
    expect(await readdir(dir)).toEqual([expect.stringMatching(/\.datafile$/)]);
    clock.advance(1_000);
    await eventually('it is offered again', () => offers === 2);
    await later.stop();
    expect(clock.waitingCount).toBe(0);
  });

  it('offers nothing again after it was stopped, or the key let go', async () => {
    const { source, dir, clock } = await setUp();
    source.save(entryOf(3));
    await source.stop();
    const sink = new RecordingSink();
    sink.offer = async () => ({ kind: 'rejected', code: 'WORKERS_UNAVAILABLE', final: false, error: null });
    const later = new DiskSource(sink, { dir, clock });
    await later.watch(KEY);
    expect(clock.waitingCount).toBe(1);
    later.unwatch(KEY);
    expect(clock.waitingCount).toBe(0);
    await later.watch(KEY);
    await later.stop();
    expect(clock.waitingCount).toBe(0);
  });

  const damages: [string, (path: string) => Promise<void>][] = [
    ['cut short', (path) => truncate(path, 300)],
    ['empty', (path) => truncate(path, 0)],
    ['of another text', (path) => writeFile(path, 'hello\nworld')],
    ['without an end to its header', (path) => writeFile(path, '{'.repeat(10_000))],
    [
      'of another key',
      async (path) => writeFile(path, (await readFile(path)).toString().replace(KEY, 'Another')),
    ],
    [
      'of another seq than was saved',
      async (path) => writeFile(path, (await readFile(path)).toString().replace('"seq":3', '"seq":7')),
    ],
    [
      'with another hash',
      async (path) =>
        writeFile(
          path,
          (await readFile(path)).toString().replace('"on"', '"of"').replace('everyone', 'everyOne'),
        ),
    ],
  ];
  it.each(damages)('moves a file aside that is %s', async (_, damage) => {
    const { source, dir, reopened } = await setUp();
    source.save(entryOf(3));
    await source.stop();
    const [name] = await readdir(dir);
    await damage(join(dir, name as string));
    const later = await reopened();
    expect(later.bodies).toEqual([]);
    expect(later.failures[0]).toMatchObject({ source: 'disk', error: { code: 'BODY_CORRUPT' } });
    expect(await readdir(dir)).toEqual([`${name}.damaged`]);
  });

  const strangers: [string, (path: string) => Promise<unknown>][] = [
    ['a link to a device without an end', (path) => symlink('/dev/zero', path)],
    ['a named pipe that nothing is written to', (path) => exec('mkfifo', [path])],
    ['a folder', (path) => mkdir(path)],
    ['larger than any datafile', (path) => writeFile(path, '').then(() => truncate(path, 4 * 1024 ** 3))],
  ];
  it.each(strangers)('moves aside what is %s, without reading it', async (_, make) => {
    const { source, dir, reopened } = await setUp();
    source.save(entryOf(3));
    await source.stop();
    const [name] = await readdir(dir);
    await rm(join(dir, name as string));
    await make(join(dir, name as string));
    const later = await reopened();
    expect(later.bodies).toEqual([]);
    expect(later.failures[0]).toMatchObject({ source: 'disk', error: { code: 'BODY_CORRUPT' } });
    expect(await readdir(dir)).toEqual([`${name}.damaged`]);
  });

  it('reads one file at a time: a disk that hangs takes no thread from anything else', async () => {
    const read: string[] = [];
    const ends: (() => void)[] = [];
    const readFileWithin = (path: string) => {
      read.push(path);
      return new Promise<Uint8Array>((_, reject) => {
        ends.push(() => reject(Object.assign(new Error('not there'), { code: 'ENOENT' })));
      });
    };
    const files = { ...fs, readFileWithin };
    const source = new DiskSource(new RecordingSink(), { dir: '/cache', clock: new ManualClock(), files });
    const looks = [source.watch(KEY), source.watch(OTHER_KEY)];
    await settled();
    expect(read).toHaveLength(1);
    ends[0]?.();
    await eventually('the next is read', () => read.length === 2);
    ends[1]?.();
    await Promise.all(looks);
  });

  it('reads a file from before there was a sum over its header', async () => {
    const { source, dir, reopened } = await setUp();
    source.save(entryOf(3));
    await source.stop();
    const path = join(dir, (await readdir(dir))[0] as string);
    const now = (await readFile(path)).toString();
    const then = now.replace(/,"sum":"[0-9a-f]{64}"/, '').replace('"schema":2', '"schema":1');
    await writeFile(path, then);
    expect((await reopened()).seqs).toEqual([3]);
  });

  it('the disk cache does not take a file whose sum has become unreadable for one of those', async () => {
    const { source, dir, reopened } = await setUp();
    source.save(entryOf(3));
    await source.stop();
    const path = join(dir, (await readdir(dir))[0] as string);
    await writeFile(path, (await readFile(path)).toString().replace('"sum"', '"qum"'));
    expect((await reopened()).seqs).toEqual([]);
  });

  it('tells of a write that failed and goes on with the next', async () => {
    const base = await tempDir();
    const blocked = join(base, 'cache');
    await writeFile(blocked, 'a file where the folder should be');
    const { source, sink } = await setUp(blocked);
    source.save(entryOf(3));
    source.save(entryOf(8, OTHER_KEY));
    await source.stop();
    expect(sink.failures.map(({ sdkKey }) => sdkKey)).toEqual([KEY, OTHER_KEY]);
  });

  it('keeps the last good file when writing the next one fails', async () => {
    const { source, dir, reopened } = await setUp();
    source.save(entryOf(3));
    await source.stop();
    const [name] = await readdir(dir);
    await mkdir(join(dir, `${name}.${process.pid}.tmp`));
    const second = await setUp(dir);
    second.source.save(entryOf(4));
    await second.source.stop();
    expect(second.sink.failures).toHaveLength(1);
    expect((await reopened()).seqs).toEqual([3]);
  });
});
