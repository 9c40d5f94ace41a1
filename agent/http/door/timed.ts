// Gives routes the original's timers, where it has one. The server and a batch move them.

import type { Metrics } from '../../metrics/metrics.ts';
import { TIMERS } from '../../metrics/timers.ts';
import type { Route } from '../kernel/route.ts';

export function timed(routes: readonly Route[], metrics: Pick<Metrics, 'timer'>): readonly Route[] {
  return routes.map((route) => {
    const name = TIMERS[`${route.method} ${route.path}`];
    return name === undefined ? route : { ...route, timer: metrics.timer(name) };
  });
}
