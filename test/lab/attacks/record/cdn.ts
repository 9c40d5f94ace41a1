// The CDN in the hands of an attacker, while webhooks come: only a datafile of this key and project gets into the record, the
// webhook is queued, and the change is published once the CDN is sound again.

import type { ServerResponse } from 'node:http';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { type DatafileJson, generateDatafile } from '../../../../infra/local/optimizely/datafile.ts';
import { sendWebhook } from '../../../../infra/local/stack/client.ts';
import { type Attack, require } from '../attack.ts';
import { OTHER_KEY } from '../stage.ts';
import type { Target } from '../target.ts';
import { startTrap } from '../trap.ts';

type Answers = (response: ServerResponse, target: Target) => void;

const BOMB_BYTES = 256 * 1024 * 1024;

/** A webhook for the next revision while the CDN answers every question like this. */
const attack = (name: string, tries: string, answers: Answers): Attack => ({
  ...{
    area: 'CDN',
    name,
    tries,
    expects: 'the webhook is queued, or refused where waiting cannot help; the record does not move',
    needsOwnStack: true,
  },
  run: (target) => withAnswers(target, name, answers),
});

function withAnswers(target: Target, name: string, answers: Answers): Promise<void> {
  return target.withoutMove(name, async () => {
    const { cdn } = target.own;
    cdn.mood = (_, response) => {
      answers(response, target);
      return true;
    };
    try {
      const response = await sendWebhook(target.addresses, target.next());
      await response.arrayBuffer();
      require([202, 422].includes(response.status), `the webhook was answered ${response.status}`);
      await target.requireServed();
    } finally {
      cdn.mood = null;
    }
  });
}

const json = (response: ServerResponse, datafile: unknown, headers: Record<string, string> = {}) => {
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.end(typeof datafile === 'string' ? datafile : JSON.stringify(datafile));
};

/** The next datafile with something wrong in it. */
const wrong = (name: string, tries: string, change: (datafile: DatafileJson) => unknown): Attack =>
  attack(name, tries, (response, target) => json(response, change(target.next())));

function pour(response: ServerResponse): void {
  const chunk = Buffer.alloc(256 * 1024, 0x20);
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
}

export const CDN: readonly Attack[] = [
  attack('a web page', 'HTML with 200', (response) =>
    json(response, '<!doctype html>', { 'content-type': 'text/html' }),
  ),
  attack('nothing', '204, and 200 without a byte', (response) => {
    response.writeHead(204);
    response.end();
  }),
  attack('an empty body', '200 with no byte', (response) => json(response, '')),
  attack('errors', '503 to every question', (response) => {
    response.writeHead(503);
    response.end('{"secret":"of the CDN"}');
  }),
  attack('a cut body', 'half of a datafile, and the connection closed', (response, target) => {
    const body = JSON.stringify(target.next());
    response.writeHead(200, { 'content-length': body.length });
    response.write(body.slice(0, body.length / 2));
    setTimeout(() => response.destroy(), 20);
  }),
  attack('a slow drip', 'a byte now and then', (response, target) => {
    const body = JSON.stringify(target.next());
    response.writeHead(200);
    let at = 0;
    const timer = setInterval(() => response.write(body.charAt(at++)), 100);
    response.on('close', () => clearInterval(timer));
  }),
  attack('an endless body', 'spaces for ever', (response) => {
    response.writeHead(200);
    pour(response);
  }),
  attack('a gzip bomb', '256 MB in a megabyte', (response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' });
    response.end(gzipBomb());
  }),
  attack('a brotli bomb', '256 MB in some hundred bytes', (response) => {
    response.writeHead(200, { 'content-encoding': 'br', 'content-type': 'application/json' });
    response.end(brotliBomb());
  }),
  wrong("another key's datafile", 'a whole datafile of another SDK key', (datafile) => ({
    ...datafile,
    sdkKey: OTHER_KEY,
  })),
  wrong("another project's datafile", 'a whole datafile of another project', () =>
    generateDatafile({ flags: 1, projectId: '1', revision: 999_999 }),
  ),
  wrong('a revision that is none', 'a text, a fraction, 10^20', (datafile) => ({
    ...datafile,
    revision: '1e20',
  })),
  wrong('another format', 'version 5', (datafile) => ({ ...datafile, version: '5' })),
  wrong('what no SDK loads', 'lists that are none', (datafile) => ({
    ...datafile,
    experiments: 7,
    featureFlags: 'x',
    rollouts: null,
  })),
  wrong('deep nesting', 'conditions nested 100,000 deep', (datafile) =>
    JSON.stringify({ ...datafile, deep: 'HERE' }).replace(
      '"HERE"',
      `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    ),
  ),
  wrong(
    'prototype keys without a datafile',
    '__proto__ that claims to be one',
    (datafile) => `{"__proto__":${JSON.stringify(datafile)}}`,
  ),
  {
    ...attack('a redirect', '307 to a server of the attacker, which answers with something else', () => {}),
    expects: 'followed as a client without credentials; what it leads to is judged as any datafile',
    run: async (target) => {
      const trap = await startTrap();
      try {
        await withAnswers(target, 'a redirect', (response) => {
          response.writeHead(307, { location: `${trap.url}/datafiles/x.json` });
          response.end();
        });
        require(trap.credentials().length === 0, `the redirect took along ${trap.credentials().join(', ')}`);
      } finally {
        await trap.close();
      }
    },
  },
];

let madeGzip: Buffer | undefined;
const gzipBomb = (): Buffer => {
  madeGzip ??= gzipSync(Buffer.alloc(BOMB_BYTES, 0x20), { level: 1 });
  return madeGzip;
};

let madeBrotli: Buffer | undefined;
const brotliBomb = (): Buffer => {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
  madeBrotli ??= brotliCompressSync(Buffer.alloc(BOMB_BYTES, 0x20), quality);
  return madeBrotli;
};
