// A stand-in for the webhook half of Optimizely's REST API v2: bearer token, pages with a `Link` header, 201 for a creation
// and 204 for a removal, and a rate limit when a test asks for one.

import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  answer,
  answerJson,
  type HttpServer,
  pathOf,
  queryOf,
  readBody,
  serveHttp,
} from '../../../../infra/local/tools/http.ts';

export const TOKEN = '2:never-shown-token';
const PAGE_SIZE = 2;
const BODY_BYTES_MAX = 64 * 1024;

interface Webhook {
  readonly id: string;
  readonly project_id: number;
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly active: boolean;
}

export class Optimizely {
  readonly webhooks: Webhook[] = [];
  /** Every request as `METHOD /path`. */
  readonly asked: string[] = [];
  readonly bodies: unknown[] = [];
  /** How many requests are yet answered 429, and with which `Retry-After`. */
  limited = 0;
  retryAfter: string | null = '0';
  /** Answers everything so, when it is set. */
  failing: number | null = null;
  /** Host of the next page's link, in place of its own. */
  nextPageOrigin: string | null = null;
  /** Given with a creation, as the documented API does not. */
  secret: string | null = null;
  readonly #projectId: string;
  #server: HttpServer | null = null;

  /** @param projectId the only project that it knows */
  constructor(projectId = '42') {
    this.#projectId = projectId;
  }

  async start(): Promise<this> {
    this.#server = await serveHttp((request, response) => this.#handle(request, response), 0);
    return this;
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  async stop(): Promise<void> {
    await this.#server?.close();
  }

  add(more: Partial<Webhook> & { readonly url: string }): Webhook {
    const id = String(1000 + this.webhooks.length);
    const webhook = {
      ...{ id, project_id: Number(this.#projectId), name: 'a webhook', description: '', active: true },
      ...{ events: ['project.datafile_updated'] },
      ...more,
    };
    this.webhooks.push(webhook);
    return webhook;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '' } = request;
    const path = pathOf(request);
    this.asked.push(`${method} ${path}`);
    const body = await readBody(request, BODY_BYTES_MAX);
    if (this.failing !== null) answerJson(response, this.failing, { message: 'out of order' });
    else if (this.limited > 0) {
      this.limited -= 1;
      answer(response, 429, this.retryAfter === null ? {} : { 'retry-after': this.retryAfter });
    } else if (request.headers.authorization !== `Bearer ${TOKEN}`)
      // Careless servers repeat what they were sent.
      answerJson(response, 401, { message: `Invalid token ${request.headers.authorization}` });
    else if (method === 'GET') this.#list(path, queryOf(request), response);
    else if (method === 'DELETE') this.#remove(path, response);
    else {
      this.bodies.push(JSON.parse(body.toString()));
      this.#write(method, path, this.bodies.at(-1) as Webhook, response);
    }
  }

  #list(path: string, query: URLSearchParams, response: ServerResponse): void {
    if (path !== `/projects/${this.#projectId}/webhooks`) {
      answerJson(response, 404, { message: 'no such project' });
      return;
    }
    const from = Number(query.get('page_token') ?? 0);
    const page = this.webhooks.slice(from, from + PAGE_SIZE);
    const next = from + PAGE_SIZE;
    const url = `${this.nextPageOrigin ?? this.url}${path}?per_page=${PAGE_SIZE}&page_token=${next}`;
    const link =
      next < this.webhooks.length ? { link: `<${url}>; rel="next", <${this.url}${path}>; rel="first"` } : {};
    answer(response, 200, { 'content-type': 'application/json', ...link }, JSON.stringify(page));
  }

  #write(method: string, path: string, wanted: Webhook, response: ServerResponse): void {
    if (method === 'POST') {
      const created = this.add(wanted);
      answerJson(response, 201, this.secret === null ? created : { ...created, secret: this.secret });
      return;
    }
    const at = this.#indexOf(path);
    const changed = { ...this.webhooks[at], ...wanted };
    if (at === -1) answerJson(response, 404, { message: 'no such webhook' });
    else {
      this.webhooks[at] = changed;
      answerJson(response, 200, changed);
    }
  }

  #remove(path: string, response: ServerResponse): void {
    const at = this.#indexOf(path);
    if (at === -1) answerJson(response, 404, { message: 'no such webhook' });
    else {
      this.webhooks.splice(at, 1);
      answer(response, 204);
    }
  }

  #indexOf(path: string): number {
    return this.webhooks.findIndex(({ id }) => path === `/webhooks/${id}`);
  }
}
