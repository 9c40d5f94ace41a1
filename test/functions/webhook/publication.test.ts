// What a signed webhook does to the record, the bus and the topic when all is well, late, repeated or contended.

import { beforeEach, describe, expect, it } from 'vitest';
import { datafileOf, KEY, START_MS } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps, turnsUntil } from '../../support/functions/fakes.ts';
import { SECURE_KEY, sendWebhook } from '../../support/functions/webhooks.ts';

let deps: FakeDeps;
beforeEach(() => {
  deps = fakeDeps();
});

const webhook = (revision: number, environment?: string) => sendWebhook(deps, revision, environment);

async function publish(revision: number): Promise<void> {
  deps.cdn.serve(datafileOf(revision));
  expect(await webhook(revision)).toBe(204);
}

describe('a change', () => {
  it('a change is one fetch, one body, one step of the manifest and one message', async () => {
    await publish(1);
    await publish(2);
    expect(deps.cdn.fetches).toBe(2);
    expect(deps.record.bodies.size).toBe(2);
    expect(deps.record.swaps.map(({ seq, revision }) => [seq, revision])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(deps.bus.published).toHaveLength(2);
    expect(deps.topic.ofKind('published').map((notice) => 'seq' in notice && notice.seq)).toEqual([1, 2]);
    expect(deps.bus.conflicts).toBe(0);
  });

  it('stores its body before the manifest names it, and the manifest before it is announced', async () => {
    const order: string[] = [];
    const { record, bus, topic } = deps;
    const spy = <T extends object>(object: T, name: keyof T & string) => {
      const original = (object[name] as (...args: unknown[]) => unknown).bind(object);
      Object.assign(object, {
        [name]: async (...args: unknown[]) => {
          const result = await original(...args);
          order.push(name);
          return result;
        },
      });
    };
    spy(record, 'putBody');
    spy(record, 'swapManifest');
    deps.cdn.serve(datafileOf(1));
    bus.beforePublish = () => order.push('publish begins');
    const publishNotice = topic.publish;
    Object.assign(topic, {
      publish: (notice: Parameters<typeof publishNotice>[0]) => {
        order.push('notice begins');
        return publishNotice(notice);
      },
    });
    await webhook(1);
    expect(order.slice(0, 2)).toEqual(['putBody', 'swapManifest']);
    expect(order.slice(2).sort()).toEqual(['notice begins', 'publish begins']);
  });

  it('a change of several keys is one webhook, and the worst of them is the answer', async () => {
    deps.cdn.onFetch = () => deps.clock.advance(300);
    deps.cdn.serve(datafileOf(4, { sdkKey: 'TwinA' }));
    expect(await webhook(4, 'Twins')).toBe(422);
    expect([...deps.record.manifests.keys()]).toEqual(['TwinA']);
    deps.cdn.serve(datafileOf(3, { sdkKey: undefined as never }));
    expect(await webhook(4, 'Twins')).toBe(202);
    expect(deps.topic.ofKind('refetch')).toMatchObject([{ sdkKey: 'TwinB', revision: 4 }]);
  });

  it('a change of a secure environment comes from the authenticated URL only', async () => {
    deps.cdn.served = { auth: { body: datafileOf(1, { sdkKey: SECURE_KEY }) } };
    expect(await webhook(1, 'Secure')).toBe(204);
    expect(deps.cdn.asked).toEqual(['auth']);
  });
});

describe('a webhook that comes late or again', () => {
  beforeEach(() => publish(5));

  it('a webhook of a lower revision sends no request to the CDN', async () => {
    deps.cdn.asked.length = 0;
    expect(await webhook(3)).toBe(204);
    expect(deps.cdn.asked).toEqual([]);
    expect(deps.record.swaps).toHaveLength(1);
  });

  it('a late or repeated webhook of the same revision costs a 304', async () => {
    expect(await webhook(5)).toBe(204);
    expect(deps.cdn).toMatchObject({ fetches: 1, notModified: 1 });
    expect(deps.record.writes).toBe(2);
    expect(deps.topic.ofKind('published')).toHaveLength(1);
  });

  it('a late or repeated webhook finds out that the bus lost the head, and announces it again', async () => {
    deps.bus.heads.clear();
    expect(await webhook(3)).toBe(204);
    expect(deps.bus.seqOf()).toBe(1);
  });

  it('a late or repeated webhook announces a lost head again also when the CDN serves older bytes', async () => {
    deps.bus.heads.clear();
    deps.cdn.serve(datafileOf(5, { salt: 'older edge' }), START_MS - 60_000);
    expect(await webhook(5)).toBe(204);
    expect(deps.bus.seqOf()).toBe(1);
  });

  it('a late or repeated webhook of the same revision with other bytes refreshes the record only when those are newer', async () => {
    deps.cdn.serve(datafileOf(5, { salt: 'older edge' }), START_MS - 60_000);
    expect(await webhook(5)).toBe(204);
    expect(deps.record.headOf()?.seq).toBe(1);
    deps.cdn.serve(datafileOf(5, { salt: 'regenerated' }), START_MS + 60_000);
    expect(await webhook(5)).toBe(204);
    expect(deps.record.headOf()).toMatchObject({ seq: 2, revision: 5 });
  });
});

describe('a CDN that lags', () => {
  beforeEach(async () => {
    await publish(1);
    deps.cdn.onFetch = () => deps.clock.advance(300);
  });

  it('a CDN that lags is asked again, and its origin too, until the revision is there', async () => {
    deps.cdn.asked.length = 0;
    deps.cdn.onFetch = (via) => {
      if (deps.cdn.asked.length === 4) deps.cdn.served[via] = { body: datafileOf(2) };
    };
    expect(await webhook(2)).toBe(204);
    expect(deps.cdn.asked).toEqual(['cdn', 'origin', 'cdn', 'origin']);
    expect(deps.record.headOf()?.revision).toBe(2);
  });

  it('tells how long Optimizely kept it waiting, and nothing where nothing was awaited', async () => {
    deps.times.clear();
    deps.cdn.onFetch = (via) => {
      deps.clock.advance(30);
      deps.cdn.served[via] = { body: datafileOf(2) };
    };
    expect(await webhook(2)).toBe(204);
    expect(await webhook(2)).toBe(204);
    expect(deps.times.get('CdnLagMs')).toEqual([30]);
  });

  it('queues a refetch when the budget is spent', async () => {
    expect(await webhook(2)).toBe(202);
    expect(deps.topic.ofKind('refetch')).toMatchObject([
      { sdkKey: KEY, revision: 2, changeId: 'r2.1', receivedAtMs: START_MS },
    ]);
    expect(deps.record.headOf()?.revision).toBe(1);
    expect(deps.counts.get('CdnStale')).toBe(1);
    expect(deps.counts.get('RefetchQueued')).toBe(1);
  });

  it('a CDN that lags has what it serves meanwhile archived once, and moves nothing', async () => {
    deps.cdn.serve(datafileOf(2));
    expect(await webhook(3)).toBe(202);
    expect(deps.record.bodies.size).toBe(2);
    expect(deps.record.bodyPuts).toBeLessThanOrEqual(3);
    expect(deps.record.headOf()?.revision).toBe(1);
  });

  it('a CDN that lags is a 503 when nothing can be queued either', async () => {
    deps.topic.isDown = true;
    expect(await webhook(2)).toBe(503);
  });
});

describe('what the process saw last', () => {
  it('lets the fetch begin beside the read of the manifest', async () => {
    await publish(1);
    deps.cdn.serve(datafileOf(2));
    const { readManifest } = deps.record;
    let askedAtRead = 0;
    deps.record.readManifest = async (sdkKey) => {
      await turnsUntil(() => deps.cdn.asked.length === 2);
      askedAtRead = deps.cdn.asked.length;
      return readManifest.call(deps.record, sdkKey);
    };
    expect(await webhook(2)).toBe(204);
    expect(askedAtRead).toBe(2);
  });

  it('decides nothing: a manifest that others moved meanwhile is what counts', async () => {
    await publish(1);
    const stale = deps.record.lastSeen(KEY);
    await publish(5);
    deps.record.lastSeen = () => stale;
    deps.cdn.serve(datafileOf(3));
    expect(await webhook(3)).toBe(204);
    expect(deps.record.headOf()).toMatchObject({ seq: 2, revision: 5 });
    expect(deps.record.bodies.size).toBe(3);
  });
});

describe('a thousand webhooks, interleaved, repeated and reordered, twenty at a time', () => {
  it('end at the highest, without a gap in seq, the bus never going back, each body archived once', async () => {
    let servedMax = 0;
    const revisions = Array.from({ length: 1_000 }, (_, i) => 1 + ((i * 7919) % 311));
    const { published } = deps.bus;
    let next = 0;
    const worker = async () => {
      while (next < revisions.length) {
        const revision = revisions[next++] as number;
        servedMax = Math.max(servedMax, revision);
        deps.cdn.serve(datafileOf(servedMax));
        expect(await webhook(revision)).toBe(204);
      }
    };
    await Promise.all(Array.from({ length: 20 }, worker));

    const { swaps, bodies } = deps.record;
    expect(deps.record.headOf()).toMatchObject({ revision: 311, seq: swaps.length });
    expect(swaps.map(({ seq }) => seq)).toEqual(swaps.map((_, i) => i + 1));
    const historySeqs = deps.record.headOf()?.history.map(({ seq }) => seq) ?? [];
    expect(historySeqs).toEqual(historySeqs.map((_, i) => swaps.length - i));
    const announced = published.map(({ headers }) => Number(headers['Df-Seq']));
    expect(announced).toEqual([...announced].sort((a, b) => a - b));
    expect(new Set(announced).size).toBe(announced.length);
    expect(announced.at(-1)).toBe(swaps.length);
    expect(bodies.size).toBe(new Set(swaps.map(({ sha256 }) => sha256)).size);
  });
});
