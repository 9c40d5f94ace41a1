// A builder for stores without the SDK, and the failures that a candidate can meet.

import type { Builder, Built } from '../../../agent/datafiles/store.ts';
import { FanoutError } from '../../../core/errors.ts';

/** Builds the revision itself; refuses the revisions it was told to. */
export class FakeBuilder implements Builder<number> {
  readonly refused = new Set<number>();
  readonly retired: number[] = [];
  builds = 0;
  /** While set, builds wait for it. */
  gate: Promise<void> | null = null;

  async build(body: Uint8Array): Promise<Built<number>> {
    this.builds++;
    await this.gate;
    const { revision, projectId } = JSON.parse(Buffer.from(body).toString());
    if (this.refused.has(Number(revision))) throw failure('DATAFILE_UNLOADABLE');
    return { built: Number(revision), revision: Number(revision), projectId };
  }

  retire(built: number): void {
    this.retired.push(built);
  }
}

export const failure = (code: 'DATAFILE_UNLOADABLE' | 'BODY_CORRUPT' | 'RECORD_UNAVAILABLE') =>
  new FanoutError({ code, message: 'no', remedy: 'none', retryable: false });
