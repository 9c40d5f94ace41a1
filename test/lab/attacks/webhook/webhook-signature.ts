// Only a sender with the secret can say that a datafile has changed, and no webhook counts twice.

import { WEBHOOK_BODY_BYTES_MAX } from '../../../../core/webhook.ts';
import { putDatafile } from '../../../../infra/local/stack/client.ts';
import { type Attack, require, requireRefused, requireStatus } from '../attack.ts';
import { OTHER_KEY } from '../stage.ts';
import { bodyOf, payload, post, sign } from './webhook-post.ts';

const REPLAYS = 40;

const attack = (name: string, tries: string, expects: string, run: Attack['run']): Attack => ({
  ...{ area: 'webhook', name, tries, expects, run },
});

export const WEBHOOK_SIGNATURE: readonly Attack[] = [
  attack('forged signature', 'a webhook signed with a guessed secret', '401, nothing moves', (target) =>
    target.withoutMove('a forged webhook', async () => {
      // Something to be had: the CDN has a newer datafile.
      await putDatafile(target.addresses, target.next());
      const body = payload(target, ({ data }) => {
        data.revision = target.revision + 1;
      });
      for (const signature of [sign(target, 'another body'), `sha1=${'0'.repeat(40)}`])
        requireStatus('a forged webhook', await post(target, body, { signature }), 401);
      await putDatafile(target.addresses, target.good);
    }),
  ),
  attack(
    'no signature',
    'a webhook without X-Hub-Signature, and with an empty one',
    '401',
    async (target) => {
      for (const signature of [null, '', ' ', 'sha1='])
        requireStatus('an unsigned webhook', await post(target, bodyOf(target), { signature }), 401);
    },
  ),
  attack(
    'signature in another dress',
    'the right digest as another algorithm, in capitals, cut, doubled, with text around it',
    '401',
    async (target) => {
      const body = bodyOf(target);
      const right = sign(target, body);
      const hex = right.slice('sha1='.length);
      const dresses = [
        ...[hex, `sha256=${hex}`, `sha1=${hex.toUpperCase()}`, `sha1=${hex.slice(0, 39)}`, `sha1=${hex}00`],
        ...[`sha1=${hex},sha1=${hex}`, `SHA1=${hex}`, `sha1=${hex};q=1`, `x${right}`],
      ];
      for (const signature of dresses)
        requireStatus(`signature ${signature.slice(0, 12)}…`, await post(target, body, { signature }), 401);
    },
  ),
  attack('two signatures', 'a forged and the right X-Hub-Signature in one request', '401', async (target) => {
    const body = bodyOf(target);
    const signature = [`sha1=${'1'.repeat(40)}`, sign(target, body)];
    requireStatus('two signatures', await post(target, body, { signature }), 401);
  }),
  attack('body changed after signing', 'one byte more, one less, another revision', '401', async (target) => {
    const body = bodyOf(target);
    const signature = sign(target, body);
    const changed = [`${body} `, body.slice(0, -1), body.replace(/"revision": \d+/, '"revision": 99999')];
    for (const other of changed)
      requireStatus('a changed body', await post(target, other, { signature }), 401);
  }),
  attack(
    'replay, all at once',
    `the last good webhook ${REPLAYS} times`,
    '204 each, and no seq more',
    (target) =>
      target.withoutMove('a replay', async () => {
        const body = bodyOf(target);
        const statuses = await Promise.all(Array.from({ length: REPLAYS }, () => post(target, body)));
        for (const status of statuses) requireStatus('a replay', status, 204);
      }),
  ),
  attack('replay of an old revision', 'a signed webhook of revision 1', '204, nothing moves', (target) =>
    target.withoutMove('an old webhook', async () => {
      const body = payload(target, (it) => {
        it.data.revision = 1;
        it.timestamp = 1_500_000_000;
      });
      requireStatus('an old webhook', await post(target, body), 204);
    }),
  ),
  attack(
    "another project's datafile",
    'a signed webhook whose URL names an SDK key that is not of this project',
    'no look at the other, 204',
    async (target) => {
      const before = target.isOwn ? await target.cdnFetches() : 0;
      const body = payload(target, ({ data }) => {
        data.cdn_url = `${target.addresses.cdn}/datafiles/${OTHER_KEY}.json`;
        data.environment = 'Elsewhere';
      });
      requireStatus('a webhook for another project', await post(target, body), 204);
      if (target.isOwn)
        require((await target.cdnFetches()) === before, 'the datafile of another project was fetched');
    },
  ),
  attack(
    'unknown project',
    'webhooks in the name of a project that is not ours, signed and not',
    '204 or 401, nothing is fetched',
    async (target) => {
      const before = await target.cdnFetches();
      for (const project_id of [404, '404', 1e15]) {
        const body = payload(target, (it) => {
          it.project_id = project_id;
        });
        requireStatus('a foreign webhook', await post(target, body), 204, 401);
        requireStatus('a foreign webhook', await post(target, body, { signature: null }), 204, 401);
      }
      require((await target.cdnFetches()) === before, 'something was fetched for a foreign project');
    },
  ),
  attack(
    'too large',
    'one byte over the limit, and 5 MB, with a length and in pieces',
    '413',
    async (target) => {
      const body = bodyOf(target);
      const over = body + ' '.repeat(WEBHOOK_BODY_BYTES_MAX + 1 - body.length);
      for (const chunked of [false, true])
        requireStatus('64 KiB and a byte', await post(target, over, { chunked }), 413);
      // Closed in the middle is refused as well.
      requireStatus('5 MB', await post(target, over + ' '.repeat(5_000_000), { chunked: true }), 413, 0);
      requireStatus('64 KiB', await post(target, over.slice(0, -1)), 204);
    },
  ),
  attack('other paths', 'the path with dots, slashes and encodings around it', '4xx', async (target) => {
    const usual = new URL(target.addresses.webhook).pathname;
    const paths = [
      ...[`${usual}/`, `/${usual}`, `${usual}/../x`, `${usual}%00`, `${usual}%2f`, '/', '/%2e%2e/etc/passwd'],
      ...[usual.toUpperCase(), `${usual};x`, `/x${usual}`, '/webhooks', `${usual}%zz`, '/\\..\\'],
    ];
    for (const path of paths) requireRefused(path, await post(target, bodyOf(target), { path }));
  }),
  attack('other methods', 'GET, PUT, DELETE, PATCH, OPTIONS, HEAD', '405', async (target) => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])
      requireStatus(method, await post(target, bodyOf(target), { method }), 405);
  }),
];
