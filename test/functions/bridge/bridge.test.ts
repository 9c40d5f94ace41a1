// The bridge follows the record, not the notice: late, repeated, reordered and coalesced notices end at the same head.

import { beforeEach, describe, expect, it } from 'vitest';
import { encodeNotice, NOTICE_SCHEMA } from '../../../core/bus/notice.ts';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import { type ChangeId, type SdkKey, type Seq, toSdkKey } from '../../../core/ids.ts';
import { createBridge } from '../../../functions/bridge/bridge.ts';
import { moveManifest } from '../../../functions/publish/move-manifest.ts';
import { datafileOf, failure, KEY } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';

const OTHER = toSdkKey('OtherKey');
let deps: FakeDeps;
let bridge: (messages: readonly string[]) => Promise<void>;
beforeEach(() => {
  deps = fakeDeps();
  bridge = createBridge(deps);
});

async function store(revision: number, sdkKey: SdkKey = KEY): Promise<void> {
  const datafile = parseDatafile(datafileOf(revision, { sdkKey }), { sdkKey });
  await deps.record.putBody(sdkKey, datafile.sha256, datafile.body);
  await moveManifest(deps, await deps.record.readManifest(sdkKey), datafile, {
    cause: 'webhook',
    changeId: `c${revision}` as ChangeId,
    receivedAtMs: 1,
    publishedAtMs: revision,
    cdn: { etag: null, lastModifiedMs: null },
  });
}

const noticeOf = (seq: number, sdkKey: SdkKey = KEY): string =>
  encodeNotice({
    schema: NOTICE_SCHEMA,
    kind: 'published',
    sdkKey,
    seq: seq as Seq,
    revision: seq,
    changeId: `c${seq}` as ChangeId,
  });

describe('a notice', () => {
  it('makes the record’s head the head of the bus, with any seq in the notice', async () => {
    await store(1);
    await store(2);
    await bridge([noticeOf(1)]);
    expect(deps.bus.seqOf()).toBe(2);
  });

  it('a notice that comes again, late or in another order changes nothing', async () => {
    await store(1);
    await bridge([noticeOf(1)]);
    await store(2);
    await bridge([noticeOf(2)]);
    await bridge([noticeOf(1)]);
    await bridge([noticeOf(2), noticeOf(1)]);
    expect(deps.bus.published).toHaveLength(2);
    expect(deps.bus.seqOf()).toBe(2);
  });

  it('a notice of several is announced once per key', async () => {
    await store(1);
    await store(1, OTHER);
    await bridge([noticeOf(1), noticeOf(1), noticeOf(1, OTHER)]);
    expect(deps.bus.published).toHaveLength(2);
  });

  it('about a key that is no longer in the record is logged and done with', async () => {
    await bridge([noticeOf(1)]);
    expect(deps.lines).toContainEqual(expect.objectContaining({ level: 'warn', result: 'no-manifest' }));
  });

  it('carries its change id into the log', async () => {
    await store(1);
    await bridge([noticeOf(1)]);
    expect(deps.lines.find(({ event }) => event === 'change.announced')).toMatchObject({
      changeId: 'c1',
      sdkKey: KEY,
      seq: 1,
    });
  });
});

describe('the stream', () => {
  it('the stream is looked after once per cold start', async () => {
    let ensured = 0;
    const { ensureStream } = deps.bus;
    deps.bus.ensureStream = () => {
      ensured++;
      return ensureStream();
    };
    await store(1);
    await bridge([noticeOf(1)]);
    await bridge([noticeOf(1)]);
    expect(ensured).toBe(1);
  });

  it('the stream that went away meanwhile is made again', async () => {
    await store(1);
    await bridge([noticeOf(1)]);
    deps.bus.isStreamMissing = true;
    deps.bus.heads.clear();
    await bridge([noticeOf(1)]);
    expect(deps.bus.seqOf()).toBe(1);
  });
});

describe('Lambda is asked to try again', () => {
  it('when the bus is down, and finds it done the next time', async () => {
    await store(1);
    deps.bus.isDown = true;
    await expect(bridge([noticeOf(1)])).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
    deps.bus.isDown = false;
    await bridge([noticeOf(1)]);
    expect(deps.bus.seqOf()).toBe(1);
  });

  it('when the record is down', async () => {
    deps.record.isDown = true;
    await expect(bridge([noticeOf(1)])).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' });
    expect(deps.counts.get('AnnounceFailed')).toBe(1);
  });

  it('when one key fails, after the others were announced', async () => {
    await store(1);
    await store(1, OTHER);
    deps.record.bodies.clear();
    await deps.record.putBody(
      OTHER,
      deps.record.headOf(OTHER)?.sha256 as never,
      datafileOf(1, { sdkKey: OTHER }),
    );
    await expect(bridge([noticeOf(1), noticeOf(1, OTHER)])).rejects.toMatchObject({ code: 'BODY_MISSING' });
    expect(deps.bus.seqOf(OTHER)).toBe(1);
  });

  it('for a message that is no notice, after the others were announced', async () => {
    await store(1);
    await expect(bridge(['{}', noticeOf(1)])).rejects.toMatchObject({ code: 'NOTICE_INVALID' });
    expect(deps.bus.seqOf()).toBe(1);
  });

  it('when the stream cannot be made', async () => {
    deps.bus.ensureStream = () => Promise.reject(failure('BUS_UNAVAILABLE'));
    await expect(bridge([noticeOf(1)])).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
  });
});
