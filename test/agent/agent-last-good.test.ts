// The last good datafile is the fleet's and not a process's: an agent that starts with nothing under a head that every agent
// refuses serves what the others serve.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { newLineage } from '../../core/record/lineage.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import { eventually } from '../support/eventually.ts';
import { newKeys } from '../support/functions/signing.ts';
import { tempDir } from '../support/temp-dir.ts';
import { healthOf, serves, startAgent, type TestAgent } from './support/agent.ts';
import { datafileBody, datafileOf, KEY, MemoryRecord, refusedOf } from './support/fakes.ts';
import { startHttp } from './support/http.ts';

function recordUnder(head: (record: MemoryRecord) => Manifest): MemoryRecord {
  const record = new MemoryRecord();
  for (const revision of [1, 2]) record.publish(KEY, datafileBody(revision));
  head(record);
  return record;
}

const metricsOf = async ({ admin }: TestAgent) =>
  (await fetch(`${admin}/metrics`, { headers: { accept: 'text/plain' } })).text();
const keyOf = async (agent: TestAgent) => (await healthOf(agent)).datafiles[0];

it('an agent without a cache serves the newest good version, says so, and takes the next good one', async () => {
  const record = recordUnder((it) => it.publishAs(refusedOf(3)));
  const agent = await startAgent({ record });
  await serves(agent, 2, 2);
  expect((await agent.get('/v1/config')).status).toBe(200);
  expect((await fetch(`${agent.admin}/health/ready`)).status).toBe(200);
  const health = await healthOf(agent);
  expect(health.status).toBe('degraded');
  expect(health.datafiles[0]).toMatchObject({
    quarantined: { seq: 3, revision: 3 },
    lastGood: { headSeq: 3, headRevision: 3, since: expect.stringMatching(/^\d{4}-/) },
    datafile: { seq: 2, revision: 2, source: 's3', verifiedAt: null },
  });
  expect(health.datafiles[0]?.lastGood?.code).toMatch(/^DATAFILE_/);
  const refused = await metricsOf(agent);
  expect(refused).toContain(`fanout_agent_datafile_last_good{sdk_key="${KEY}"} 1`);
  expect(refused).toContain(`fanout_agent_quarantined{sdk_key="${KEY}"} 1`);
  expect(refused).toContain('fanout_agent_propagation_seconds_count 0');
  expect(agent.log.of('version.last-good')).toMatchObject([{ fields: { seq: 2, headSeq: 3 } }]);
  // The refused head, the one below it, and neither of them again.
  const bodies = record.reads.body;
  const looks = record.reads.manifest;
  await eventually('it has looked again', () => record.reads.manifest > looks + 2);
  expect(record.reads.body).toBe(bodies);
  expect(bodies).toBe(2);

  record.publish(KEY, datafileBody(4));
  await serves(agent, 4, 4);
  expect(await keyOf(agent)).not.toHaveProperty('lastGood');
  expect(await keyOf(agent)).not.toHaveProperty('quarantined');
  expect(await metricsOf(agent)).toContain(`fanout_agent_datafile_last_good{sdk_key="${KEY}"} 0`);
});

it('a head whose body is not in S3 leaves no agent with nothing, and serves once the body is back', async () => {
  const record = recordUnder((it) => it.publish(KEY, datafileBody(3)));
  const { bodyKey } = record.manifests.get(KEY) as Manifest;
  const body = record.bodies.get(bodyKey) as Uint8Array;
  record.bodies.delete(bodyKey);
  const agent = await startAgent({ record });
  await serves(agent, 2, 2);
  expect(await keyOf(agent)).toMatchObject({ lastGood: { headSeq: 3, code: 'BODY_MISSING' } });
  // The agent could not read the version, so it has not refused it.
  expect(await keyOf(agent)).not.toHaveProperty('quarantined');
  record.bodies.set(bodyKey, datafileBody(9));
  await eventually('it is found spoilt', () =>
    agent.log.of('candidate.rejected').some(({ fields }) => fields.code === 'BODY_CORRUPT'),
  );
  expect(await agent.decide()).toMatchObject({ status: 200, seq: 2 });
  record.bodies.set(bodyKey, body);
  await serves(agent, 3, 3);
  expect(await keyOf(agent)).not.toHaveProperty('lastGood');
});

it('a restart goes on with what was on disk, and never behind it', async () => {
  const dir = await tempDir();
  const env = { FANOUT_CACHE_DIR: dir };
  const record = recordUnder((it) => it.publishAs(refusedOf(3)));
  const first = await startAgent({ record, env });
  await serves(first, 2, 2);
  await first.stop();
  // What it has served is not in S3 any more: the version before it is older, and is not taken.
  record.bodies.delete([...record.bodies.keys()].find((key) => key.includes(datafileOf(2).sha256)) ?? '');
  record.closed = false;
  const second = await startAgent({ record, env });
  await serves(second, 2, 2);
  await eventually('the head was judged', async () => (await keyOf(second))?.lastGood?.headSeq === 3);
  expect(await second.decide()).toMatchObject({ status: 200, seq: 2 });
  await second.stop();

  // A damaged file leaves it with nothing of its own, so that it takes what there is.
  const [name = ''] = await readdir(dir);
  const file = await readFile(join(dir, name));
  await writeFile(join(dir, name), file.subarray(0, file.byteLength - 10));
  const third = await startAgent({ record, env });
  await serves(third, 1, 1);
  expect(await keyOf(third)).toMatchObject({ lastGood: { headSeq: 3 } });
});

it('what came from the CDN while S3 was away gives way to the newest good version', async () => {
  const cdn = await startHttp(() => ({ status: 200, body: datafileBody(2).toString() }));
  onTestFinished(() => cdn.close());
  const record = recordUnder((it) => it.publishAs(refusedOf(3)));
  record.down = true;
  const env = { OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: `${cdn.url}/%s.json` };
  const agent = await startAgent({ record, env });
  await serves(agent, 0, 2);
  record.down = false;
  await serves(agent, 2, 2);
});

it('a CDN that serves the refused datafile as well changes nothing of it', async () => {
  const cdn = await startHttp(() => ({ status: 200, body: refusedOf(3).body.toString() }));
  onTestFinished(() => cdn.close());
  const record = recordUnder((it) => it.publishAs(refusedOf(3)));
  record.down = true;
  const env = { OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: `${cdn.url}/%s.json` };
  const agent = await startAgent({ record, env });
  await eventually('the CDN was asked', () => cdn.seen.length > 0);
  record.down = false;
  await serves(agent, 2, 2);
});

it('an agent that requires signatures takes only a signed version, also under a head with a forged history', async () => {
  const keys = newKeys();
  const lineage = newLineage(1_000, 'signed');
  const record = new MemoryRecord();
  const sealed = (manifest: Manifest) => record.put(KEY, keys.seal(manifest));
  sealed(record.publish(KEY, datafileBody(1), lineage));
  sealed(record.publish(KEY, datafileBody(2), lineage));
  const good = record.manifests.get(KEY) as Manifest;
  // A head with the signature of another version, whose history names an unsigned one.
  const forged = record.publish(KEY, datafileBody(4), lineage);
  const [head, ...rest] = forged.history;
  if (head === undefined) throw new Error('it has no history');
  const unsigned = { ...head, seq: 3 as typeof head.seq };
  record.put(KEY, {
    ...forged,
    ...{ seq: 4 as Manifest['seq'], signature: good.signature as string },
    history: [{ ...head, seq: 4 as typeof head.seq }, unsigned, ...rest],
  });
  const env = {
    FANOUT_BUCKET: 'unused',
    FANOUT_SIGNATURES: 'required',
    FANOUT_SIGNING_PUBLIC_KEYS: keys.publicText,
  };
  const agent = await startAgent({ record, env });
  await serves(agent, 2, 2);
  const health = await healthOf(agent);
  expect(health.signatures?.refused).toMatchObject([{ sdkKey: KEY, seq: 4, code: 'SIGNATURE_UNTRUSTED' }]);
  expect(health.datafiles[0]).toMatchObject({ lastGood: { headSeq: 4, code: 'SIGNATURE_UNTRUSTED' } });
  expect(agent.log.of('candidate.rejected').map(({ fields }) => [fields.seq, fields.code])).toEqual([
    [4, 'SIGNATURE_UNTRUSTED'],
    [3, 'SIGNATURE_REQUIRED'],
  ]);
});
