import { describe, expect, it } from 'vitest';
import {
  BEHIND_RETRY_MS,
  BusHealth,
  UNSOUND_GRACE_MS,
} from '../../../../agent/datafiles/health/bus-health.ts';
import { BEAT_INTERVAL_MS, BEATS_MISSED_MAX } from '../../../../core/bus/beat.ts';
import type { Lineage, SdkKey, Seq } from '../../../../core/ids.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { KEY, LINEAGE, OTHER_KEY, OTHER_LINEAGE } from '../../support/fakes.ts';

const SILENCE_MS = BEAT_INTERVAL_MS * BEATS_MISSED_MAX;
const version = (seq: number, lineage: Lineage = LINEAGE) => ({ lineage, seq: seq as Seq });

function setUp({ connected = true } = {}) {
  const clock = new ManualClock();
  const changes: (string | null)[] = [];
  const asked: SdkKey[] = [];
  const health = new BusHealth({
    clock,
    onChange: (available, reason) => changes.push(available ? null : reason),
    onBehind: (sdkKey) => asked.push(sdkKey),
  });
  health.watch(KEY);
  if (connected) {
    health.connected();
    health.caughtUp();
    changes.length = 0;
  }
  const beat = (seq: number, sdkKey: SdkKey = KEY, lineage: Lineage = LINEAGE) =>
    health.beat({ sentAtMs: clock.nowMs(), heads: new Map([[sdkKey, version(seq, lineage)]]) });
  return { clock, health, changes, asked, beat };
}

describe('the bus', () => {
  it('the bus is unavailable until it is connected and caught up', () => {
    const { health } = setUp({ connected: false });
    expect(health).toMatchObject({ available: false, reason: 'starting' });
    health.connected();
    expect(health).toMatchObject({ available: false, reason: 'catching-up' });
    health.caughtUp();
    expect(health).toMatchObject({ available: true, reason: null });
  });

  it('the bus was never away when it is back and caught up within two seconds', () => {
    const { clock, health, changes } = setUp();
    health.disconnected();
    clock.advance(UNSOUND_GRACE_MS - 1);
    health.connected();
    health.caughtUp();
    clock.advance(UNSOUND_GRACE_MS * 2);
    expect(changes).toEqual([]);
  });

  it('the bus is unavailable when it is disconnected for longer, and back when it has caught up', () => {
    const { clock, health, changes } = setUp();
    health.disconnected();
    clock.advance(UNSOUND_GRACE_MS - 1);
    expect(health.available).toBe(true);
    clock.advance(1);
    expect(changes).toEqual(['disconnected']);
    health.connected();
    expect(health.available).toBe(false);
    health.caughtUp();
    expect(changes).toEqual(['disconnected', null]);
  });

  it('the bus is unavailable when it is connected but does not answer what was missed', () => {
    const { clock, health, changes } = setUp();
    health.disconnected();
    health.connected();
    clock.advance(UNSOUND_GRACE_MS);
    expect(changes).toEqual(['catching-up']);
  });

  it('flapping within the grace does not renew the grace', () => {
    const { clock, health, changes } = setUp();
    for (let i = 0; i < 5; i++) {
      health.disconnected();
      clock.advance(300);
      health.connected();
      clock.advance(300);
    }
    expect(changes).toEqual(['disconnected']);
  });

  it('the bus is unavailable at once when pings go unanswered', () => {
    const { health, changes } = setUp();
    health.pingsUnanswered();
    expect(changes).toEqual(['pings-unanswered']);
    health.disconnected();
    health.connected();
    health.caughtUp();
    expect(changes).toEqual(['pings-unanswered', null]);
  });
});

describe('beats', () => {
  it('beats that fail to come three times make it unavailable, and one brings it back', () => {
    const { clock, health, changes, beat } = setUp();
    health.head(KEY, version(4));
    clock.advance(SILENCE_MS - 1);
    expect(changes).toEqual([]);
    clock.advance(1);
    expect(changes).toEqual(['beats-missed']);
    beat(4);
    expect(changes).toEqual(['beats-missed', null]);
    clock.advance(SILENCE_MS - 1);
    expect(health.available).toBe(true);
  });

  it('beats are what is missed, and nothing else makes up for them', () => {
    const { clock, health, changes } = setUp();
    clock.advance(SILENCE_MS);
    health.head(KEY, version(5));
    health.caughtUp();
    health.unwatch(OTHER_KEY);
    expect(changes).toEqual(['beats-missed']);
  });

  it('beats are not waited for while there is no link', () => {
    const { clock, health, changes } = setUp();
    health.disconnected();
    clock.advance(SILENCE_MS * 2);
    expect(changes).toEqual(['disconnected']);
    health.connected();
    health.caughtUp();
    clock.advance(SILENCE_MS - 1);
    expect(changes).toEqual(['disconnected', null]);
  });

  it('beats with the head that the bus has shown change nothing', () => {
    const { clock, health, changes, asked, beat } = setUp();
    health.head(KEY, version(4));
    beat(4);
    beat(3); // Sent before a change that is here already.
    clock.advance(UNSOUND_GRACE_MS);
    expect({ changes, asked }).toEqual({ changes: [], asked: [] });
  });

  it('beats with a newer head make it ask again, and unavailable when that does not help', () => {
    const { clock, health, changes, asked, beat } = setUp();
    health.head(KEY, version(4));
    beat(5);
    expect(asked).toEqual([KEY]);
    clock.advance(UNSOUND_GRACE_MS);
    expect(changes).toEqual(['head-behind']);
    clock.advance(BEHIND_RETRY_MS);
    expect(asked.length).toBeGreaterThan(1);
    health.head(KEY, version(5));
    expect(changes).toEqual(['head-behind', null]);
    const before = asked.length;
    clock.advance(BEHIND_RETRY_MS * 3);
    expect(asked.length).toBe(before);
  });

  it.each([
    ['the bus has shown nothing of a key', null],
    ['the bus shows another lineage', version(9, OTHER_LINEAGE)],
  ])('find the head behind where %s', (_, shown) => {
    const { clock, health, changes, beat } = setUp();
    if (shown !== null) health.head(KEY, shown);
    beat(1);
    clock.advance(UNSOUND_GRACE_MS);
    expect(changes).toEqual(['head-behind']);
  });

  it.each([
    ['none of its keys', [OTHER_KEY]],
    ['nothing at all', []],
  ])('beats that name %s do not show that the bus lives', (_, heads) => {
    const { clock, health, changes, beat } = setUp();
    beat(1);
    health.head(KEY, version(1));
    for (let minute = 0; minute < 3; minute++) {
      clock.advance(BEAT_INTERVAL_MS);
      health.beat({ sentAtMs: clock.nowMs(), heads: new Map(heads.map((key) => [key, version(1)])) });
    }
    expect(changes).toEqual(['beats-missed']);
  });

  it('beats of one publisher do not hide that another one has fallen silent', () => {
    const { clock, health, changes, beat } = setUp();
    health.watch(OTHER_KEY);
    for (const key of [KEY, OTHER_KEY]) {
      health.head(key, version(1));
      beat(1, key);
    }
    for (let minute = 0; minute < 3; minute++) {
      clock.advance(BEAT_INTERVAL_MS);
      beat(1, OTHER_KEY);
    }
    expect(changes).toEqual(['beats-missed']);
    beat(1, KEY);
    expect(changes).toEqual(['beats-missed', null]);
  });

  it('name a key that has no head to announce, and are life for it', () => {
    const { clock, health, changes } = setUp();
    for (let minute = 0; minute < 5; minute++) {
      clock.advance(BEAT_INTERVAL_MS);
      health.beat({ sentAtMs: clock.nowMs(), heads: new Map(), others: [KEY] });
    }
    expect(changes).toEqual([]);
  });

  it('beats of any publisher are life while no key is watched', () => {
    const { clock, health, changes, beat } = setUp();
    health.unwatch(KEY);
    for (let minute = 0; minute < 5; minute++) {
      clock.advance(BEAT_INTERVAL_MS);
      beat(1, OTHER_KEY);
    }
    expect(changes).toEqual([]);
  });

  it('beats say nothing about keys that the agent does not watch', () => {
    const { clock, health, changes, beat } = setUp();
    beat(7, OTHER_KEY);
    clock.advance(UNSOUND_GRACE_MS);
    expect(changes).toEqual([]);
    health.watch(OTHER_KEY);
    beat(7, OTHER_KEY);
    clock.advance(UNSOUND_GRACE_MS);
    expect(changes).toEqual(['head-behind']);
    health.unwatch(OTHER_KEY);
    expect(changes).toEqual(['head-behind', null]);
  });
});

it('leaves no timer behind when it is stopped', () => {
  const { clock, health, beat } = setUp();
  beat(3);
  health.disconnected();
  health.stop();
  expect(clock.waitingCount).toBe(0);
});
