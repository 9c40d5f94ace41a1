// What publishers need of a bus (functions/ports.ts), and what agents hear on it, as one suite for all of them: a real
// nats-server (the installed one, and a current one in `npm run verify`), and the doubles of the simulation and of the unit
// tests, on which their findings rest.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeHead, type Envelope, encodeEnvelope } from '../../core/bus/envelope.ts';
import { parseDatafile } from '../../core/datafile/datafile.ts';
import { type ChangeId, type Lineage, type SdkKey, type Seq, toSdkKey } from '../../core/ids.ts';
import { createManifest } from '../../core/record/manifest.ts';
import type { Bus } from '../../functions/ports.ts';
import { datafileOf } from '../support/datafiles.ts';

const RACERS = 10;

export interface BusTarget {
  /** Each call is another process at the same bus, which has no stream at first. */
  readonly open: () => Bus;
  /** Plain subscribers' view of a key: what has been heard so far, once all that was sent before has arrived. */
  readonly listen?: (sdkKey: SdkKey) => Promise<() => Promise<readonly Heard[]>>;
  readonly close: () => Promise<void>;
}

export interface Heard {
  readonly header: (name: string) => string;
  readonly payload: Uint8Array;
}

const arrival = {
  cause: 'webhook',
  changeId: 'c' as ChangeId,
  receivedAtMs: 1,
  publishedAtMs: 2,
  cdn: { etag: null, lastModifiedMs: null },
} as const;

const PAYLOAD = Buffer.from('stands for a compressed body');

function envelopeOf(sdkKey: SdkKey, seq: number): Envelope {
  const datafile = parseDatafile(datafileOf(seq, { sdkKey }), { sdkKey });
  const manifest = createManifest(datafile, arrival, 'lineage' as Lineage);
  return encodeEnvelope({ ...manifest, seq: seq as Seq }, PAYLOAD, 1e6);
}

/**
 * Registers the suite under `name`; `start` is called once.
 * @param hasSubscribers false for a double that nothing subscribes to: it has no `listen`
 */
export function describeBusContract(
  name: string,
  start: () => Promise<BusTarget>,
  hasSubscribers = true,
): void {
  describe(`bus contract: ${name}`, () => {
    let target: BusTarget;
    let bus: Bus;
    let keys = 0;
    const newKey = () => toSdkKey(`Key/+=${++keys}`);
    /** Publishes upon what is there, and returns the head that came of it. */
    const published = async (sdkKey: SdkKey, envelope: Envelope) => {
      const before = (await bus.readHead(sdkKey))?.streamSequence ?? 0;
      expect(await bus.publish(sdkKey, envelope, before)).toBe('published');
      const head = await bus.readHead(sdkKey);
      if (head === null) throw new Error('nothing is there after a publish');
      return head;
    };

    beforeAll(async () => {
      target = await start();
      bus = target.open();
    });
    afterAll(async () => {
      await target?.close();
    });

    it('without a stream says so to reader and publisher, and then has one, made once', async () => {
      const sdkKey = newKey();
      await expect(bus.readHead(sdkKey)).rejects.toMatchObject({ code: 'STREAM_MISSING' });
      const publishing = bus.publish(sdkKey, envelopeOf(sdkKey, 1), 0);
      await expect(publishing).rejects.toMatchObject({ code: 'STREAM_MISSING' });
      expect(await bus.ensureStream()).toBe('created');
      expect(await bus.ensureStream()).toBe('as-wanted');
      expect(await bus.readHead(sdkKey)).toBeNull();
    });

    it('shows what was published, headers and all, to another process too', async () => {
      const sdkKey = newKey();
      const envelope = envelopeOf(sdkKey, 7);
      const { head, streamSequence } = await published(sdkKey, envelope);
      expect(head).toEqual(decodeHead((header) => envelope.headers[header] ?? ''));
      expect(streamSequence).toBeGreaterThan(0);
      expect(await target.open().readHead(sdkKey)).toEqual({ head, streamSequence });
    });

    it('replaces the head that was read, and refuses every other expectation', async () => {
      const sdkKey = newKey();
      const first = await published(sdkKey, envelopeOf(sdkKey, 1));
      for (const wrong of [0, first.streamSequence + 1, first.streamSequence + 1_000])
        expect(await bus.publish(sdkKey, envelopeOf(sdkKey, 9), wrong)).toBe('conflict');
      expect(await bus.readHead(sdkKey)).toEqual(first);
      const second = await published(sdkKey, envelopeOf(sdkKey, 2));
      expect(second.head?.seq).toBe(2);
      expect(second.streamSequence).toBeGreaterThan(first.streamSequence);
      expect(await bus.publish(sdkKey, envelopeOf(sdkKey, 3), first.streamSequence)).toBe('conflict');
    });

    it('refuses a first message that expects another before it', async () => {
      const sdkKey = newKey();
      expect(await bus.publish(sdkKey, envelopeOf(sdkKey, 1), 5)).toBe('conflict');
      expect(await bus.readHead(sdkKey)).toBeNull();
    });

    it('keeps keys apart: what is published of one leaves the expectation of another as it was', async () => {
      const [one, other] = [newKey(), newKey()];
      const first = await published(one, envelopeOf(one, 1));
      await published(other, envelopeOf(other, 1));
      expect(await bus.publish(one, envelopeOf(one, 2), first.streamSequence)).toBe('published');
    });

    it(`has one winner among ${RACERS} who publish at once, and the winner's is the head`, async () => {
      const sdkKey = newKey();
      const buses = Array.from({ length: RACERS }, () => target.open());
      const outcomes = await Promise.all(
        buses.map((racer, i) => racer.publish(sdkKey, envelopeOf(sdkKey, i + 1), 0)),
      );
      expect(outcomes.filter((outcome) => outcome === 'published')).toHaveLength(1);
      expect((await bus.readHead(sdkKey))?.head?.seq).toBe(outcomes.indexOf('published') + 1);
    });

    it.each([
      ['says nothing of ours', { hello: 'world' }],
      ['says half of it', { 'Df-Seq': '1', 'Df-Lineage': 'lineage' }],
      ['says it wrongly', { ...envelopeOf(toSdkKey('any'), 1).headers, 'Df-Seq': 'many' }],
    ])('shows a message that %s as a head that may be overwritten', async (_, headers) => {
      const sdkKey = newKey();
      const { head, streamSequence } = await published(sdkKey, { headers, payload: PAYLOAD });
      expect(head).toBeNull();
      expect(await bus.publish(sdkKey, envelopeOf(sdkKey, 1), streamSequence)).toBe('published');
    });

    it('takes an empty payload, as of a pointer', async () => {
      const sdkKey = newKey();
      const { headers } = envelopeOf(sdkKey, 1);
      const { head } = await published(sdkKey, { headers, payload: new Uint8Array(0) });
      expect(head?.seq).toBe(1);
    });

    it('takes no payload beyond the one that it names as the largest', async () => {
      const sdkKey = newKey();
      const payload = new Uint8Array((await bus.payloadBytesMax()) + 1);
      const publishing = bus.publish(sdkKey, { headers: envelopeOf(sdkKey, 1).headers, payload }, 0);
      await expect(publishing).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
      expect(await target.open().readHead(sdkKey)).toBeNull();
    });

    it('works on after a reset', async () => {
      const sdkKey = newKey();
      const before = await published(sdkKey, envelopeOf(sdkKey, 1));
      bus.reset();
      expect(await bus.readHead(sdkKey)).toEqual(before);
    });

    if (hasSubscribers)
      it('lets subscribers hear what it keeps, without a place in the stream, and also what it refuses', async () => {
        const sdkKey = newKey();
        const heard = (await target.listen?.(sdkKey)) as () => Promise<readonly Heard[]>;
        await published(sdkKey, envelopeOf(sdkKey, 1));
        expect(await bus.publish(sdkKey, envelopeOf(sdkKey, 2), 0)).toBe('conflict');
        const messages = await heard();
        expect(messages.map(({ header }) => header('Df-Seq'))).toEqual(['1', '2']);
        expect(messages.map(({ header }) => header('Nats-Sequence'))).toEqual(['', '']);
        expect(messages.map(({ payload }) => Buffer.from(payload))).toEqual([PAYLOAD, PAYLOAD]);
      });
  });
}
