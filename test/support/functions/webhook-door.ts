// The webhook's function with its guard before it, for unit tests: what is sent is signed, and stamped with the clock's time.

import { signWebhook } from '../../../core/webhook.ts';
import { readFrom } from '../../../functions/settings/list.ts';
import { unchanging } from '../../../functions/settings/refreshing-secret.ts';
import {
  createGuard,
  type Guard,
  type GuardSettings,
  readGuardSettings,
} from '../../../functions/webhook/guard.ts';
import type { WebhookAnswer } from '../../../functions/webhook/http-event.ts';
import { receiveWebhook } from '../../../functions/webhook/receive-webhook.ts';
import { datafileOf, KEY, PROJECT_ID } from '../datafiles.ts';
import { type FakeDeps, fakeDeps } from './fakes.ts';
import { projectsOf, WEBHOOK_SECRET } from './webhooks.ts';

export const projects = projectsOf(KEY);
export const DEFAULTS = readGuardSettings(readFrom({}, { problems: [], warnings: [] }));

export interface Sent {
  readonly revision?: number;
  /** Seconds before now. */
  readonly ageS?: number;
  readonly stamp?: unknown;
  readonly secret?: string;
}

export class Door {
  readonly deps: FakeDeps = fakeDeps();
  readonly guard: Guard;

  constructor(settings: Partial<GuardSettings> = {}, atOnceMax?: number) {
    this.guard = createGuard({ ...DEFAULTS, ...settings }, this.deps, atOnceMax);
    this.serve(13);
  }

  serve(revision: number, salt = ''): void {
    this.deps.cdn.serve(datafileOf(revision, { salt }), this.deps.clock.nowMs());
  }

  send({ revision = 13, ageS = 0, stamp, secret = WEBHOOK_SECRET }: Sent = {}): Promise<WebhookAnswer> {
    const sentAtS = Math.floor(this.deps.clock.nowMs() / 1000) - ageS;
    const data = { environment: 'e', revision, cdn_url: `https://c/datafiles/${KEY}.json` };
    const timestamp = stamp === undefined ? sentAtS : stamp;
    const event = { timestamp, project_id: Number(PROJECT_ID), data, event: 'project.datafile_updated' };
    const rawBody = Buffer.from(JSON.stringify(event));
    const request = { method: 'POST', path: '/webhooks/optimizely', requestId: '', rawBody };
    const settings = { projects: unchanging(projects), fetchBudgetMs: 300, guard: this.guard };
    return receiveWebhook(this.deps, settings, { ...request, signature: signWebhook(rawBody, secret) });
  }

  get cost() {
    const { record, cdn } = this.deps;
    return { reads: record.reads, writes: record.writes, asked: cdn.asked.length };
  }
}
