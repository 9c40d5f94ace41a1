import { execFile } from 'node:child_process';
import { appendFile, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Losses } from '../../../../agent/events/queue/losses.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { tempDir } from '../../../support/temp-dir.ts';
import { MemoryLog } from '../../support/fakes.ts';
import { createJournal, eventJson, headOf, queuedEvent, URL_EU, URL_US } from '../support.ts';

const OWN = 'here~1000000001';
const anywhere = () => true;
const jsonsOf = (events: readonly { readonly json: string }[]) => events.map(({ json }) => json);
const allJsons = (count: number) => Array.from({ length: count }, (_, i) => eventJson(`e${i}`));
const someEvents = (count: number) => Array.from({ length: count }, (_, i) => queuedEvent(`e${i}`));
const filesIn = async (dir: string) =>
  (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());

describe('events on disk', () => {
  it('events on disk are there for the next life, in their order, with their heads', async () => {
    const dir = await tempDir();
    const first = createJournal(dir);
    const other = { url: URL_EU, head: headOf(2) };
    await first.write([...someEvents(3), queuedEvent('eu', other)]);
    const second = createJournal(dir);
    await second.open();
    expect(second.hasParked).toBe(true);
    const us = await second.take((url) => url === URL_US, 10);
    expect(jsonsOf(us)).toEqual(allJsons(3));
    expect(us[0]?.lane).toEqual({ url: URL_US, head: headOf(1) });
    const eu = await second.take(anywhere, 10);
    expect(eu.map(({ lane }) => lane)).toEqual([other]);
    expect(second.hasParked).toBe(false);
  });

  it('events on disk are put together in pieces that others need not wait long for, however many there are', async () => {
    const dir = await tempDir();
    const journal = createJournal(dir);
    // Texts that compress well: three megabytes of them stay in one file.
    const events = Array.from({ length: 3_000 }, (_, i) => queuedEvent(`${i}${'x'.repeat(1_000)}`));
    let placedAtOnce = 0;
    let before = 0;
    let isOver = false;
    const writing = journal.write(events).then(() => {
      isOver = true;
    });
    do {
      await new Promise((resolve) => setImmediate(resolve));
      const placed = events.filter(({ place }) => place !== null).length;
      placedAtOnce = Math.max(placedAtOnce, placed - before);
      before = placed;
    } while (!isOver);
    await writing;
    expect(events.every(({ place }) => place !== null)).toBe(true);
    expect(placedAtOnce).toBeLessThan(1_500);
    expect(await filesIn(dir)).toHaveLength(1);
  });

  it('leave no file behind when all are done', async () => {
    const dir = await tempDir();
    const journal = createJournal(dir);
    const events = someEvents(2);
    await journal.write(events);
    expect(await filesIn(dir)).toHaveLength(1);
    for (const event of events) journal.done(event);
    await journal.tidy();
    expect(await filesIn(dir)).toEqual([]);
    expect(journal).toMatchObject({ events: 0, bytes: 0, hasMarks: false, hasParked: false });
    await journal.close();
    expect(await readdir(dir)).toEqual([]);
  });

  it('events on disk that were done are not sent again in the next life', async () => {
    const dir = await tempDir();
    const first = createJournal(dir);
    const events = someEvents(5);
    await first.write(events);
    for (const i of [0, 1, 3]) first.done(events[i] as (typeof events)[0]);
    await first.tidy();
    const second = createJournal(dir);
    await second.open();
    expect(jsonsOf(await second.take(anywhere, 10))).toEqual([eventJson('e2'), eventJson('e4')]);
  });

  it('events on disk that are parked come back about as many as are asked for, once each', async () => {
    const journal = createJournal(await tempDir());
    const events = someEvents(5);
    for (const event of events) await journal.write([event]);
    for (const event of events.slice(1)) journal.park(event);
    expect(jsonsOf(await journal.take(anywhere, 3))).toEqual(allJsons(5).slice(1, 4));
    expect(jsonsOf(await journal.take(anywhere, 3))).toEqual(allJsons(5).slice(4));
    expect(await journal.take(anywhere, 3)).toEqual([]);
  });

  it('events on disk that are done stay so', async () => {
    const journal = createJournal(await tempDir());
    const events = someEvents(2);
    await journal.write(events);
    for (const event of events) {
      journal.done(event);
      journal.done(event);
      journal.park(event);
    }
    expect(journal).toMatchObject({ events: 0, hasParked: false });
  });

  it('events on disk that were done while they were written are marked', async () => {
    const dir = await tempDir();
    const journal = createJournal(dir);
    const [event] = someEvents(1);
    if (event === undefined) throw new Error('no event');
    const writing = journal.write([event]);
    event.done = true;
    journal.done(event);
    await writing;
    expect(journal).toMatchObject({ events: 0, hasMarks: true });
  });
});

describe('a file that a crash tore', () => {
  it('gives what was whole, and goes on to be marked', async () => {
    const dir = await tempDir();
    await createJournal(dir).write(someEvents(3));
    const [name = ''] = await readdir(join(dir, 'events', OWN));
    await appendFile(join(dir, 'events', OWN, name), Buffer.alloc(40, 2));
    const second = createJournal(dir);
    await second.open();
    const taken = await second.take(anywhere, 10);
    expect(jsonsOf(taken)).toEqual(allJsons(3));
    for (const event of taken.slice(0, 2)) second.done(event);
    await second.tidy();
    const third = createJournal(dir);
    await third.open();
    expect(jsonsOf(await third.take(anywhere, 10))).toEqual(allJsons(3).slice(2));
  });
});

describe('the limit', () => {
  it('costs the oldest events, and counts those that were nowhere else', async () => {
    const dir = await tempDir();
    const clock = new ManualClock();
    const losses = new Losses({ clock, log: new MemoryLog() });
    const journal = createJournal(dir, { bytesMax: 4_000, losses });
    const events = someEvents(100);
    for (let i = 0; i < 100; i += 10) {
      await journal.write(events.slice(i, i + 10));
      for (const event of events.slice(i, i + 10)) journal.park(event);
      await journal.tidy();
      expect(journal.bytes).toBeLessThanOrEqual(4_000);
    }
    const left: string[] = [];
    for (;;) {
      const taken = await journal.take(anywhere, 1_000);
      if (taken.length === 0) break;
      left.push(...jsonsOf(taken));
    }
    expect(left.length).toBeGreaterThan(10);
    expect(left).toEqual(allJsons(100).slice(-left.length));
    expect(losses.count('disk-full')).toBe(100 - left.length);
  });

  it('holds for what an earlier life left', async () => {
    const dir = await tempDir();
    await createJournal(dir).write(someEvents(100));
    const losses = new Losses({ clock: new ManualClock(), log: new MemoryLog() });
    const journal = createJournal(dir, { bytesMax: 400, losses });
    await journal.open();
    await journal.tidy();
    expect(losses.count('disk-full')).toBe(100);
    expect(await filesIn(dir)).toEqual([]);
  });
});

describe('what another owner left', () => {
  const DEAD_PID = 1_000_000_002;

  it('is taken over when its process is gone', async () => {
    const dir = await tempDir();
    await createJournal(dir, { pid: DEAD_PID }).write(someEvents(2));
    const journal = createJournal(dir);
    await journal.open();
    expect(jsonsOf(await journal.take(anywhere, 10))).toEqual(allJsons(2));
    expect(await readdir(join(dir, 'events'))).toEqual([OWN]);
  });

  it('is taken over at once when it stopped cleanly', async () => {
    const dir = await tempDir();
    const before = createJournal(dir, { pid: process.pid });
    await before.write(someEvents(2));
    const journal = createJournal(dir);
    await before.close();
    await journal.beat();
    expect(jsonsOf(await journal.take(anywhere, 10))).toEqual(allJsons(2));
  });

  it('is left alone while its process lives', async () => {
    const dir = await tempDir();
    const living = createJournal(dir, { pid: process.pid });
    await living.write(someEvents(2));
    const journal = createJournal(dir);
    await journal.open();
    expect(journal.hasParked).toBe(false);
    expect(await filesIn(dir)).toHaveLength(1);
  });
});

describe('a damaged file', () => {
  it.each<[string, (path: string) => Promise<unknown>]>([
    ['a link to a device without an end', (path) => symlink('/dev/zero', path)],
    ['a named pipe that nothing is written to', (path) => promisify(execFile)('mkfifo', [path])],
    [
      'larger than any that an agent writes',
      (path) => writeFile(path, '').then(() => truncate(path, 4 * 1024 ** 3)),
    ],
  ])(
    'a damaged file that is %s is put aside without being read, and those after it are read',
    async (_, make) => {
      const dir = await tempDir();
      const folder = join(dir, 'events', OWN);
      const first = createJournal(dir);
      await first.write(someEvents(2));
      await make(join(folder, '0-broken.events'));
      const losses = new Losses({ clock: new ManualClock(), log: new MemoryLog() });
      const journal = createJournal(dir, { losses });
      await journal.open();
      expect(jsonsOf(await journal.take(anywhere, 10))).toEqual(allJsons(2));
      expect(await readdir(folder)).toContain('0-broken.events.damaged');
      expect(losses.count('damaged')).toBe(1);
    },
  );

  it('a damaged file is put aside when nothing of it can be read, and costs no other', async () => {
    const dir = await tempDir();
    const before = createJournal(dir);
    await before.write(someEvents(2));
    const folder = join(dir, 'events', OWN);
    await writeFile(join(folder, '0-broken.events'), 'nonsense\nand more\n');
    const losses = new Losses({ clock: new ManualClock(), log: new MemoryLog() });
    const journal = createJournal(dir, { losses });
    await journal.open();
    expect(jsonsOf(await journal.take(anywhere, 10))).toEqual(allJsons(2));
    expect(await readFile(join(folder, '0-broken.events.damaged'), 'utf8')).toContain('nonsense');
    expect(losses.count('damaged')).toBe(1);
  });
});
