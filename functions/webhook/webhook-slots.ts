// How many signed webhooks one process works on at the same time, so that their datafiles fit its memory. A webhook takes
// a slot only after its signature was verified: strangers' requests take none.

import { FanoutError } from '../../core/errors.ts';
import { METRIC } from '../../core/log.ts';
import type { ProjectRatesParts } from './rate.ts';

const RETRY_AFTER_S = 1;

export class WebhookSlots {
  readonly #max: number;
  readonly #parts: Pick<ProjectRatesParts, 'log' | 'metrics'>;
  #taken = 0;
  /** Webhooks refused since all slots were taken. */
  #refused = 0;

  constructor(max: number, parts: Pick<ProjectRatesParts, 'log' | 'metrics'>) {
    this.#max = max;
    this.#parts = parts;
  }

  /** Runs `work` in a slot of its own. @throws FanoutError WEBHOOKS_BUSY when all are taken */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    const { log, metrics } = this.#parts;
    if (this.#taken >= this.#max) {
      metrics.count(METRIC.webhookRateLimited);
      // Once per stretch, as for the rate.
      if (this.#refused++ === 0) log.warn('webhook.rate-limited', { atOnceMax: this.#max, ended: false });
      throw busy(this.#max);
    }
    if (this.#refused > 0) log.info('webhook.rate-limited', { refused: this.#refused, ended: true });
    this.#refused = 0;
    this.#taken++;
    try {
      return await work();
    } finally {
      this.#taken--;
    }
  }
}

const busy = (max: number) =>
  new FanoutError({
    code: 'WEBHOOKS_BUSY',
    message: `${max} webhooks are being handled already`,
    remedy: 'Send it again in a second; reconcile looks for missed changes every minute all the same.',
    retryable: true,
    fields: { retryAfterS: RETRY_AFTER_S },
  });
