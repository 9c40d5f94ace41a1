// Many of the agent's own bus sources in one process, without anything behind them: each keeps the revision it was
// offered last. Says how many are behind when asked.

import { NatsSource } from '../../../../agent/datafiles/sources/nats.ts';
import type { Sink } from '../../../../agent/datafiles/sources/source.ts';
import { toSdkKey } from '../../../../core/ids.ts';
import { systemClock } from '../../../../infra/local/tools/clock.ts';

const [wsUrl = '', key = '', count = '0'] = process.argv.slice(2);
const sdkKey = toSdkKey(key);
const revisions: number[] = Array.from({ length: Number(count) }, () => 0);
let caughtUp = 0;
const nothing = () => {};

revisions.forEach((_, i) => {
  const sink: Sink = {
    offer: async ({ revision }) => {
      revisions[i] = Math.max(revisions[i] ?? 0, revision);
      return { kind: 'accepted' };
    },
    confirm: nothing,
    failed: nothing,
  };
  const source = new NatsSource(sink, {
    settings: { servers: [wsUrl] },
    clock: systemClock,
    random: Math.random,
    resolveBody: async () => new Uint8Array(0),
    events: {
      connected: nothing,
      disconnected: nothing,
      pingsUnanswered: nothing,
      caughtUp: () => {
        caughtUp++;
        if (caughtUp === revisions.length) process.send?.({ ready: true });
      },
      head: nothing,
      beat: nothing,
    },
  });
  source.start();
  void source.watch(sdkKey);
});

process.on('message', ({ revision }: { revision: number }) => {
  process.send?.({ behind: revisions.filter((one) => one < revision).length });
});
process.once('disconnect', () => process.exit(0));
