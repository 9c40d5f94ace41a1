// `fanout datafile rollback|pin|unpin` as a process against a store with a record of three revisions and no bus, and the same
// moves against a bus.

import { beforeEach, describe, expect, it } from 'vitest';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import type { ChangeId } from '../../../core/ids.ts';
import { decodeManifest } from '../../../core/record/manifest-codec.ts';
import { manifestKey } from '../../../core/record/names.ts';
import { publishDatafile } from '../../../functions/publish/publish-datafile.ts';
import { type MoveResult, pinHere, rollBack, unpinHere } from '../../../infra/cli/datafile-move/move.ts';
import type { HttpServer } from '../../../infra/local/tools/http.ts';
import { datafileOf, KEY } from '../../support/datafiles.ts';
import { fakeDeps } from '../../support/functions/fakes.ts';
import { fanout } from './support/fanout.ts';
import { AWS, BUCKET, putRecord, SDK_KEY, startStore } from './support/record.ts';

const REASON = 'checkout is broken';
const PROJECTS = JSON.stringify([
  {
    projectId: '1',
    secrets: ['an-unused-secret'],
    datafiles: [{ sdkKey: 'ShopKey', environment: 'Production' }],
  },
]);

describe('as a process', () => {
  let store: HttpServer;
  beforeEach(async () => {
    store = await startStore();
    await putRecord(store, [{ revision: 457 }, { revision: 458, euPercent: 100 }, { revision: 459 }]);
    return () => store.close();
  });

  const run = (line: string, ...more: string[]) =>
    fanout(['datafile', ...line.split(' '), ...more], {
      ...AWS,
      FANOUT_BUCKET: BUCKET,
      FANOUT_S3_ENDPOINT: store.url,
      // No bus listens there.
      FANOUT_NATS_URL: 'ws://127.0.0.1:9',
      FANOUT_PROJECTS: PROJECTS,
    });
  const stored = async () => {
    const answer = await fetch(`${store.url}/${BUCKET}/${manifestKey(SDK_KEY)}`);
    return decodeManifest(new Uint8Array(await answer.arrayBuffer()), SDK_KEY);
  };

  it('rolls back under a new seq and pins it, and lets go', async () => {
    const back = await run('rollback ShopKey 457', '--reason', REASON);
    // The record is moved and pinned, but agents were not told: the output says both, and the exit code tells scripts.
    expect(back.code).toBe(1);
    expect(back.err).toMatch(
      /Done: the record is moved and pinned\. Not done: the bus was not told .*reconcile announces it/,
    );
    expect(back.out).toContain('ShopKey is at revision 457 (seq 4)\nPinned: checkout is broken.');
    expect(await stored()).toMatchObject({
      seq: 4,
      revision: 457,
      cause: 'rollback',
      pin: { reason: REASON },
    });

    const follows = await run('unpin ShopKey --json');
    expect(follows.json()).toMatchObject({ seq: 4, pin: null, isChanged: true });
    expect(await stored()).toMatchObject({ seq: 4, pin: null });
  });

  it('changes nothing for a revision that the record has not', async () => {
    const { code, err } = await run('rollback ShopKey 1 --reason x');
    expect(code).toBe(1);
    expect(err).toContain('has no revision "1"');
    expect(await stored()).toMatchObject({ seq: 3, pin: null });
  });
});

describe('on a bus', () => {
  it('a rollback is announced as a new seq, and holds against webhooks until it is let go', async () => {
    const deps = fakeDeps();
    const source = { sdkKey: KEY, environment: 'Production' };
    const publish = async (revision: number) => {
      const change = {
        source,
        projectId: '1',
        cause: 'webhook',
        receivedAtMs: 1,
        changeId: `c${revision}` as ChangeId,
      } as const;
      const datafile = parseDatafile(datafileOf(revision), { sdkKey: KEY });
      const validators = { etag: null, lastModifiedMs: null };
      const current = await deps.record.readManifest(KEY);
      return publishDatafile(deps, change, { current, datafile, validators });
    };
    const onPurpose = async (work: (writer: Parameters<typeof unpinHere>[0]) => Promise<MoveResult>) => {
      const stored = await deps.record.readManifest(KEY);
      if (stored === null) throw new Error('nothing is stored');
      return work({ sdkKey: KEY, deps, stored, troubles: new Map(), hasTopic: true, close: () => {} });
    };
    await publish(1);
    await publish(2);
    const { announced, manifest } = await onPurpose((writer) => {
      const [, first] = writer.stored.manifest.history;
      if (first === undefined) throw new Error('no history');
      return rollBack(writer, first, REASON);
    });
    expect(manifest).toMatchObject({ seq: 3, revision: 1, pin: { reason: REASON } });
    expect(announced).toEqual({ onBus: true, onTopic: true, because: '' });
    expect((await deps.bus.readHead(KEY))?.head).toMatchObject({ seq: 3, revision: 1 });

    expect((await publish(3)).kind).toBe('pinned');
    await onPurpose((writer) => unpinHere(writer));
    expect((await publish(3)).manifest).toMatchObject({ seq: 4, revision: 3 });
    await onPurpose((writer) => pinHere(writer, 'freeze'));
    expect((await publish(4)).kind).toBe('pinned');
  });
});
