// The health routes, on both ports. `/health` and `/health/live` are 200 as long as the process answers, as the original's
// health is: manifests use it as liveness, and a restart brings no datafile sooner. Ready: there is enough to serve, however
// old. All else is in the report, which names SDK keys: probes that call the agent by another name than its own do not get it.

import type { HealthReport, Status } from '../../datafiles/health/status.ts';
import { BodyRequest } from '../kernel/body-request.ts';
import { answerCompressed } from '../kernel/compressed.ts';
import type { Exchange } from '../kernel/exchange.ts';
import type { Handlers, ROUTES } from '../routes.ts';

/** The agent's status; a promise of it where another process has it. */
export type HealthSource =
  | Pick<Status, 'ready' | 'report'>
  | { ready(): Promise<boolean>; report(): Promise<HealthReport> };

const ELSEWHERE = 'shown to requests that name an allowed host; OPTIMIZELY_SERVER_ALLOWEDHOSTS says which';

const isForOtherHost = ({ request }: Exchange): boolean =>
  request instanceof BodyRequest && request.isForOtherHost;

const shownTo = (exchange: Exchange, report: HealthReport): object =>
  isForOtherHost(exchange) ? { status: report.status, details: ELSEWHERE } : report;

type Health = Handlers<Pick<typeof ROUTES.admin, 'GET /health' | 'GET /health/live' | 'GET /health/ready'>>;

export const healthHandlers = (status: HealthSource): Health => ({
  'GET /health': (exchange) => {
    const answer = (report: HealthReport) =>
      answerCompressed(exchange, Buffer.from(JSON.stringify(shownTo(exchange, report))));
    const report = status.report();
    return report instanceof Promise ? report.then(answer) : answer(report);
  },
  ...probeHandlers(status),
});

/** For probes, which only ask whether, and learn nothing else. */
export const probeHandlers = (status: Pick<HealthSource, 'ready'>): Omit<Health, 'GET /health'> => ({
  'GET /health/live': (exchange) => exchange.json(200, { status: 'ok' }),
  'GET /health/ready': (exchange) => {
    const answer = (ready: boolean) =>
      exchange.json(ready ? 200 : 503, { status: ready ? 'ok' : 'not ready' });
    const ready = status.ready();
    return ready instanceof Promise ? ready.then(answer) : answer(ready);
  },
});
