// User profiles behind a REST service of the operator's: one request to look up, one to save, in the original's shape. Knows
// nothing of what they are for.

import { parseJsonWithin } from '../../../core/datafile/json-depth.ts';
import type { RestProfileSettings } from '../../config/config.ts';
import type { OnFailure } from '../../services/failure-log.ts';
import type { Ask, Question } from '../../services/requester.ts';
import { serviceFailed } from '../../services/time-limit.ts';
import type { ProfileService, UserProfile } from './profiles.ts';
import { readProfile } from './stored.ts';

/** A decision waits for it, and goes on without the profile. */
export const REQUEST_TIMEOUT_MS = 2_000;
/** Saves that no request waits for; more at a time are not begun. */
export const SAVES_MAX = 1_000;
const NAME = 'The REST user profile service';
const JSON_HEADERS = { accept: 'application/json', 'content-type': 'application/json' };

export interface RestProfilesDeps {
  readonly ask: Ask;
  readonly onFailure: OnFailure;
}

export class RestProfiles implements ProfileService {
  readonly #settings: RestProfileSettings;
  readonly #deps: RestProfilesDeps;
  readonly #saves = new Set<Promise<void>>();

  constructor(settings: RestProfileSettings, deps: RestProfilesDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  async lookup(userId: string): Promise<UserProfile | null> {
    const { host, lookupPath, lookupMethod: method, userIdKey } = this.#settings;
    const url = host + lookupPath;
    const { status, text } = await (method === 'GET'
      ? this.#ask(withParameter(url, userIdKey, userId), { method })
      : this.#ask(url, { method, body: JSON.stringify({ [userIdKey]: userId }) }));
    // A user who has no profile yet.
    if (status === 404 || status === 204) return null;
    if (status !== 200) throw serviceFailed(NAME, `a look-up was answered with status ${status}`);
    return readProfile(parse(text), userIdKey, userId);
  }

  save(profile: UserProfile): void | Promise<void> {
    if (!this.#settings.async) return this.#save(profile);
    const failed = (error: unknown) => this.#deps.onFailure({ service: 'profiles', what: 'save' }, error);
    if (this.#saves.size >= SAVES_MAX) return failed(serviceFailed(NAME, `${SAVES_MAX} saves are waiting`));
    const saving = this.#save(profile).catch(failed);
    this.#saves.add(saving);
    saving.finally(() => this.#saves.delete(saving));
  }

  reset(): void {}

  /** Each save ends within its time. */
  async stop(): Promise<void> {
    await Promise.all(this.#saves);
  }

  async #save({ user_id, experiment_bucket_map }: UserProfile): Promise<void> {
    const { host, savePath, saveMethod: method, userIdKey } = this.#settings;
    const body = JSON.stringify({ [userIdKey]: user_id, experiment_bucket_map });
    const { status } = await this.#ask(host + savePath, { method, body });
    if (status < 200 || status > 299) throw serviceFailed(NAME, `a save was answered with status ${status}`);
  }

  #ask(url: string, question: Pick<Question, 'method' | 'body'>) {
    const headers = { ...JSON_HEADERS, ...this.#settings.headers };
    return this.#deps.ask(NAME, url, { ...question, headers, timeoutMs: REQUEST_TIMEOUT_MS });
  }
}

/** A path may have a query of its own. */
const withParameter = (url: string, name: string, value: string): string =>
  `${url}${url.includes('?') ? '&' : '?'}${new URLSearchParams({ [name]: value })}`;

function parse(text: string): unknown {
  try {
    return parseJsonWithin(text);
  } catch (cause) {
    throw serviceFailed(NAME, 'what it answers is not JSON', cause);
  }
}
