// What operators see of the engine.

import { Counter, type Registry } from 'prom-client';

export const countChecks = (ofProcess: Registry): Counter<'result'> =>
  new Counter({
    name: 'fanout_agent_engine_checks_total',
    help: "Decisions of the engine that were compared with the SDK's, by result",
    labelNames: ['result'],
    registers: [ofProcess],
  });
