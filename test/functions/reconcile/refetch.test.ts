// A queued refetch does what the webhook could not, or fails so that Lambda tries again.

import { beforeEach, describe, expect, it } from 'vitest';
import { encodeNotice, NOTICE_SCHEMA } from '../../../core/bus/notice.ts';
import type { ChangeId } from '../../../core/ids.ts';
import { REFETCH_BUDGET_MS, refetch } from '../../../functions/reconcile/refetch.ts';
import { datafileOf, KEY, START_MS } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';
import { projectsOf } from '../../support/functions/webhooks.ts';

const projects = projectsOf(KEY);
const noticeOf = (revision: number, sdkKey: string = KEY): string =>
  encodeNotice({
    schema: NOTICE_SCHEMA,
    kind: 'refetch',
    sdkKey: sdkKey as typeof KEY,
    revision,
    changeId: 'the-webhook' as ChangeId,
    receivedAtMs: START_MS - 9_000,
  });

let deps: FakeDeps;
beforeEach(() => {
  deps = fakeDeps();
});

describe('a refetch', () => {
  it("publishes the change as the webhook's own", async () => {
    deps.cdn.serve(datafileOf(4));
    await refetch(deps, projects, [noticeOf(4)]);
    expect(deps.record.headOf()).toMatchObject({
      revision: 4,
      cause: 'webhook',
      changeId: 'the-webhook',
      receivedAtMs: START_MS - 9_000,
    });
    expect(deps.bus.seqOf()).toBe(1);
    expect(deps.topic.ofKind('published')).toHaveLength(1);
  });

  it('waits much longer than a webhook may', async () => {
    deps.cdn.serve(datafileOf(3));
    deps.cdn.onFetch = () => {
      deps.clock.advance(1_000);
      if (deps.clock.nowMs() > START_MS + REFETCH_BUDGET_MS - 5_000) deps.cdn.serve(datafileOf(4));
    };
    await refetch(deps, projects, [noticeOf(4)]);
    expect(deps.record.headOf()?.revision).toBe(4);
  });

  it('fails when the CDN stays behind, so that Lambda tries again', async () => {
    deps.cdn.serve(datafileOf(3));
    deps.cdn.onFetch = () => deps.clock.advance(5_000);
    await expect(refetch(deps, projects, [noticeOf(4)])).rejects.toMatchObject({ code: 'CDN_STALE' });
    expect(deps.record.headOf()).toBeUndefined();
  });

  it('a refetch has nothing to do when the change came another way', async () => {
    deps.cdn.serve(datafileOf(4));
    await refetch(deps, projects, [noticeOf(4)]);
    await refetch(deps, projects, [noticeOf(4), noticeOf(3)]);
    expect(deps.record.swaps).toHaveLength(1);
    expect(deps.bus.published).toHaveLength(1);
  });

  it('tells every region of its own change, which an earlier try stored and did not come to tell of', async () => {
    deps.cdn.serve(datafileOf(4));
    await refetch(deps, projects, [noticeOf(4)]);
    deps.topic.notices.length = 0;
    await refetch(deps, projects, [noticeOf(4)]);
    expect(deps.topic.ofKind('published')).toMatchObject([{ seq: 1, revision: 4 }]);
    expect(deps.record.swaps).toHaveLength(1);
  });

  it('a refetch of a key that is no longer configured is logged and done with', async () => {
    await refetch(deps, projects, [noticeOf(4, 'Gone')]);
    expect(deps.lines).toContainEqual(expect.objectContaining({ level: 'warn', result: 'unknown-key' }));
  });

  it('fails for a message that is no notice, after the others were done', async () => {
    deps.cdn.serve(datafileOf(4));
    await expect(refetch(deps, projects, ['?', noticeOf(4)])).rejects.toMatchObject({
      code: 'NOTICE_INVALID',
    });
    expect(deps.record.headOf()?.revision).toBe(4);
  });
});
