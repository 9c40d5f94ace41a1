// The rule of both gates, the publisher's and the agent's: which datafile is taken, and what of it is left out. The SDK shows
// the parsed datafile to its validator before it builds on that same object, so looking there saves the publisher a second
// parse; the agent hands over what it has parsed for its engine. Knows no SDK.

import { FanoutError, isFanoutError } from '../errors.ts';
import type { SdkKey, Sha256 } from '../ids.ts';
import { type Datafile, type DatafileExpectation, identifyDatafile, parseDatafile } from './datafile.ts';
import { makeLoadable } from './loadable.ts';

/** Lists without which there is no project to serve; they may be missing, but not be something else. */
const LISTS_REQUIRED = ['experiments', 'featureFlags', 'rollouts'] as const;
/** The SDK's reasons may quote a name out of the datafile; more than a name never reaches a log line. */
const REASON_CHARACTERS_MAX = 160;

/** The gate's findings about one datafile. */
export interface Admitted {
  readonly datafile: Datafile & Required<Pick<Datafile, 'leftOut'>>;
  /** The object that was validated: what is left out is gone from it. */
  readonly parsed: unknown;
}

/** One datafile at a gate: call `validate`, or hand it to the SDK as its validator, and ask for the outcome afterwards. */
export class DatafileGate {
  readonly #body: Uint8Array;
  readonly #sha256: Sha256;
  readonly #expected: DatafileExpectation;
  #admitted: Admitted | null = null;
  #refusal: unknown = null;

  /** @param body within its limits: see checkLimits() */
  constructor(body: Uint8Array, sha256: Sha256, expected: DatafileExpectation) {
    this.#body = body;
    this.#sha256 = sha256;
    this.#expected = expected;
  }

  /** Changes what was parsed into what can be loaded. @throws FanoutError DATAFILE_*, also kept for refusal() */
  readonly validate = (parsed: unknown): boolean => {
    try {
      const datafile = identifyDatafile(parsed, this.#body, this.#sha256, this.#expected);
      const fields = parsed as Record<string, unknown>;
      const wrong = LISTS_REQUIRED.find((name) => !Array.isArray(fields[name] ?? []));
      if (wrong !== undefined) throw this.#unloadable(datafile.revision, `its "${wrong}" is no list`);
      this.#admitted = { datafile: { ...datafile, leftOut: makeLoadable(fields) }, parsed };
      return true;
    } catch (error) {
      this.#refusal = error;
      throw error;
    }
  };

  /** @throws FanoutError DATAFILE_UNLOADABLE where the SDK never asked */
  admitted(): Admitted {
    if (this.#admitted === null) throw this.#unloadable(undefined, 'it was not validated');
    return this.#admitted;
  }

  /** Why the datafile is refused, where building on it has thrown `cause`. The SDK hides what its validator throws. */
  refusal(cause: unknown): FanoutError {
    if (isFanoutError(this.#refusal)) return this.#refusal;
    if (isFanoutError(cause)) return cause;
    const revision = this.#admitted?.datafile.revision;
    if (revision === undefined) {
      // The SDK looks at JSON and format version before it asks its validator.
      try {
        parseDatafile(this.#body, this.#expected);
      } catch (error) {
        if (isFanoutError(error)) return error;
      }
    }
    return this.#unloadable(revision, cause);
  }

  #unloadable(revision: number | undefined, reason: unknown): FanoutError {
    return unloadable(this.#expected.sdkKey, revision, reason);
  }
}

const unloadable = (sdkKey: SdkKey, revision: number | undefined, reason: unknown) => {
  const text = reason instanceof Error ? reason.message || reason.name : String(reason);
  return new FanoutError({
    code: 'DATAFILE_UNLOADABLE',
    message: `The Optimizely SDK cannot load the datafile of ${sdkKey}: ${text.slice(0, REASON_CHARACTERS_MAX)}`,
    remedy:
      'The last good one stays in use. Undo the last change in the app, or report the datafile to Optimizely.',
    retryable: false,
    fields: { sdkKey, revision },
    cause: reason instanceof Error ? reason : undefined,
  });
};
