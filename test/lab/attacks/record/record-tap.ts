// Stands between an agent and the record, and counts how often it looks at the manifest of each key.

import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SdkKey } from '../../../../core/ids.ts';
import { manifestKey } from '../../../../core/record/names.ts';

export class RecordTap {
  readonly #looks = new Map<string, number>();
  readonly #server = createServer((incoming, response) => {
    const path = (incoming.url ?? '').split('?')[0] ?? '';
    this.#looks.set(path, (this.#looks.get(path) ?? 0) + 1);
    const { method, headers, url } = incoming;
    const passed = request(new URL(url ?? '/', this.upstream), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    // A record that is away is so for the agent too.
    passed.on('error', () => response.destroy());
    incoming.pipe(passed);
  });
  upstream = '';
  #url = '';

  get url(): string {
    return this.#url;
  }

  /** How often the agent has asked for this key's manifest. */
  looksAt(sdkKey: SdkKey): number {
    let sum = 0;
    for (const [path, count] of this.#looks) if (path.endsWith(manifestKey(sdkKey))) sum += count;
    return sum;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve()));
    this.#url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}
