// The built agent as its container runs it: a user without rights, and nothing to write to but its cache folder. It starts,
// serves, saves, and serves again from what it saved; and without a folder that can be written it serves all the same.

import { readdir } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import type { HealthReport } from '../../agent/datafiles/health/status.ts';
import { datafileBody, KEY } from '../agent/support/fakes.ts';
import { TestCdn } from '../agent/support/http.ts';
import { eventually } from '../support/eventually.ts';
import { readOnly, whyNotReadOnly } from '../support/read-only.ts';
import { spawnAgent } from '../support/spawn-agent.ts';
import { tempDir } from '../support/temp-dir.ts';

it('needs no more than its cache folder', async () => {
  const dir = await tempDir();
  const why = whyNotReadOnly(dir);
  if (why !== null) return console.warn(`not shown here: mount namespaces are not to be had (${why.trim()})`);
  const cdn = await new TestCdn().start();
  cdn.bodies.set(KEY, datafileBody(7));
  let isOpen = true;
  onTestFinished(async () => void (isOpen && (await cdn.close())));
  const start = (folder: string, workers = '1') =>
    spawnAgent(
      {
        // A bucket would be asked first.
        ...{
          OPTIMIZELY_SDKKEYS: KEY,
          AGENT_WORKERS: workers,
          FANOUT_CACHE_DIR: folder,
          FANOUT_BUCKET: '',
          FANOUT_S3_ENDPOINT: '',
        },
        ...{
          OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template,
          HOME: '/nonexistent',
          TMPDIR: '/nonexistent',
        },
      },
      (command, args) => readOnly(dir, command, args),
    );
  const serves = (agent: Awaited<ReturnType<typeof start>>) =>
    eventually('it serves', async () => (await agent.decide('u')).headers.get('x-datafile-revision') === '7');

  const first = await start(dir, '2');
  await serves(first);
  await eventually('it has saved', async () =>
    (await readdir(dir)).some((name) => name.endsWith('.datafile')),
  );
  await first.stop();
  expect(first.lines.join('\n')).not.toMatch(/EROFS|EACCES|cache\.failed|EVENTS_NOT_KEPT/);

  const closed = await tempDir();
  const without = await start(closed);
  await serves(without);
  const health = async () => (await (await fetch(`${without.api}/health`)).json()) as HealthReport;
  await eventually('it says so', async () => (await health()).cache?.state === 'failing');
  expect(await health()).toMatchObject({ status: 'degraded', cache: { state: 'failing' } });
  await without.stop();

  await cdn.close();
  isOpen = false;
  const again = await start(dir);
  await serves(again);
  expect(again.lines.join('\n')).toContain('"source":"disk"');
});
