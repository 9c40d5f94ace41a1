// GET /v1/datafile/stream: which datafile serves, now and after every change. For clients that want to know at once
// without being sent the body.

import type { SdkKey } from '../../../core/ids.ts';
import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import type { FlagHandler } from '../door/with-datafile.ts';
import type { EventStreams } from '../kernel/sse.ts';

interface Listener {
  readonly changed: (held: Held<unknown>) => void;
  /** There will be no more changes: the key is not served any more. */
  readonly ended: () => void;
}

/** The listeners to each key's changes. */
export class DatafileChanges {
  readonly #listeners = new Map<SdkKey, Set<Listener>>();

  listen(sdkKey: SdkKey, listener: Listener): () => void {
    const listeners = this.#listeners.get(sdkKey) ?? new Set();
    this.#listeners.set(sdkKey, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(sdkKey) === listeners) this.#listeners.delete(sdkKey);
    };
  }

  accepted(held: Held<unknown>): void {
    for (const listener of this.#listeners.get(held.sdkKey) ?? []) listener.changed(held);
  }

  forget(sdkKey: SdkKey): void {
    for (const listener of this.#listeners.get(sdkKey) ?? []) listener.ended();
    this.#listeners.delete(sdkKey);
  }
}

export interface DatafileStreamDeps {
  readonly changes: DatafileChanges;
  readonly streams: EventStreams;
}

export function datafileStream({ changes, streams }: DatafileStreamDeps): FlagHandler {
  return (exchange, held: Held<FlagClient>) => {
    let unlisten = (): void => {};
    const stream = streams.open(exchange, {}, () => unlisten());
    if (stream === null) return;
    const changed = (current: Held<unknown>) =>
      stream.send(describe(current), `${current.lineage}-${current.seq}`);
    changed(held);
    unlisten = changes.listen(held.sdkKey, { changed, ended: () => stream.end() });
  };
}

/** Enough to ask for exactly this datafile, and to know whether another is older: revisions must not be compared. */
const describe = ({ sdkKey, lineage, seq, revision, sha256, changeId }: Held<unknown>): string =>
  JSON.stringify({ sdkKey, lineage, seq, revision, sha256, changeId });
