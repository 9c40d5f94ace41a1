// Datafiles that nobody should serve: refused where they enter, and refused again by agents when somebody puts them on
// the bus by hand.

import { connect, headers as natsHeaders } from 'nats.ws';
import { expect, it } from 'vitest';
import { compressBody, encodeEnvelope } from '../../core/envelope.ts';
import { sha256Of } from '../../core/ids.ts';
import type { Manifest } from '../../core/manifest.ts';
import { datafileSubject } from '../../core/names.ts';
import { type DatafileJson, datafileBytes, flipFlag } from '../../infra/local/datafile.ts';
import type { Stack } from '../../infra/local/stack.ts';
import {
  currentDatafile,
  decide,
  putBytes,
  putDatafile,
  sendWebhook,
} from '../../infra/local/stack-client.ts';
import { eventually } from '../support/eventually.ts';
import {
  acceptedIn,
  collectLines,
  flip,
  manifestOf,
  recordOf,
  sdkKeyOfStack,
  stackForTest,
  untilAllServe,
} from '../support/observe.ts';

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

it('are refused at ingress, whatever is wrong with them', async () => {
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
    // Optimizely may serve a good one in a moment: queued, not refused.
    expect({ what, status: response.status }).toEqual({ what, status: 202 });
    expect({ what, record: await recordOf(stack) }).toEqual({ what, record: before });
  }
  await putDatafile(addresses, next);
  expect((await sendWebhook(addresses, next)).status).toBe(204);
  await untilAllServe(stack, 2);
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

  // The forged head is not the record's: the next change is announced over it.
  expect((await flip(stack)).webhookStatus).toBe(204);
  await untilAllServe(stack, 2);
  for (const agent of lines) expect(acceptedIn(agent).map(({ seq }) => seq)).toEqual([1, 2]);
});

it('too large for a message, a good one travels as a pointer and is read from S3', async () => {
  const stack = await stackForTest({ agents: 2, natsPayloadBytesMax: 4_096 });
  const lines = stack.agents.map(({ part }) => collectLines(part));
  expect((await flip(stack)).webhookStatus).toBe(204);
  await untilAllServe(stack, 2);
  for (const agent of lines) expect(acceptedIn(agent).at(-1)).toMatchObject({ seq: 2, source: 'nats' });
});

const nextSeq = ({ seq }: Manifest) => (seq + 1) as Manifest['seq'];

/** Publishes a body as if it were the manifest's, by somebody who may publish but is not the publisher. */
async function forge(stack: Stack, manifest: Manifest, body: Buffer): Promise<void> {
  const connection = await connect({ servers: stack.urls.natsWs });
  const said = { ...manifest, bytes: body.byteLength };
  const { headers, payload } = encodeEnvelope(said, await compressBody(body), 1024 * 1024);
  const natsHeader = natsHeaders();
  for (const [name, value] of Object.entries(headers)) natsHeader.set(name, value);
  connection.publish(datafileSubject(sdkKeyOfStack(stack)), payload, { headers: natsHeader });
  await connection.flush();
  await connection.close();
}
