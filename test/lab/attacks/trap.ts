// Servers of the attacker: one that only counts who calls, and one between the system and its CDN that answers as it likes.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const CREDENTIALS = ['authorization', 'cookie', 'x-optimizely-sdk-key'] as const;

export interface Trap {
  readonly url: string;
  /** Requests so far. */
  readonly calls: () => number;
  /** Names of request headers that it should never have been sent. */
  readonly credentials: () => readonly string[];
  close(): Promise<void>;
}

export async function startTrap(): Promise<Trap> {
  let calls = 0;
  const credentials = new Set<string>();
  const server = createServer(({ headers }, response) => {
    calls++;
    for (const name of CREDENTIALS) if (headers[name] !== undefined) credentials.add(name);
    response.end('{}');
  });
  return {
    url: await listen(server),
    calls: () => calls,
    credentials: () => [...credentials],
    close: () => close(server),
  };
}

/** Answers a request for a datafile; false passes it on to the CDN. */
export type Mood = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Stands before the CDN, and passes on what it has no mood for. */
export class EvilCdn {
  mood: Mood | null = null;
  upstream = '';
  readonly #server: Server;
  #url = '';

  constructor() {
    this.#server = createServer((request, response) => {
      if (this.mood?.(request, response) === true) return;
      // A client that leaves, or a CDN that is away, is not this server's business.
      this.#pass(request, response).catch(() => response.destroy());
    });
  }

  get url(): string {
    return this.#url;
  }

  async start(): Promise<void> {
    this.#url = await listen(this.#server);
  }

  close(): Promise<void> {
    return close(this.#server);
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const names = ['if-none-match', 'if-modified-since', 'authorization'] as const;
    const headers = names.flatMap((name) => {
      const value = request.headers[name];
      return value === undefined ? [] : ([[name, value]] as [string, string][]);
    });
    const answer = await fetch(`${this.upstream}${request.url}`, { headers });
    const body = Buffer.from(await answer.arrayBuffer());
    const kept = ['etag', 'last-modified', 'content-type'].flatMap((name) => {
      const value = answer.headers.get(name);
      return value === null ? [] : ([[name, value]] as const);
    });
    response.writeHead(answer.status, Object.fromEntries(kept));
    response.end(body);
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
