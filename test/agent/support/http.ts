// A CDN, and other HTTP servers, whose answers a test controls.

import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface TestHttp {
  readonly url: string;
  readonly port: number;
  readonly seen: SeenRequest[];
  close(): Promise<void>;
}

export interface TestAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
}

export async function startHttp(respond: (request: SeenRequest) => TestAnswer): Promise<TestHttp> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
      seen.push(one);
      const answer = respond(one);
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, port, seen, close };
}

/** A CDN of the bodies that are put into it: ETag, Last-Modified, 304, 403 for what it does not have. */
export class TestCdn {
  readonly bodies = new Map<string, Buffer>();
  /** Instead of an answer. */
  failStatus: number | null = null;
  #http: TestHttp | null = null;

  async start(): Promise<this> {
    this.#http = await startHttp(({ url, headers }) => {
      if (this.failStatus !== null) return { status: this.failStatus };
      const sdkKey = decodeURIComponent(/([^/]+)\.json$/.exec(url)?.[1] ?? '');
      const body = this.bodies.get(sdkKey);
      if (body === undefined) return { status: 403 };
      const etag = `"${body.byteLength}-${JSON.parse(body.toString()).revision}"`;
      if (headers['if-none-match'] === etag) return { status: 304 };
      return { status: 200, headers: { etag, 'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT' }, body };
    });
    return this;
  }

  get template(): string {
    return `${this.#http?.url}/datafiles/%s.json`;
  }

  get seen(): SeenRequest[] {
    return this.#http?.seen ?? [];
  }

  async close(): Promise<void> {
    await this.#http?.close();
  }
}
