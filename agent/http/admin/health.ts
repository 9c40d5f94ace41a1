// The health routes, on both ports. `/health` and `/health/live` are 200 as long as the process answers, as the original's
// health is: manifests use it as liveness, and a restart brings no datafile sooner. Ready: there is enough to serve, however
// old. All else is in the report, which names SDK keys: probes that call the agent by another name than its own do not get it.

import type { HealthReport, Status } from '../../datafiles/health/status.ts';
import { BodyRequest } from '../kernel/body-request.ts';
import { answerCompressed } from '../kernel/compressed.ts';
import type { Exchange } from '../kernel/exchange.ts';
import type { Route } from '../kernel/route.ts';

/** Who knows; elsewhere than in this process, with a promise. */
export type HealthSource =
  | Pick<Status, 'ready' | 'report'>
  | { ready(): Promise<boolean>; report(): Promise<HealthReport> };

const ELSEWHERE = 'shown to requests that name an allowed host; OPTIMIZELY_SERVER_ALLOWEDHOSTS says which';

const isForOtherHost = ({ request }: Exchange): boolean =>
  request instanceof BodyRequest && request.isForOtherHost;

const shownTo = (exchange: Exchange, report: HealthReport): object =>
  isForOtherHost(exchange) ? { status: report.status, details: ELSEWHERE } : report;

export function healthRoutes(status: HealthSource): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/health',
      handle: (exchange) => {
        const answer = (report: HealthReport) =>
          answerCompressed(exchange, Buffer.from(JSON.stringify(shownTo(exchange, report))));
        const report = status.report();
        return report instanceof Promise ? report.then(answer) : answer(report);
      },
    },
    ...probeRoutes(status),
  ];
}

/** For those who only want to know whether, and learn nothing else. */
export function probeRoutes(status: Pick<HealthSource, 'ready'>): readonly Route[] {
  return [
    { method: 'GET', path: '/health/live', handle: (exchange) => exchange.json(200, { status: 'ok' }) },
    {
      method: 'GET',
      path: '/health/ready',
      handle: (exchange) => {
        const answer = (ready: boolean) =>
          exchange.json(ready ? 200 : 503, { status: ready ? 'ok' : 'not ready' });
        const ready = status.ready();
        return ready instanceof Promise ? ready.then(answer) : answer(ready);
      },
    },
  ];
}
