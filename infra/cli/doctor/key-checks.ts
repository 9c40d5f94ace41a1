// One SDK key from Optimizely over the record to the bus: what each of them has, and whether they agree. Reads only.

import { encodeEnvelope } from '../../../core/bus/envelope.ts';
import { LEFT_OUT_SHOWN_MAX, sentenceOf } from '../../../core/datafile/left-out.ts';
import { FanoutError } from '../../../core/errors.ts';
import type { DatafileSource } from '../../../core/projects.ts';
import { isQuarantined, type Manifest } from '../../../core/record/manifest.ts';
import { KeyRing, keyIdOf } from '../../../core/record/signature.ts';
import type { PublicKey } from '../../../core/record/signing-keys.ts';
import { isLaterRevision } from '../../../core/version.ts';
import type { Bus, Cdn, DatafileRecord, SdkCheck } from '../../../functions/ports.ts';
import { judgeHead } from '../../../functions/publish/swap-head.ts';
import { RECORD_AHEAD_AFTER_MS } from '../../../functions/reconcile/follow-cdn.ts';
import { fail, type Judgement, ok, skipped, warn } from './finding.ts';

const CDN_TIMEOUT_MS = 10_000;
/** As long as a change may be under way before reconcile would have found it. */
const SETTLED_MS = 120_000;

export interface KeyParts {
  readonly record: DatafileRecord;
  readonly bus: Bus;
  readonly cdn: Cdn;
  readonly sdkCheck: SdkCheck;
  readonly nowMs: () => number;
}

/** What the record has, and whether its body is there and whole. */
export async function checkRecord(
  { record, sdkCheck }: KeyParts,
  { sdkKey }: DatafileSource,
): Promise<Judgement> {
  const stored = await record.readManifest(sdkKey);
  if (stored === null)
    return fail(
      'the record has nothing of it',
      'reconcile imports it within a minute: check that it runs with this project table.',
    );
  const { seq, revision, sha256, pin, publishedAtMs } = stored.manifest;
  const body = await record.readBody(sdkKey, sha256);
  const what = `revision ${revision} (seq ${seq}) since ${new Date(publishedAtMs).toISOString()}`;
  if (isQuarantined(stored.manifest))
    return fail(
      `${what}, which agents refuse (${stored.manifest.quarantine?.code}): it is no longer announced`,
      'Look at the flag that the agents name in their log, and publish again: see version-quarantined in infra/RUNBOOK.md.',
    );
  // The record's datafile was checked before it was stored; agents look at it by the same rule.
  const { leftOut = [] } = sdkCheck(body, { sdkKey });
  if (leftOut.length > 0)
    return warn(
      `${what}; served without ${leftOut.length} of its parts: ${leftOut.slice(0, LEFT_OUT_SHOWN_MAX).map(sentenceOf).join('; ')}`,
      'Look at the named flags in app.optimizely.com; what is left out there is as if it were not in the project.',
    );
  if (pin === null) return ok(what);
  return warn(`${what}, pinned: ${pin.reason}`, 'Webhooks do not move it until it is unpinned.');
}

/** Whether agents that ask for signatures would take what record and bus have. */
export async function checkSignatures(
  { record, bus }: KeyParts,
  { sdkKey }: DatafileSource,
  trusted: readonly PublicKey[],
): Promise<Judgement> {
  const ring = new KeyRing(trusted);
  const stored = await record.readManifest(sdkKey);
  if (stored === null) return skipped('the record has nothing of it');
  const { signature, seal } = stored.manifest;
  if (signature === undefined || seal === undefined)
    return fail('the record is not signed', 'reconcile signs it within a minute: give it the signing key.');
  if (!ring.sealed(stored.manifest))
    return fail(
      'no trusted key has signed the record as it is',
      'reconcile begins a signed lineage within a minute; if the keys were not changed, a stranger writes to the bucket.',
    );
  const head = (await bus.readHead(sdkKey))?.head ?? null;
  if (head !== null && !ring.signed({ ...head, sdkKey }, head.signature ?? ''))
    return fail(
      'no trusted key has signed what is on the bus',
      'reconcile announces over it within a minute; if it comes back, change the password of the bus user.',
    );
  return ok(`key ${keyIdOf(signature)} has signed seq ${stored.manifest.seq}`);
}

/** What Optimizely serves, against the record. */
export async function checkCdn(
  { cdn, record, sdkCheck, nowMs }: KeyParts,
  source: DatafileSource,
  projectId: string,
): Promise<Judgement> {
  const { sdkKey } = source;
  const [via] = cdn.viasOf(source);
  if (via === undefined) throw new Error('no address is configured');
  const answer = await cdn.fetch(source, via, null, CDN_TIMEOUT_MS);
  if (answer.kind === 'unchanged')
    return warn('answered 304 to a plain question', 'Look for a proxy between.');
  const datafile = sdkCheck(answer.body, { sdkKey, projectId });
  const manifest = (await record.readManifest(sdkKey).catch(() => null))?.manifest;
  const served = `revision ${datafile.revision}`;
  const changedAtMs = answer.validators.lastModifiedMs ?? 0;
  const isOld = nowMs() - changedAtMs > SETTLED_MS;
  if (manifest !== undefined && isLaterRevision(datafile, manifest) && manifest.pin === null) {
    const what = `serves ${served}, the record has ${manifest.revision}`;
    return isOld
      ? fail(what, 'A webhook was missed and reconcile has not healed it: look at its log and its alarm.')
      : warn(what, 'A change is under way, or a key was just unpinned: reconcile brings it within a minute.');
  }
  if (manifest !== undefined && isLaterRevision(manifest, datafile) && manifest.pin === null)
    return nowMs() - manifest.publishedAtMs > RECORD_AHEAD_AFTER_MS
      ? fail(
          `serves ${served}, the record has had ${manifest.revision} since ${new Date(manifest.publishedAtMs).toISOString()}`,
          `No webhook moves the record until Optimizely gets there: fanout datafile rollback ${sdkKey} ${datafile.revision}, then unpin; see record-ahead in infra/RUNBOOK.md.`,
        )
      : warn(
          `serves ${served}, the record has ${manifest.revision}`,
          'The CDN lags; look again in a minute.',
        );
  return ok(`serves ${served}`);
}

/** The subject's head, against the record. */
export async function checkBusKey(
  { bus, record, nowMs }: KeyParts,
  { sdkKey }: DatafileSource,
): Promise<Judgement> {
  const head = await bus.readHead(sdkKey);
  const manifest = (await record.readManifest(sdkKey).catch(() => null))?.manifest;
  if (manifest === undefined) return warn('cannot be compared: the record has nothing', '');
  const verdict = judgeHead(manifest, head);
  if (verdict === 'already') return ok(`has seq ${manifest.seq}, as the record`);
  const what = `has seq ${head?.head?.seq ?? 'none'}, the record ${manifest.seq}`;
  if (verdict === 'quarantined')
    return warn(`${what}, which agents refuse`, 'See what is said of the record.');
  if (verdict === 'superseded')
    return fail(what, 'The record went back; reconcile gives it a new lineage within a minute.');
  return isSettled(manifest, nowMs())
    ? fail(what, 'reconcile announces it within a minute: check that it runs and reaches this bus.')
    : warn(what, 'A change is under way; look again in a minute.');
}

const isSettled = ({ publishedAtMs }: Manifest, nowMs: number): boolean => nowMs - publishedAtMs > SETTLED_MS;

/** No stream ever gets this far. */
const NEVER = Number.MAX_SAFE_INTEGER;

/**
 * Whether these credentials may publish: sends what agents know already, headers only, on a condition that the stream has
 * to refuse. Agents hear it, and ignore it as what they have.
 */
export async function checkPublish(
  { bus, record }: KeyParts,
  { sdkKey }: DatafileSource,
): Promise<Judgement> {
  const manifest = (await record.readManifest(sdkKey))?.manifest;
  if (manifest === undefined || judgeHead(manifest, await bus.readHead(sdkKey)) !== 'already')
    return skipped('record and bus do not agree: a message of the wrong state could mislead agents');
  const outcome = await bus.publish(sdkKey, encodeEnvelope(manifest, new Uint8Array(0), 0), NEVER);
  if (outcome === 'conflict') return ok('allowed; the stream refused the trial message, as it has to');
  return fail(
    'the stream took a message on a condition that does not hold',
    'Run reconcile, and look at what stands between here and nats-server.',
  );
}

/** That it can be reached with these credentials, which every key then relies on. */
export async function checkBus(bus: Bus): Promise<Judgement> {
  try {
    return ok(`connected; messages up to ${await bus.payloadBytesMax()} bytes`);
  } catch (error) {
    if (!(error instanceof FanoutError)) throw error;
    const { busCause } = error.fields;
    const isDenied = busCause === 'credentials-refused' || busCause === 'permission-missing';
    return fail(
      error.message,
      isDenied
        ? 'Compare the credentials with the publisher user of the server configuration (infra/nats).'
        : 'Check FANOUT_NATS_URL, the way to it (wss and its certificate: SSL_CERT_FILE or NODE_EXTRA_CA_CERTS), and nats-server.',
    );
  }
}
