// One wrong answer of the CDN, or one object in the bucket, that must not hold up what comes after it: each has a way out, which
// happens by itself or is named to the operator.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { manifestKey } from '../../../../core/record/names.ts';
import { ROOT_DIR } from '../../../../infra/build.ts';
import { type DatafileJson, datafileBytes } from '../../../../infra/local/optimizely/datafile.ts';
import { sendWebhook } from '../../../../infra/local/stack/client.ts';
import { type Attack, require, requireStatus } from '../attack.ts';
import { busEnv } from '../bus/bus-users.ts';
import type { Target } from '../target.ts';
import type { Mood } from '../trap.ts';

const attack = (name: string, tries: string, expects: string, run: Attack['run']): Attack => ({
  ...{ area: 'CDN', name, tries, expects, run, needsOwnStack: true },
});

const HOUR_MS = 3_600_000;
const POISONED_REVISION = 999_999_999_999_999;
const CONTROLS = /[\p{Cc}\p{Bidi_Control}]/u;
/** A title, a cleared screen, a colour by the one-byte introducer, a line of one's own, text written backwards. */
const ESCAPES = '\u001b]0;owned\u0007\u001b[2J\u009b31m\r\nFORGED\u202e';

/** The status of a webhook for this datafile, while the CDN gives every question this answer. */
async function announced(target: Target, datafile: DatafileJson, mood: Mood): Promise<number> {
  const { cdn } = target.own;
  cdn.mood = mood;
  try {
    const response = await sendWebhook(target.addresses, datafile);
    await response.arrayBuffer();
    return response.status;
  } finally {
    cdn.mood = null;
  }
}

const serving =
  (body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}): Mood =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end(body);
    return true;
  };

/** Refused for good, or awaited; not taken either way. */
const notTaken = (name: string, tries: string, body: (target: Target) => string | Uint8Array): Attack =>
  attack(name, tries, 'not taken; the next change is', (target) =>
    target.withoutMove(name, async () => {
      const status = await announced(target, target.next(), serving(body(target)));
      requireStatus('the webhook', status, 202, 422);
    }),
  );

/** With something more in it. */
const more = (target: Target, change: Record<string, unknown>): string =>
  JSON.stringify({ ...target.next(), ...change });

/** So much that the CDN cannot be late any more. */
async function anHourLater({ bucket, sdkKey }: Target): Promise<void> {
  const manifest = JSON.parse((await bucket.get(manifestKey(sdkKey))).toString()) as {
    publishedAtMs: number;
  };
  const earlier = { ...manifest, publishedAtMs: manifest.publishedAtMs - HOUR_MS };
  await bucket.put(manifestKey(sdkKey), Buffer.from(JSON.stringify(earlier)));
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** `fanout` as the operator runs it. */
function fanout(target: Target, args: readonly string[]): Promise<Ended> {
  const { stack } = target.own;
  const { addresses, urls } = stack;
  const projects = [
    {
      projectId: addresses.projectId,
      secrets: [addresses.webhookSecret],
      datafiles: [{ sdkKey: addresses.sdkKey, environment: 'Production' }],
    },
  ];
  const child = spawn(process.execPath, [join(ROOT_DIR, 'infra/cli/main.ts'), ...args], {
    env: {
      ...{ PATH: process.env.PATH, AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
      ...{ AWS_REGION: 'us-east-1', FANOUT_BUCKET: addresses.s3.bucket, FANOUT_S3_ENDPOINT: urls.s3 },
      ...{ FANOUT_NATS_URL: urls.natsWs, FANOUT_PROJECTS: JSON.stringify(projects) },
      ...{ FANOUT_TOPIC_ARN: 'none', FANOUT_CDN_URL_TEMPLATE: `${urls.cdn}/datafiles/%s.json` },
      ...busEnv('publisher'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

export const POISON: readonly Attack[] = [
  attack(
    'a byte order mark',
    'the next datafile behind EF BB BF',
    'publisher and agents judge alike: taken by all',
    (target) => {
      const next = target.next();
      return target.change(next, Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), datafileBytes(next)]));
    },
  ),
  ...[undefined, null, 7, ''].map((sdkKey) =>
    notTaken(
      `another environment's datafile, SDK key ${sdkKey === '' ? 'empty' : String(sdkKey)}`,
      'of the same project, as staging',
      (target) => more(target, { environmentKey: 'staging', sdkKey }),
    ),
  ),
  attack(
    'an audience that asks for hasOwnProperty',
    'attributes named like what every object has, in an audience of every flag',
    'agents take it, and what follows',
    async (target) => {
      const names = ['hasOwnProperty', 'constructor', 'toString', '__proto__', 'valueOf', 'isPrototypeOf'];
      const next = target.next();
      const leaf = (name: string) => ({ type: 'custom_attribute', name, match: 'exact', value: 'x' });
      const conditions = ['or', ...names.map(leaf)];
      const id = '39990001';
      const { attributes, typedAudiences } = next as unknown as Record<string, object[]>;
      const audience = { id, name: 'odd', conditions };
      const odd = {
        ...next,
        attributes: [...(attributes ?? []), ...names.map((key, i) => ({ id: `3999100${i}`, key }))],
        typedAudiences: [...(typedAudiences ?? []), audience],
        experiments: next.experiments.map((it) => ({
          ...it,
          audienceIds: [id],
          audienceConditions: ['or', id],
        })),
      };
      await target.change(odd as DatafileJson);
    },
  ),
  attack(
    'validators that are none',
    '`ETag: *`, a date in 2199, and the same revision once more with another body',
    'not sent back; the other body is taken',
    async (target) => {
      const next = target.next();
      const sent: string[] = [];
      const mood: Mood = ({ headers }, response) => {
        sent.push(String(headers['if-none-match'] ?? ''), String(headers['if-modified-since'] ?? ''));
        const lies = { etag: '*', 'last-modified': 'Fri, 01 Jan 2199 00:00:00 GMT' };
        return serving(datafileBytes(next), lies)({} as never, response);
      };
      requireStatus('the webhook', await announced(target, next, mood), 204);
      await announced(target, { ...next, revision: String(Number(next.revision) + 1) }, mood);
      require(!sent.some(
        (text) => text === '*' || text.includes('2199'),
      ), 'what is no validator was sent back');
      await target.change({ ...next, more: 'made again' });
    },
  ),
  attack(
    'a revision that ends all changes',
    `${POISONED_REVISION}, once, in a datafile that is right otherwise`,
    'doctor names the record that is ahead, and the commands that heal it',
    async (target) => {
      const key = target.sdkKey;
      const before = target.revision;
      const poisoned = { ...target.next(), revision: String(POISONED_REVISION) };
      requireStatus('the webhook', await announced(target, poisoned, serving(datafileBytes(poisoned))), 204);
      await anHourLater(target);
      const { output } = await fanout(target, ['doctor']);
      require(output.includes(
        `fanout datafile rollback ${key} ${before}`,
      ), `doctor names no way out: ${output}`);
      const rolled = await fanout(target, [
        'datafile',
        'rollback',
        key,
        String(before),
        '--reason',
        'poisoned',
      ]);
      require(rolled.code === 0, `rollback: ${rolled.output}`);
      const unpinned = await fanout(target, ['datafile', 'unpin', key]);
      require(unpinned.code === 0, `unpin: ${unpinned.output}`);
    },
  ),
  attack(
    'escapes for terminals',
    'names of flags, variations and audiences with escape sequences, bells and line ends',
    'the command line prints no control character',
    async (target) => {
      const next = target.next();
      const odd = {
        ...next,
        experiments: next.experiments.map((it) => ({ ...it, layerId: `l${ESCAPES}` })),
        attributes: [{ id: '39992000', key: `a${ESCAPES}` }],
        audiences: [{ id: '39992001', name: `n${ESCAPES}`, conditions: '["or"]' }],
        typedAudiences: [],
      };
      const { revision } = target;
      await target.change(odd as DatafileJson);
      for (const args of [
        ['datafile', 'show', target.sdkKey],
        ['datafile', 'history', target.sdkKey],
        ['datafile', 'diff', target.sdkKey, String(revision), String(odd.revision)],
      ]) {
        const { output } = await fanout(target, args);
        const lines = output.split('\n');
        require(!lines.some(
          (line) => CONTROLS.test(line) || line.startsWith('FORGED'),
        ), `${args.slice(0, 2).join(' ')} prints control characters`);
      }
    },
  ),
  {
    ...attack(
      'a seq after which none comes',
      'the manifest of the bucket at seq 2^53-1',
      'the next change begins a new lineage',
      async (target) => {
        const key = manifestKey(target.sdkKey);
        const text = (await target.bucket.get(key)).toString();
        const manifest = JSON.parse(text) as { seq: number };
        await target.bucket.put(
          key,
          Buffer.from(JSON.stringify({ ...manifest, seq: Number.MAX_SAFE_INTEGER })),
        );
        await target.goodChange();
      },
    ),
    area: 'record',
  },
];
