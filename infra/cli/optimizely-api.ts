// The webhook half of Optimizely's REST API v2, as its published OpenAPI document has it: bearer token, paging by a `Link`
// header, webhooks under their project. It never answers a webhook's secret as documented; if it does, that stays in here.

import { isSafeAddress } from './addresses.ts';
import { type Answer, ask } from './http.ts';
import {
  API_URL,
  addressUnsafe,
  nextPageElsewhere,
  refused,
  tokenMissing,
  unreadable,
} from './optimizely-errors.ts';
import { type Shell, variable } from './shell.ts';

const PER_PAGE = 100;
/** A project with more webhooks than this is none. */
const PAGES_MAX = 50;

export interface RegisteredWebhook {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly active: boolean;
  /** ISO time, or empty. */
  readonly lastModified: string;
}

export interface WantedWebhook {
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly events: readonly string[];
}

/** The answer to a creation; `secret` only if the API gave one. */
export interface CreatedWebhook {
  readonly webhook: RegisteredWebhook;
  readonly secret: string | null;
}

export interface OptimizelyApi {
  /** Every webhook of the project, all pages. */
  list(projectId: string): Promise<RegisteredWebhook[]>;
  create(projectId: string, wanted: WantedWebhook): Promise<CreatedWebhook>;
  update(webhookId: string, wanted: WantedWebhook): Promise<RegisteredWebhook>;
  remove(webhookId: string): Promise<void>;
}

/**
 * Every method throws FanoutError: REMOTE_REFUSED (token, permission, unknown project), REMOTE_UNAVAILABLE.
 * @param onWait told when a rate limit makes it wait
 * @throws FanoutError CONFIG_INVALID without a token
 */
export function createOptimizelyApi(shell: Shell, onWait: (line: string) => void): OptimizelyApi {
  const token = variable(shell, 'OPTIMIZELY_API_TOKEN');
  if (token === undefined) throw tokenMissing();
  const base = baseOf(variable(shell, 'OPTIMIZELY_API_URL') ?? API_URL);

  const call = async (method: string, url: URL, wanted?: WantedWebhook): Promise<Answer> => {
    const answer = await ask(shell, {
      method,
      url,
      onWait,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(wanted === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(wanted === undefined ? {} : { body: JSON.stringify(wanted) }),
    });
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw refused(method, url, answer, token);
  };
  const at = (path: string) => new URL(`${base}${path}`);
  const ofProject = (projectId: string) => at(`/projects/${encodeURIComponent(projectId)}/webhooks`);
  const one = (webhookId: string) => at(`/webhooks/${encodeURIComponent(webhookId)}`);

  return {
    list: async (projectId) => {
      const found: RegisteredWebhook[] = [];
      let url: URL | null = ofProject(projectId);
      url.searchParams.set('per_page', String(PER_PAGE));
      for (let page = 0; url !== null && page < PAGES_MAX; page += 1) {
        const answer: Answer = await call('GET', url);
        const entries = parse(answer, url);
        if (!Array.isArray(entries)) throw unreadable(url);
        found.push(...entries.map((entry) => webhookOf(entry, url as URL)));
        url = nextPage(answer.headers.get('link'), url);
      }
      return found;
    },
    create: async (projectId, wanted) => {
      const url = ofProject(projectId);
      const answer = parse(await call('POST', url, wanted), url);
      const { secret } = answer as { secret?: unknown };
      return { webhook: webhookOf(answer, url), secret: typeof secret === 'string' ? secret : null };
    },
    update: async (webhookId, wanted) => {
      const url = one(webhookId);
      return webhookOf(parse(await call('PATCH', url, wanted), url), url);
    },
    remove: async (webhookId) => {
      await call('DELETE', one(webhookId));
    },
  };
}

const NEXT_PATTERN = /<([^>]+)>\s*;[^,]*\brel="?next"?/;

/** Only on the same host: the token goes nowhere else, even if a header says so. */
function nextPage(link: string | null, from: URL): URL | null {
  const target = NEXT_PATTERN.exec(link ?? '')?.[1];
  if (target === undefined) return null;
  const next = new URL(target, from);
  if (next.origin === from.origin) return next;
  throw nextPageElsewhere(from, next);
}

function webhookOf(entry: unknown, url: URL): RegisteredWebhook {
  const {
    id,
    name,
    description,
    url: target,
    events,
    active,
    last_modified,
  } = (entry ?? {}) as Record<string, unknown>;
  if ((typeof id !== 'string' && typeof id !== 'number') || typeof target !== 'string') throw unreadable(url);
  return {
    id: String(id),
    name: text(name),
    description: text(description),
    url: target,
    events: Array.isArray(events) ? events.filter((event) => typeof event === 'string') : [],
    // Absent says nothing against it.
    active: active !== false,
    lastModified: text(last_modified),
  };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function parse(answer: Answer, url: URL): unknown {
  try {
    return JSON.parse(answer.text);
  } catch (cause) {
    throw unreadable(url, cause);
  }
}

/** The address of the API without a slash at its end. */
function baseOf(address: string): string {
  if (isSafeAddress(address)) return address.replace(/\/+$/, '');
  throw addressUnsafe();
}
