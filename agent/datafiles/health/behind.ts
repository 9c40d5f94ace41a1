// Which datafiles this agent has lacked since the heartbeat before: what an operator is told, by the logs that CloudWatch
// counts. A head that was named for the first time may still be on its way. Pure; knows neither the store nor the bus.

import type { Beat } from '../../../core/bus/beat.ts';
import type { SdkKey } from '../../../core/ids.ts';
import { reaches, type Version } from '../../../core/version.ts';

/** One datafile that is not what the record has had for a whole interval of beats. */
export interface Lag {
  readonly sdkKey: SdkKey;
  readonly seq: number;
  readonly headSeq: number;
}

export class Behind {
  #named: ReadonlyMap<SdkKey, Version> = new Map();

  /** @param heldOf what serves of a key; null when the agent does not follow it or has none yet */
  beat({ heads }: Beat, heldOf: (sdkKey: SdkKey) => Version | null): Lag[] {
    const lags: Lag[] = [];
    for (const [sdkKey, head] of heads) {
      const before = this.#named.get(sdkKey);
      const held = heldOf(sdkKey);
      if (before === undefined || held === null) continue;
      if (!reaches(held, before) && !reaches(held, head))
        lags.push({ sdkKey, seq: held.seq, headSeq: head.seq });
    }
    this.#named = heads;
    return lags;
  }
}
