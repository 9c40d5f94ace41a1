// Any order of load, outages, crashes and restarts: every event that had two save intervals' time is delivered.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SAVE_INTERVAL_MS } from '../../../../agent/events/queue/spill-writer.ts';
import { eventually } from '../../../support/eventually.ts';
import { tempDir } from '../../../support/temp-dir.ts';
import { settled } from '../../support/fakes.ts';
import { createQueue, eventJson, FakeEndpoint, headOf, URL_EU, URL_US } from '../support.ts';

const RUNS = 60;
const load = fc.record({
  count: fc.integer({ min: 1, max: 25 }),
  revision: fc.integer({ min: 1, max: 3 }),
  eu: fc.boolean(),
});
const step = fc.oneof(
  { weight: 6, arbitrary: load.map((of) => ({ kind: 'load', ...of }) as const) },
  { weight: 2, arbitrary: fc.boolean().map((down) => ({ kind: 'endpoint', down }) as const) },
  { weight: 3, arbitrary: fc.constantFrom(100, 1_000, 30_000).map((ms) => ({ kind: 'time', ms }) as const) },
  { weight: 2, arbitrary: fc.boolean().map((crash) => ({ kind: 'restart', crash }) as const) },
);

class Lives {
  readonly sent: string[] = [];
  down = false;
  made = 0;
  readonly #dir: string;
  #pid = 1_000_000_100;
  #life: ReturnType<Lives['begin']>;

  constructor(dir: string) {
    this.#dir = dir;
    this.#life = this.begin();
  }

  missing(): string[] {
    const sent = new Set(this.sent);
    return Array.from({ length: this.made }, (_, i) => `e${i}`).filter((uuid) => !sent.has(uuid));
  }

  begin() {
    const endpoint = new FakeEndpoint();
    endpoint.answer = (uuids) => {
      if (this.down) return { kind: 'failed', reason: 'down' };
      this.sent.push(...uuids);
      return { kind: 'sent' };
    };
    const parts = createQueue(endpoint, { dir: this.#dir, pid: this.#pid++, queueSize: 30, batchSize: 4 });
    void parts.queue.start();
    return { ...parts, endpoint };
  }

  async load(count: number, revision: number, eu: boolean): Promise<void> {
    for (let i = 0; i < count; i++)
      this.#life.queue.add(eu ? URL_EU : URL_US, headOf(revision), eventJson(`e${this.made++}`));
    await settled();
  }

  /** Lets time pass, and the disk do what was asked of it. */
  async time(ms: number): Promise<void> {
    this.#life.clock.advance(ms);
    await settled();
    await this.#life.journal?.tidy();
    await settled();
  }

  async restart(crash: boolean): Promise<void> {
    const { queue, endpoint } = this.#life;
    if (crash) for (let i = 0; i < 3; i++) await this.time(SAVE_INTERVAL_MS);
    else {
      const stopped = queue.stop(1_000);
      await settled();
      this.#life.clock.advance(1_000);
      await stopped;
    }
    // What a dead process had in flight is not answered any more.
    endpoint.answer = () => new Promise(() => {});
    this.#life = this.begin();
  }

  async end(): Promise<void> {
    this.down = false;
    await eventually('nothing is missing', async () => {
      await this.time(5_000);
      return this.missing().length === 0;
    });
    await this.#life.queue.stop(1_000);
  }
}

it('nothing is missing at the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const lives = new Lives(await tempDir());
      for (const it of steps) {
        if (it.kind === 'load') await lives.load(it.count, it.revision, it.eu);
        else if (it.kind === 'endpoint') lives.down = it.down;
        else if (it.kind === 'time') await lives.time(it.ms);
        else await lives.restart(it.crash);
      }
      await lives.end();
      expect(lives.missing()).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});
