// `fanout signing keygen`: what it writes, what it prints, and what it never prints.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeEnvelope } from '../../../core/bus/envelope.ts';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import type { ChangeId, Seq } from '../../../core/ids.ts';
import { newLineage } from '../../../core/record/lineage.ts';
import { createManifest } from '../../../core/record/manifest.ts';
import { parsePublicKey, parseSigningKey } from '../../../core/record/signing-keys.ts';
import { checkSignatures } from '../../../infra/cli/doctor/key-checks.ts';
import { runProgram } from '../../../infra/cli/program.ts';
import { datafileOf, KEY } from '../../support/datafiles.ts';
import { fakeDeps } from '../../support/functions/fakes.ts';
import { newKeys } from '../../support/functions/signing.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { fakeShell } from './support/shell.ts';

async function keygen(...args: string[]) {
  const shell = fakeShell({ isTerminal: false });
  return { code: await runProgram(['signing', 'keygen', ...args], shell), ...shell.written };
}

it('writes the private key for its owner alone, and prints the public one', async () => {
  const file = join(await tempDir(), 'key.pem');
  const { code, out } = await keygen('--out', file, '--json');
  const { publicKey, keyId, privateKeyFile } = JSON.parse(out);
  const pem = await readFile(file, 'utf8');
  expect({ code, privateKeyFile }).toEqual({ code: 0, privateKeyFile: file });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(parseSigningKey(pem).publicKey.text).toBe(publicKey);
  expect(parsePublicKey(publicKey).keyId).toBe(keyId);
  expect(out).not.toContain('PRIVATE');
});

it('says where each half belongs, and how to store the private one', async () => {
  const file = join(await tempDir(), 'key.pem');
  const { out } = await keygen('--out', file);
  for (const text of [
    'Agents, bridge:  FANOUT_SIGNING_PUBLIC_KEYS',
    'FANOUT_SIGNING_SECRET',
    `file://${file}`,
  ])
    expect(out).toContain(text);
});

it('does not write over a key that is there', async () => {
  const file = join(await tempDir(), 'key.pem');
  await keygen('--out', file);
  const before = await readFile(file, 'utf8');
  const { code, err } = await keygen('--out', file);
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('could not be written') });
  expect(await readFile(file, 'utf8')).toBe(before);
});

it('doctor says whether a trusted key has signed record and bus', async () => {
  const keys = newKeys();
  const deps = fakeDeps();
  const parts = { ...deps, nowMs: () => 0 };
  const source = { sdkKey: KEY, environment: 'production' };
  const look = () => checkSignatures(parts, source, [keys.key.publicKey]);
  const cdn = { etag: null, lastModifiedMs: null };
  const arrival = {
    cause: 'webhook',
    changeId: 'c' as ChangeId,
    receivedAtMs: 1,
    publishedAtMs: 1,
    cdn,
  } as const;
  const datafile = parseDatafile(datafileOf(3), { sdkKey: KEY });
  const manifest = createManifest(datafile, arrival, newLineage(1, 'a'));
  const put = (it: typeof manifest) => deps.record.manifests.set(KEY, { manifest: it, etag: '"1"' });
  const plant = (it: typeof manifest) => deps.bus.plant(KEY, encodeEnvelope(it, new Uint8Array(0), 0));

  put(manifest);
  expect(await look()).toMatchObject({ standing: 'fail', detail: 'the record is not signed' });
  put(newKeys().seal(manifest));
  expect(await look()).toMatchObject({
    standing: 'fail',
    detail: expect.stringContaining('the record as it is'),
  });
  put(keys.seal(manifest));
  expect(await look()).toMatchObject({ standing: 'ok', detail: expect.stringContaining(keys.key.keyId) });
  plant({ ...keys.seal(manifest), seq: 9 as Seq });
  expect(await look()).toMatchObject({ standing: 'fail', detail: expect.stringContaining('on the bus') });
  plant(keys.seal(manifest));
  expect(await look()).toMatchObject({ standing: 'ok' });
});
