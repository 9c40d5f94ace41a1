// The machine's own Chromium, and pages in it whose origin is not the agent's. Tests in it are skipped, with the reason, where
// there is none: nothing is downloaded for them.

import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

/** Where distributions put it. */
const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const ARGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

const executablePath = EXECUTABLES.find((path) => existsSync(path));

/** Why there is no browser for tests; null where there is one. */
export const noBrowser: string | null =
  executablePath === undefined ? `no Chromium at ${EXECUTABLES.join(', ')}` : null;

export async function openBrowser(): Promise<Browser> {
  if (executablePath === undefined) throw new Error(`${noBrowser}`);
  return chromium.launch({ executablePath, headless: true, args: ARGS });
}

export interface TestPage {
  readonly page: Page;
  /** What the page's console calls an error, refusals of CORS among it. */
  readonly errors: readonly string[];
  /** Statuses of the answers so far from addresses with this path in them. */
  statuses(path: string): readonly number[];
}

/** A page of an origin of its own that runs a script. @param script path of its source, with what it imports */
export async function openPage(browser: Browser, script: string): Promise<TestPage> {
  const bundle = await build({
    ...{ entryPoints: [script], bundle: true, write: false, format: 'iife', platform: 'browser' },
    logLevel: 'silent',
  });
  const code = bundle.outputFiles[0]?.text ?? '';
  const server = createServer(({ url }, response) => {
    const isScript = url === '/page.js';
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
    response.end(
      isScript ? code : '<!doctype html><link rel="icon" href="data:,"><script src="/page.js"></script>',
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const page = await browser.newPage();
  onTestFinished(async () => {
    await page.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const errors: string[] = [];
  const answers: { url: string; status: number }[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('response', (response) => answers.push({ url: response.url(), status: response.status() }));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const statuses = (path: string) =>
    answers.filter(({ url }) => url.includes(path)).map(({ status }) => status);
  return { page, errors, statuses };
}
