// Bad datafiles: the webhook function refuses them where they enter, and agents refuse them again when an operator puts
// them on the bus by hand.

import { connect, headers as natsHeaders } from 'nats.ws';
import { expect, it } from 'vitest';
import type { HealthReport } from '../../agent/datafiles/health/status.ts';
import { compressBody, encodeEnvelope } from '../../core/bus/envelope.ts';
import { sha256Of } from '../../core/ids.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import { encodeManifest } from '../../core/record/manifest-codec.ts';
import { bodyKey, datafileSubject, manifestKey } from '../../core/record/names.ts';
import { isLaterLineage } from '../../core/version.ts';
import { type DatafileJson, datafileBytes } from '../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../infra/local/optimizely/flip-flag.ts';
import {
  currentDatafile,
  decide,
  putBytes,
  putDatafile,
  sendWebhook,
} from '../../infra/local/stack/client.ts';
import type { Stack } from '../../infra/local/stack/stack.ts';
import { eventually } from '../support/eventually.ts';
import {
  acceptedIn,
  bodyOf,
  collectLines,
  flip,
  type LogLine,
  manifestOf,
  putInBucket,
  recordOf,
  sdkKeyOfStack,
  stackForTest,
  untilAllServe,
} from '../support/functions/observe.ts';

const TWENTY_MEGABYTES = 20 * 1024 * 1024;

/** What is wrong with each is in its name; `next` is a good next revision. */
function badBodies(next: DatafileJson): Record<string, Buffer> {
  const json = datafileBytes(next).toString();
  return {
    'not JSON': Buffer.from('<html>Service unavailable</html>'),
    "another project's": datafileBytes({ ...next, projectId: '999' }),
    "another key's": datafileBytes({ ...next, sdkKey: 'SomebodyElse1' }),
    '20 MB': Buffer.from(`${json.slice(0, -1)},"padding":"${'x'.repeat(TWENTY_MEGABYTES)}"}`),
    'a shape that the SDK refuses': datafileBytes({
      ...next,
      featureFlags: 'none',
    } as unknown as DatafileJson),
  };
}

it('bad datafiles of every kind are refused at ingress', async () => {
  const stack = await stackForTest({
    agents: 1,
    lambdaEnv: { FANOUT_FETCH_BUDGET: '300ms' },
    retryDelaysMs: [],
  });
  const { addresses } = stack;
  const good = await currentDatafile(addresses, addresses.sdkKey);
  const next = flipFlag(good, 'flag_1');
  const before = await recordOf(stack);
  for (const [what, body] of Object.entries(badBodies(next))) {
    await putBytes(addresses, addresses.sdkKey, body);
    const response = await sendWebhook(addresses, next);
    // A truncated download may succeed a moment later, so it is queued. A complete datafile that is wrong is refused.
    expect({ what, status: response.status }).toEqual({ what, status: what === 'not JSON' ? 202 : 422 });
    expect({ what, record: await recordOf(stack) }).toEqual({ what, record: before });
  }
  await putDatafile(addresses, next);
  expect((await sendWebhook(addresses, next)).status).toBe(204);
  await untilAllServe(stack, 2);
});

it('with one odd part are published and served, and every place says what is left out', async () => {
  const stack = await stackForTest({
    agents: 2,
    // Both kinds of agent have gates.
    agentEnv: (_, index): Record<string, string> => (index === 0 ? {} : { AGENT_WORKERS: '2' }),
  });
  const { addresses } = stack;
  const next = flipFlag(await currentDatafile(addresses, addresses.sdkKey), 'flag_2');
  const marked = (datafile: object) =>
    Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(JSON.stringify(datafile))]);
  next.featureFlags[0]?.experimentIds.push('gone');
  const inert = { id: '77001', key: 'q', status: 'Running', includedRules: [], trafficAllocation: [] };
  const odd = { ...next, localHoldouts: [{ ...inert, variations: [] }], audiences: null, events: [null] };
  await putBytes(addresses, addresses.sdkKey, marked(odd));
  expect((await sendWebhook(addresses, next)).status).toBe(204);
  await untilAllServe(stack, 2);
  const parts = [
    'list "events" has an entry in "events" that is no object',
    'holdout "q" names no rules',
    'experiment "gone" is not in the datafile (flag "flag_1")',
  ];
  for (const { admin } of stack.agents) {
    const health = (await (await fetch(`${admin}/health`)).json()) as HealthReport;
    expect(health).toMatchObject({ status: 'ok', datafiles: [{ leftOut: { count: 3, parts } }] });
  }
  // The next change, a kill switch maybe, goes through as well.
  expect((await flip(stack)).webhookStatus).toBe(204);
  await untilAllServe(stack, 3);
});

it('are refused by agents when put on the bus by hand, and the next good one is taken', async () => {
  const stack = await stackForTest({ agents: 2 });
  const { addresses } = stack;
  const lines = stack.agents.map(({ part }) => collectLines(part));
  const manifest = await manifestOf(stack);
  const next = flipFlag(await currentDatafile(addresses, addresses.sdkKey), 'flag_1');
  const { '20 MB': _, ...bad } = badBodies(next);

  const wrongHash = sha256Of(Buffer.from('other bytes'));
  const forgeries = Object.values(bad).map((body) => ({ body, sha256: sha256Of(body) }));
  for (const { body, sha256 } of [...forgeries, { body: datafileBytes(next), sha256: wrongHash }]) {
    await forge(stack, { ...manifest, seq: nextSeq(manifest), sha256 }, body);
    for (const agent of lines) {
      await eventually('the forgery is rejected', () =>
        agent.some((line) => line.event === 'candidate.rejected' && line.sha256 === sha256),
      );
    }
  }
  for (const { api } of addresses.agents) {
    expect(await decide(api, addresses.sdkKey, 'flag_1')).toMatchObject({ seq: 1, revision: 1 });
  }

  // The forged head has the seq that the next change gets; an agent that had taken the one would take the other for the same. So
  // the change itself leaves the lineage, with one seq more.
  expect((await flip(stack)).webhookStatus).toBe(204);
  await untilAllServe(stack, 3);
  for (const agent of lines) expect(acceptedIn(agent).map(({ seq }) => seq)).toEqual([1, 3]);
});

it('a signed datafile too large for a message travels as a pointer and is read from S3; an attacker who writes to bus and bucket changes nothing', async () => {
  const stack = await stackForTest({
    ...{ agents: 2, natsPayloadBytesMax: 4_096, signed: true },
    // Both kinds of agent have gates.
    agentEnv: (_, index): Record<string, string> => (index === 0 ? {} : { AGENT_WORKERS: '2' }),
  });
  const { addresses } = stack;
  const lines = stack.agents.map(({ part }) => collectLines(part));
  const first = await manifestOf(stack);
  expect((await flip(stack)).webhookStatus).toBe(204);
  await untilAllServe(stack, 2);
  // Of two workers one may serve before the other, and before the agent says so.
  for (const agent of lines)
    await eventually('it is told', () => acceptedIn(agent).some(({ seq }) => seq === 2));
  for (const agent of lines) expect(acceptedIn(agent).at(-1)).toMatchObject({ seq: 2, source: 'nats' });

  const good = await manifestOf(stack);
  const goodBody = await bodyOf(stack, good);
  const forgedBody = datafileBytes(flipFlag(JSON.parse(goodBody.toString()) as DatafileJson, 'flag_1'));
  const sha256 = sha256Of(forgedBody);
  const forged = { ...good, seq: nextSeq(good), sha256, bodyKey: bodyKey(good.sdkKey, sha256) };
  await putInBucket(stack, forged.bodyKey, forgedBody);
  await forge(stack, forged, forgedBody);
  await untilRejected(lines, ({ source, code }) => source === 'nats' && code === 'SIGNATURE_UNTRUSTED');

  // The manifest, an old one with a signature that is still good, and the body that it had.
  await putInBucket(stack, manifestKey(good.sdkKey), encodeManifest(forged));
  await putInBucket(stack, good.bodyKey, forgedBody);
  await forge(stack, { ...forged, seq: nextSeq(forged) }, forgedBody);
  await untilRejected(lines, ({ source, code }) => source === 's3' && code === 'SIGNATURE_UNTRUSTED');
  for (const { api } of addresses.agents)
    expect(await decide(api, addresses.sdkKey, 'flag_1')).toMatchObject({ seq: 2, revision: good.revision });

  await stack.runReconcile();
  await untilServed(stack, await manifestOf(stack), good);
  expect(await bodyOf(stack, good)).toEqual(goodBody);

  // An old manifest whose signature is still good: nothing that agents would take, and reconcile leaves it.
  const healed = await manifestOf(stack);
  await putInBucket(stack, manifestKey(good.sdkKey), encodeManifest(first));
  await forge(stack, first, forgedBody);
  await stack.runReconcile();
  await untilServed(stack, await manifestOf(stack), healed);
});

/** A later lineage, with what was served before. */
async function untilServed(stack: Stack, now: Manifest, before: Manifest): Promise<void> {
  expect(isLaterLineage(now.lineage, before.lineage)).toBe(true);
  expect(now).toMatchObject({ seq: 1, revision: before.revision, sha256: before.sha256 });
  for (const { api, admin } of stack.agents) {
    const served = async () => {
      const health = (await (await fetch(`${admin}/health`)).json()) as HealthReport;
      return health.datafiles[0]?.datafile?.lineage === now.lineage;
    };
    await eventually(`${api} serves the new lineage`, served);
  }
}

async function untilRejected(agents: readonly LogLine[][], is: (line: LogLine) => boolean): Promise<void> {
  for (const lines of agents)
    await eventually('it is rejected', () =>
      lines.some((line) => line.event === 'candidate.rejected' && is(line)),
    );
}

const nextSeq = ({ seq }: Manifest) => (seq + 1) as Manifest['seq'];

/** Publishes a body as if it were the manifest's, as an attacker with the publisher's rights on the bus. */
async function forge(stack: Stack, manifest: Manifest, body: Buffer): Promise<void> {
  const connection = await connect({ servers: stack.urls.natsWs });
  const said = { ...manifest, bytes: body.byteLength };
  const { headers, payload } = encodeEnvelope(
    said,
    await compressBody(body),
    connection.info?.max_payload ?? 0,
  );
  const natsHeader = natsHeaders();
  for (const [name, value] of Object.entries(headers)) natsHeader.set(name, value);
  connection.publish(datafileSubject(sdkKeyOfStack(stack)), payload, { headers: natsHeader });
  await connection.flush();
  await connection.close();
}
