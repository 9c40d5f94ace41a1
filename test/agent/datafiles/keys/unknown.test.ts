import { describe, expect, it } from 'vitest';
import type { Existence } from '../../../../agent/datafiles/follow.ts';
import { UNKNOWN_REPEATED_MS, UnknownKeys } from '../../../../agent/datafiles/keys/unknown.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { KEY, MemoryLog } from '../../support/fakes.ts';

function setUp() {
  const clock = new ManualClock(1_000);
  const log = new MemoryLog();
  const answers: { existence: Existence } = { existence: 'unclear' };
  const unknown = new UnknownKeys({
    ...{ log, nowMs: () => clock.nowMs() },
    existenceOf: () => answers.existence,
  });
  const look = (existence: Existence) => {
    answers.existence = existence;
    return unknown.looked(KEY);
  };
  return { clock, log, unknown, look };
}

describe('a configured key', () => {
  it('a configured key is not unknown while it is unclear whether it exists', () => {
    const { unknown, look, log } = setUp();
    expect(look('unclear')).toBe(false);
    expect(unknown.of(KEY)).toBeNull();
    expect(unknown.isExempt(KEY)).toBe(false);
    expect(log.lines).toEqual([]);
  });

  it('a configured key that Optimizely denies is unknown, and stays so through an outage', () => {
    const { unknown, look, clock } = setUp();
    expect(look(403)).toBe(true);
    clock.advance(5_000);
    expect(look('unclear')).toBe(false);
    expect(unknown.of(KEY)).toEqual({ sinceMs: 1_000, cdnStatus: 403 });
    expect(look(404)).toBe(true);
    expect(unknown.of(KEY)).toEqual({ sinceMs: 1_000, cdnStatus: 404 });
  });

  it('a configured key that appears is unknown no more, and readiness still does without it', () => {
    const { unknown, look } = setUp();
    look(403);
    expect(look('exists')).toBe(false);
    expect(unknown.of(KEY)).toBeNull();
    expect(unknown.isExempt(KEY)).toBe(true);
  });

  it('a configured key is told of once, then every hour, and at once when it goes again', () => {
    const { look, clock, log } = setUp();
    for (let looks = 0; looks < 3; looks++) look(403);
    expect(log.of('key.unknown')).toMatchObject([
      {
        level: 'error',
        fields: { sdkKey: KEY, status: 403, code: 'SDK_KEY_UNKNOWN', since: new Date(1_000).toISOString() },
      },
    ]);
    clock.advance(UNKNOWN_REPEATED_MS);
    look(403);
    look(403);
    expect(log.lines).toHaveLength(2);
    look('exists');
    look(403);
    expect(log.lines).toHaveLength(3);
  });
});
