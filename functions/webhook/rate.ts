// How many webhooks of a project one process works on. Only those whose signature is right count, so that no stranger
// can use up a project's share; reconcile finds the changes of refused webhooks within a minute.

import type { Clock } from '../../core/clock.ts';
import { FanoutError } from '../../core/errors.ts';
import { type Log, METRIC } from '../../core/log.ts';
import { type RateLimit, type RateState, takeToken } from '../../core/rate-limit.ts';
import type { Metrics } from '../ports.ts';

export interface ProjectRatesParts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Log;
  readonly metrics: Metrics;
}

interface Project {
  state: RateState | null;
  /** Refused since the last one that was not. */
  refused: number;
}

export class ProjectRates {
  readonly #limit: RateLimit;
  readonly #parts: ProjectRatesParts;
  /** As many as there are projects with a secret here. */
  readonly #projects = new Map<string, Project>();

  constructor(limit: RateLimit, parts: ProjectRatesParts) {
    this.#limit = limit;
    this.#parts = parts;
  }

  /** Counts one webhook of a configured project. @throws FanoutError WEBHOOK_RATE_LIMITED */
  take(projectId: string): void {
    const { clock, log, metrics } = this.#parts;
    const project = this.#projects.get(projectId) ?? { state: null, refused: 0 };
    this.#projects.set(projectId, project);
    const { state, isAllowed, waitMs } = takeToken(project.state, clock.nowMs(), this.#limit);
    project.state = state;
    if (isAllowed) {
      if (project.refused > 0)
        log.info('webhook.rate-limited', { projectId, refused: project.refused, ended: true });
      project.refused = 0;
      return;
    }
    metrics.count(METRIC.webhookRateLimited);
    // Once per stretch: the log must not be the next thing to fail.
    if (project.refused++ === 0)
      log.warn('webhook.rate-limited', { projectId, ...this.#limit, ended: false });
    throw limited(projectId, Math.max(1, Math.ceil(waitMs / 1000)));
  }
}

const limited = (projectId: string, retryAfterS: number) =>
  new FanoutError({
    code: 'WEBHOOK_RATE_LIMITED',
    message: `Project ${projectId} sends more webhooks than this process takes`,
    remedy:
      'Nothing is lost: reconcile looks for missed changes every minute. If this load is real, raise FANOUT_WEBHOOK_RATE or FANOUT_WEBHOOK_BURST.',
    retryable: true,
    fields: { projectId, retryAfterS },
  });
