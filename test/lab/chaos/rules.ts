// How soon every agent has to serve the newest datafile once a fault is over: one named figure for each way that a fault
// can leave things. Measured from the moment at which the fault was taken away.

/** A link that comes back within this was never away (the agents' grace). */
const GRACE_MS = 2_000;
/** What the agents wait between two tries to connect, with jitter, and the connection itself on a busy machine. */
const RECONNECT_MS_MAX = 1_500;
/** Agents without a bus ask S3 every five seconds, give or take a fifth, and one asks for 1.5 s at most. */
const S3_POLL_MS_MAX = 5_000 * 1.2 + 1_500;
/** Pings go every five seconds; after two without an answer the next one is due when the link is given up. */
const HALF_OPEN_MS_MAX = 3 * 5_000;
/** How often reconcile runs here; every minute where it is deployed. */
export const RECONCILE_INTERVAL_MS = 5_000;
const RECONCILE_RUN_MS_MAX = 2_500;
/** TCP tries again after ever longer waits while nothing passes, up to the length of the fault once more. */
const TCP_RETRY_MS_MAX = 8_000;

export interface Rule {
  readonly name: string;
  readonly msMax: number;
}

const rule = (name: string, msMax: number): Rule => ({ name, msMax });

export const RULES = {
  bus: rule('bus healed', GRACE_MS + RECONNECT_MS_MAX),
  /** Reconcile finds a change whose webhook was not accepted. */
  reconcile: rule('reconcile', RECONCILE_INTERVAL_MS + RECONCILE_RUN_MS_MAX + GRACE_MS),
  /** An agent that leaves a dead bus asks S3 at a random time of the next interval, so that thousands do not ask at once. */
  noticed: rule('noticed by pings, S3 poll', HALF_OPEN_MS_MAX + S3_POLL_MS_MAX),
  /** A bus that is only silent shows by the next beat, which comes with each run of reconcile. */
  beat: rule('beat, S3 poll', RECONCILE_INTERVAL_MS + RECONCILE_RUN_MS_MAX + S3_POLL_MS_MAX),
  /** A closed link is left after its grace. */
  left: rule('grace, S3 poll', GRACE_MS + S3_POLL_MS_MAX),
  /** The bus answers again, but an agent holds a dead link to it. */
  halfOpen: rule('half-open link', HALF_OPEN_MS_MAX + GRACE_MS + RECONNECT_MS_MAX),
  tcp: rule('TCP retries', GRACE_MS + RECONNECT_MS_MAX + TCP_RETRY_MS_MAX),
} as const;
