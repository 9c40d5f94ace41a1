// Heads of the record that every agent refuses, or whose body is not there: an agent that starts now, without a cache, serves what
// the others still serve.

import { expect, it } from 'vitest';
import type { HealthReport } from '../../agent/datafiles/health/status.ts';
import type { Datafile } from '../../core/datafile/datafile.ts';
import { type ChangeId, sha256Of } from '../../core/ids.ts';
import { advance, type Manifest } from '../../core/record/manifest.ts';
import { encodeManifest } from '../../core/record/manifest-codec.ts';
import { manifestKey } from '../../core/record/names.ts';
import { datafileBytes } from '../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../infra/local/optimizely/flip-flag.ts';
import {
  currentDatafile,
  decide,
  putBytes,
  putDatafile,
  sendWebhook,
} from '../../infra/local/stack/client.ts';
import type { LocalAgent, Stack } from '../../infra/local/stack/stack.ts';
import { eventually } from '../support/eventually.ts';
import {
  acceptedIn,
  busHeadOf,
  collectLines,
  flip,
  manifestOf,
  putInBucket,
  stackForTest,
  untilAllServe,
} from '../support/functions/observe.ts';

it('an agent without a cache is ready under them, decides as the others do, and goes on to the next good change', async () => {
  const stack = await stackForTest({ agents: 1 });
  const { addresses } = stack;
  expect((await flip(stack)).webhookStatus).toBe(204);
  await untilAllServe(stack, 2);
  const good = await currentDatafile(addresses, addresses.sdkKey);
  const bodies = [
    Buffer.from('<html>Service unavailable</html>'),
    datafileBytes({ ...good, sdkKey: 'AnotherKey123' }),
    datafileBytes({ ...good, version: '3' }),
  ];
  for (const body of bodies) await putHead(stack, body);
  // Wherever an agent looks it finds the same: the bus keeps it, and the CDN serves it.
  await putBytes(addresses, addresses.sdkKey, bodies.at(-1) as Buffer);
  await expect(stack.runReconcile()).rejects.toThrow();
  expect((await busHeadOf(stack)).seq).toBe(5);

  await startsUnder(stack, 5, {});
  await startsUnder(stack, 5, { AGENT_WORKERS: '2' });
  await putHead(stack, Buffer.from('a body that is not in the record'), false);
  await startsUnder(stack, 6, {});
  await startsUnder(stack, 6, { AGENT_WORKERS: '2' });

  const lines = stack.agents.map(({ part }) => collectLines(part));
  const next = { ...flipFlag(good, 'flag_1'), revision: '100' };
  await putDatafile(addresses, next);
  expect((await sendWebhook(addresses, next)).status).toBe(204);
  await untilAllServe(stack, 7);
  for (const agent of lines)
    await eventually('it is told', () => acceptedIn(agent).some(({ seq }) => seq === 7));
  for (const agent of lines)
    expect(
      acceptedIn(agent)
        .map(({ seq }) => seq)
        .slice(-2),
    ).toEqual([2, 7]);
  for (const agent of stack.agents) {
    const { datafiles } = await healthOf(agent);
    expect(datafiles[0]).not.toHaveProperty('lastGood');
    expect(datafiles[0]).not.toHaveProperty('quarantined');
  }
});

/** `addAgent` resolves when /health/ready answers 200. */
async function startsUnder(stack: Stack, headSeq: number, env: Record<string, string>): Promise<void> {
  const { sdkKey } = stack.addresses;
  const agent = await stack.addAgent({ env });
  expect(await decide(agent.api, sdkKey, 'flag_1')).toMatchObject({ seq: 2, revision: 2 });
  const config = await fetch(`${agent.api}/v1/config`, { headers: { 'x-optimizely-sdk-key': sdkKey } });
  expect(config.status).toBe(200);
  const health = await healthOf(agent);
  expect(health.status).toBe('degraded');
  expect(health.datafiles[0]).toMatchObject({ datafile: { seq: 2, source: 's3' }, lastGood: { headSeq } });
  const metrics = await (await fetch(`${agent.admin}/metrics`, { headers: { accept: 'text/plain' } })).text();
  expect(metrics).toContain(`fanout_agent_datafile_last_good{sdk_key="${sdkKey}"} 1`);
}

const healthOf = async ({ admin }: LocalAgent): Promise<HealthReport> =>
  (await (await fetch(`${admin}/health`)).json()) as HealthReport;

/** Moves the record to bytes that no publisher would let in. */
async function putHead(stack: Stack, body: Buffer, isStored = true): Promise<void> {
  const current = await manifestOf(stack);
  const { sdkKey, projectId, environment, revision } = current;
  const datafile: Datafile = {
    ...{ sdkKey, projectId, environment, revision: revision + 1, sha256: sha256Of(body), body },
  };
  const nowMs = Date.now();
  const times = { receivedAtMs: nowMs, publishedAtMs: nowMs };
  const changeId = `by-hand-${nowMs}` as ChangeId;
  const cdn = { etag: null, lastModifiedMs: null };
  const move = advance(current, datafile, { cause: 'import', changeId, ...times, cdn });
  if (!('manifest' in move)) throw new Error(`does not move: ${move.kind}`);
  const manifest: Manifest = move.manifest;
  if (isStored) await putInBucket(stack, manifest.bodyKey, body);
  await putInBucket(stack, manifestKey(sdkKey), encodeManifest(manifest));
}
