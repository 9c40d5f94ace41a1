// A token bucket as a pure function: its holder decides for how many, and what a refusal looks like.

export interface RateLimit {
  /** Taken at once after a pause. */
  readonly burst: number;
  readonly perSecond: number;
}

export interface RateState {
  readonly tokens: number;
  readonly atMs: number;
}

export interface Taken {
  readonly state: RateState;
  readonly isAllowed: boolean;
  /** Until the next one would be allowed; 0 when this one was. */
  readonly waitMs: number;
}

/** Takes one token. @param state null before the first. A clock that goes back adds none and takes none away. */
export function takeToken(state: RateState | null, nowMs: number, { burst, perSecond }: RateLimit): Taken {
  const elapsedMs = state === null ? 0 : Math.max(0, nowMs - state.atMs);
  const tokens = Math.min(burst, (state?.tokens ?? burst) + (elapsedMs * perSecond) / 1000);
  if (tokens >= 1) return { state: { tokens: tokens - 1, atMs: nowMs }, isAllowed: true, waitMs: 0 };
  return { state: { tokens, atMs: nowMs }, isAllowed: false, waitMs: ((1 - tokens) * 1000) / perSecond };
}
