// The health routes, on both ports. Live: the process answers. Ready: each configured key has a datafile, however old.

import type { Status } from '../status.ts';
import type { Route } from './server.ts';

export function healthRoutes(status: Status): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/health',
      handle: (exchange) => {
        const report = status.report();
        exchange.json(report.status === 'starting' || report.status === 'draining' ? 503 : 200, report);
      },
    },
    { method: 'GET', path: '/health/live', handle: (exchange) => exchange.json(200, { status: 'ok' }) },
    {
      method: 'GET',
      path: '/health/ready',
      handle: (exchange) => {
        const ready = status.ready();
        exchange.json(ready ? 200 : 503, { status: ready ? 'ok' : 'not ready' });
      },
    },
  ];
}
