// An agent whose settings, also those of a file, are the test's, and requests that may say anything in their headers.

import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { onTestFinished } from 'vitest';
import { createAgent } from '../../../agent/agent.ts';
import { type Environment, parseConfig } from '../../../agent/config/config.ts';
import type { Clock } from '../../../core/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { ANY_PORTS } from './agent.ts';
import { datafileBody, KEY, MemoryLog, realClock } from './fakes.ts';
import { TestCdn } from './http.ts';

export interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** PEM of the trusted authority; with it requests go over HTTPS. */
  readonly ca?: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json<T = Record<string, unknown>>(): T;
}

/** Unlike fetch(), sends the Host and Origin that it is given. */
export function ask(
  port: number,
  { path, method = 'GET', headers = {}, body, ca }: Asked,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, headers, agent: false as const };
    const request: ClientRequest =
      ca === undefined ? httpRequest(options) : httpsRequest({ ...options, ca, servername: 'localhost' });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const { statusCode: status = 0, headers: answered } = response;
        resolve({ status, headers: answered, text, json: () => JSON.parse(text) });
      });
    });
    request.end(body);
  });
}

export interface DoorOptions {
  readonly env?: Environment;
  /** What the file holds. */
  readonly file?: object;
  readonly files?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
}

/** Serves KEY from a CDN of its own. */
export async function startDoor({ env, file, files = {}, clock = realClock }: DoorOptions = {}) {
  const cdn = await new TestCdn().start();
  cdn.bodies.set(KEY, datafileBody(1));
  const log = new MemoryLog();
  const config = parseConfig(
    {
      OPTIMIZELY_SDKKEYS: KEY,
      OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template,
      OPTIMIZELY_CLIENT_EVENTURL: 'http://127.0.0.1:1/events',
      ...env,
    },
    (path) => files[path] ?? '',
    file === undefined ? null : { path: 'config.yaml', contents: file },
  );
  const agent = createAgent(
    { ...config, ...ANY_PORTS(config) },
    { clock, random: Math.random, monotonicMs: () => performance.now(), log },
  );
  const { apiPort, adminPort, webhookPort } = await agent.start();
  onTestFinished(async () => {
    await agent.stop();
    await cdn.close();
  });
  await eventually('the agent is ready', () => agent.status.ready());
  return {
    log,
    apiPort,
    adminPort,
    api: (asked: Asked) =>
      ask(apiPort, { ...asked, headers: { 'x-optimizely-sdk-key': KEY, ...asked.headers } }),
    admin: (asked: Asked) => ask(adminPort, asked),
    webhook: (asked: Asked) => ask(webhookPort, asked),
  };
}
