// Fetching goes on until the datafile is new enough or the budget is spent, asks for each body once, and hands on none
// that is not good.

import { beforeEach, describe, expect, it } from 'vitest';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import type { ChangeId, Lineage } from '../../../core/ids.ts';
import { createManifest, type Manifest } from '../../../core/record/manifest.ts';
import { fetchDatafile } from '../../../functions/publish/fetch-datafile.ts';
import { datafileOf, failure, KEY, PROJECT_ID, START_MS } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';

let deps: FakeDeps;
let staleRevisions: number[];
beforeEach(() => {
  deps = fakeDeps();
  staleRevisions = [];
  deps.cdn.onFetch = () => deps.clock.advance(100);
});

const fetchFor = (atLeastRevision: number, known: Manifest | null = null, accessToken?: string) =>
  fetchDatafile(deps, {
    source: { sdkKey: KEY, environment: 'production', ...(accessToken !== undefined && { accessToken }) },
    projectId: PROJECT_ID,
    atLeastRevision,
    known,
    budgetMs: 1_000,
    onStale: async ({ revision }) => void staleRevisions.push(revision),
  });

/** As the record has it after fetching what the CDN serves now. */
async function knownOf(revision: number): Promise<Manifest> {
  const answer = await deps.cdn.fetch({ sdkKey: KEY, environment: '' }, 'cdn', null);
  if (answer.kind !== 'body') throw new Error('expected a body');
  deps.cdn.asked.length = 0;
  deps.cdn.fetches = 0;
  const arrival = { cause: 'import', receivedAtMs: 1, publishedAtMs: 1, cdn: answer.validators } as const;
  const datafile = parseDatafile(datafileOf(revision), { sdkKey: KEY });
  return createManifest(datafile, { ...arrival, changeId: 'c' as ChangeId }, 'l' as Lineage);
}

describe('what the CDN serves', () => {
  it('is taken at the first asking when it is new enough', async () => {
    deps.cdn.serve(datafileOf(3));
    expect(await fetchFor(2)).toMatchObject({ kind: 'fresh', via: 'cdn', datafile: { revision: 3 } });
    expect(deps.cdn.asked).toEqual(['cdn']);
  });

  it('is taken from the origin when the CDN is behind', async () => {
    deps.cdn.served = { cdn: { body: datafileOf(1) }, origin: { body: datafileOf(2) } };
    expect(await fetchFor(2)).toMatchObject({ kind: 'fresh', via: 'origin' });
    expect(staleRevisions).toEqual([1]);
  });

  it('is taken from the origin when the CDN fails, denies, or serves rubbish', async () => {
    for (const served of [failure('CDN_FAILED'), failure('CDN_DENIED'), { body: Buffer.from('<html>') }]) {
      deps.cdn.served = { cdn: served, origin: { body: datafileOf(2) } };
      expect(await fetchFor(2)).toMatchObject({ kind: 'fresh', via: 'origin' });
    }
  });

  it('is not fetched again when it is what the record has', async () => {
    deps.cdn.serve(datafileOf(2));
    const known = await knownOf(2);
    expect(await fetchFor(2, known)).toEqual({ kind: 'unchanged' });
    expect(deps.cdn.fetches).toBe(0);
  });

  it('is waited for when what the record has is too old, without fetching it again', async () => {
    deps.cdn.serve(datafileOf(2));
    const known = await knownOf(2);
    expect(await fetchFor(3, known)).toMatchObject({ kind: 'stale', error: { code: 'CDN_STALE' } });
    expect(deps.cdn.fetches).toBe(0);
    expect(staleRevisions).toEqual([]);
  });

  it('is fetched once per address while it stays too old', async () => {
    deps.cdn.serve(datafileOf(2));
    expect(await fetchFor(3)).toMatchObject({
      kind: 'stale',
      error: { code: 'CDN_STALE', fields: { atLeastRevision: 3, servedRevision: 2 } },
    });
    expect(deps.cdn.fetches).toBe(2);
    expect(deps.cdn.asked.length).toBeGreaterThan(4);
    expect(staleRevisions).toEqual([2, 2]);
  });

  it('is anything, where no revision was announced', async () => {
    deps.cdn.serve(datafileOf(1));
    expect(await fetchFor(0)).toMatchObject({ kind: 'fresh' });
  });
});

describe('the budget', () => {
  it('ends the search, with the last reason', async () => {
    deps.cdn.served = { cdn: { body: datafileOf(1) }, origin: failure('CDN_FAILED') };
    expect(await fetchFor(2)).toMatchObject({ kind: 'stale', error: { code: 'CDN_FAILED' } });
    expect(deps.clock.nowMs() - START_MS).toBeLessThanOrEqual(1_100);
  });

  it('the budget is not waited out when every address refuses for good', async () => {
    deps.cdn.serve(datafileOf(2, { projectId: '99' }));
    expect(await fetchFor(2)).toMatchObject({ kind: 'refused', error: { code: 'DATAFILE_WRONG_PROJECT' } });
    expect(deps.cdn.asked).toEqual(['cdn', 'origin']);
  });

  it('the budget is not waited out for a key that is denied, unless something was announced of it', async () => {
    deps.cdn.served = { cdn: failure('CDN_DENIED'), origin: failure('CDN_DENIED') };
    expect(await fetchFor(0)).toMatchObject({ kind: 'refused', error: { code: 'CDN_DENIED' } });
    expect(deps.cdn.asked).toEqual(['cdn', 'origin']);
    expect(await fetchFor(2)).toMatchObject({ kind: 'stale', error: { code: 'CDN_DENIED' } });
    expect(deps.cdn.asked.length).toBeGreaterThan(6);
  });

  it.each(['1', '2', '3', '999', 4])(
    'the budget is not waited out for format version %j',
    async (version) => {
      deps.cdn.serve(datafileOf(2, { more: { version } }));
      expect(await fetchFor(2)).toMatchObject({ kind: 'refused', error: { code: 'DATAFILE_UNSUPPORTED' } });
      expect(deps.cdn.asked).toEqual(['cdn', 'origin']);
    },
  );

  it('the budget is waited out while what is refused is older than what was announced: the next may be good', async () => {
    deps.cdn.serve(datafileOf(1, { more: { version: '3' } }));
    deps.cdn.onFetch = () => {
      deps.clock.advance(100);
      if (deps.cdn.asked.length === 3) deps.cdn.serve(datafileOf(2));
    };
    expect(await fetchFor(2)).toMatchObject({ kind: 'fresh', datafile: { revision: 2 } });
  });

  it('the budget is waited out for what is no JSON, as half an answer is', async () => {
    deps.cdn.serve(Buffer.from('{"version":"4"'));
    expect(await fetchFor(2)).toMatchObject({ kind: 'stale', error: { code: 'DATAFILE_INVALID' } });
    expect(deps.cdn.asked.length).toBeGreaterThan(2);
  });

  it('the budget is not waited out for a datafile of another environment, where it names no key of its own', async () => {
    deps.cdn.serve(datafileOf(2));
    const known = await knownOf(2);
    deps.cdn.serve(datafileOf(3, { more: { sdkKey: null, environmentKey: 'staging' } }));
    expect(await fetchFor(3, known)).toMatchObject({
      kind: 'refused',
      error: { code: 'DATAFILE_WRONG_ENVIRONMENT' },
    });
  });

  it('the budget of a secure environment is spent on the authenticated URL alone', async () => {
    deps.cdn.served = { auth: { body: datafileOf(1) } };
    await fetchFor(2, null, 'token');
    expect(new Set(deps.cdn.asked)).toEqual(new Set(['auth']));
  });
});

it('a record that fails while a stale body is archived ends the search at once', async () => {
  deps.cdn.serve(datafileOf(1));
  const failing = fetchDatafile(deps, {
    source: { sdkKey: KEY, environment: 'production' },
    projectId: PROJECT_ID,
    atLeastRevision: 2,
    known: null,
    budgetMs: 1_000,
    onStale: () => Promise.reject(failure('RECORD_UNAVAILABLE')),
  });
  await expect(failing).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' });
});
