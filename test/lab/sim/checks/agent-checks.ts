// What must hold of one agent at every step, with any messages: it never goes back, serves only what the record named, and
// reaches the head of its bus or of S3 soon after the last fault.

import type { Held } from '../../../../agent/datafiles/store.ts';
import { BEAT_INTERVAL_MS, BEATS_MISSED_MAX, decodeBeat } from '../../../../core/bus/beat.ts';
import { HEADER } from '../../../../core/bus/envelope.ts';
import { type SdkKey, sha256Of } from '../../../../core/ids.ts';
import { BEAT_SUBJECT, datafileSubject } from '../../../../core/record/names.ts';
import { isAt, type Life, lifeFrom, type Version, versionOf } from '../actors/agent-life.ts';
import type { AgentProcess, AgentWatch } from '../actors/agent-process.ts';
import type { Message } from '../services/nats-server.ts';
import type { World } from '../world.ts';
import type { Findings } from './findings.ts';
import type { RecordChecks } from './record-checks.ts';

/** From a head that the agent's bus has, over a sound link: a catch-up that is repeated (2 s + 1 s), a body, a build. */
const LIVE_BOUND_MS = 6_000;
/** Without a bus: its grace (2 s), one poll interval with jitter (6 s), a body, a build. */
const POLL_BOUND_MS = 10_000;
/** S3 was in trouble: an agent may wait this long before it asks again (backoff 60 s and its jitter). */
const S3_BACKOFF_MS = 74_000;
/** Three beats are missed; the agent counts from each that it hears, and from its link coming up. */
const SILENCE_MAX_MS = BEAT_INTERVAL_MS * BEATS_MISSED_MAX + 1_000;
/** From a start to serving what was on disk. */
const DISK_BOUND_MS = 400;

/** Under which name a lost message is remembered: per lineage, as the lineages of a subject have their own seqs. */
const lostOf = (subject: string, { lineage }: Version): string => `${subject} ${lineage}`;

export class AgentChecks implements AgentWatch {
  readonly #agent: AgentProcess;
  readonly #world: World;
  readonly #findings: Findings;
  readonly #record: RecordChecks;
  #life: Life | null = null;
  /** What it must not go below: what it served in this life, or has on disk. */
  #floors = new Map<SdkKey, Version>();
  readonly #durable = new Map<SdkKey, Version>();
  /** When it took the lineage that it has: what its bus said of it before, S3 had to say again. */
  readonly #adoptedAtMs = new Map<SdkKey, number>();
  #diskDueMs: number | null = null;
  swaps = 0;

  constructor(agent: AgentProcess, world: World, findings: Findings, record: RecordChecks) {
    this.#agent = agent;
    this.#world = world;
    this.#findings = findings;
    this.#record = record;
    agent.disk.onRenamed = (path, bytes) => this.#renamed(path, bytes);
    agent.disk.onReplaced = () => this.#durable.clear();
    agent.disk.onRotten = () => this.#durable.clear();
  }

  started(): void {
    const { nowMs } = this.#world;
    this.#life = lifeFrom(nowMs);
    this.#floors = new Map(this.#durable);
    this.#diskDueMs = nowMs + DISK_BOUND_MS;
  }

  ended(): void {
    this.#life = null;
    this.#diskDueMs = null;
  }

  /** The disk does not answer: the agent need not serve from it at this start. */
  diskTroubled(): void {
    this.#diskDueMs = null;
    this.#floors.clear();
  }

  link(up: boolean): void {
    if (this.#life === null) return;
    this.#life.linkedAtMs = up ? this.#world.nowMs : null;
    if (up) {
      this.#life.lost.clear();
      this.#life.beatAtMs = this.#world.nowMs;
    } else this.#life.unlinkedAtMs = this.#world.nowMs;
  }

  troubled(): void {
    if (this.#life !== null) this.#life.troubledAtMs = this.#world.nowMs;
  }

  s3Troubled(): void {
    if (this.#life !== null) this.#life.s3TroubledAtMs = this.#world.nowMs;
  }

  lost(message: Message): void {
    const version = versionOf(message);
    // One that the stream refused may be of an earlier version than what was lost before it, or of a lineage that was left.
    const of = lostOf(message.subject, version);
    if (!isAt(this.#life?.lost.get(of) ?? null, version)) this.#life?.lost.set(of, version);
  }

  spoilt(message: Message): void {
    if (this.#life === null) return;
    this.#life.spoilt.set(message.subject, versionOf(message));
    // It may still be a beat.
    if (message.subject === BEAT_SUBJECT) this.#life.beatAtMs = this.#world.nowMs;
  }

  heard({ subject, payload }: Message): void {
    if (subject !== BEAT_SUBJECT || this.#life === null) return;
    const { nowMs } = this.#world;
    this.#life.beatAtMs = nowMs;
    for (const [sdkKey, { lineage, seq }] of decodeBeat(payload)?.heads ?? [])
      this.#life.named.set(datafileSubject(sdkKey), { lineage, seq, atMs: nowMs });
  }

  served(held: Held<object>): void {
    this.swaps++;
    const { sdkKey, lineage, seq, revision, sha256, body, source } = held;
    const { name } = this.#agent;
    this.#world.note(this.#agent.actor.name, `serves seq ${seq} of ${lineage} from ${source}`, sdkKey);
    const what = `${name} serves seq ${seq} of ${lineage} (revision ${revision}, from ${source})`;
    const check = (holds: boolean, why: string) => this.#findings.check(holds, () => `${what}${why}`, sdkKey);
    check(sha256Of(body) === sha256, ' with bytes of another hash (4)');
    const fields = JSON.parse(new TextDecoder().decode(body));
    check(fields.sdkKey === sdkKey, `, which is the datafile of ${fields.sdkKey} (4)`);
    check(fields.bad === 'no', ', which cannot be loaded (4)');
    if (seq === 0) check(source === 'cdn' || source === 'disk', ', which is labelled as nothing else (3)');
    else {
      check(this.#record.isStored(sdkKey, sha256), ', which is not in S3 (3)');
      check(this.#record.wasEver(sdkKey, lineage, seq, sha256), ', which the record never named (3)');
    }
    const floor = this.#floors.get(sdkKey);
    const isBack = floor !== undefined && floor.lineage === lineage && seq < floor.seq;
    check(!isBack, ` after seq ${floor?.seq} (1)`);
    if (floor?.lineage !== lineage) this.#adoptedAtMs.set(sdkKey, this.#world.nowMs);
    this.#floors.set(sdkKey, { lineage, seq });
  }

  /** Checks the present state of the agent. */
  look(sdkKeys: readonly SdkKey[]): void {
    const { supply, name } = this.#agent;
    const life = this.#life;
    if (supply === null || life === null) return;
    const isReady = supply.status.ready();
    this.#findings.check(isReady || !life.wasReady, () => `${name} was ready and is not any more (7)`);
    life.wasReady ||= isReady;
    const isSilent = life.linkedAtMs !== null && this.#world.nowMs > life.beatAtMs + SILENCE_MAX_MS;
    const trusts = () => `${name} trusts its bus, which has been silent for three beats`;
    this.#findings.check(!isSilent || !supply.busAvailable, trusts);
    const isDiskDue = this.#diskDueMs !== null && this.#world.nowMs >= this.#diskDueMs;
    for (const sdkKey of sdkKeys) {
      const held = supply.store.get(sdkKey);
      if (isDiskDue) this.#lookAtDisk(sdkKey, held);
      this.#lookAtBus(life, sdkKey, held);
      this.#lookAtPolling(life, sdkKey, held);
      if (held === null) this.#lookAtNothing(life, sdkKey);
    }
    if (isDiskDue) this.#diskDueMs = null;
  }

  #lookAtDisk(sdkKey: SdkKey, held: Version | null): void {
    const durable = this.#durable.get(sdkKey);
    if (durable === undefined) return;
    const isServed = held !== null && (held.lineage !== durable.lineage || held.seq >= durable.seq);
    const has = `had seq ${durable.seq} of ${durable.lineage} on disk`;
    this.#findings.check(
      isServed,
      () => `${this.#agent.name} ${has} and does not serve it after a start`,
      sdkKey,
    );
  }

  /** The agent is at the head of its bus, once the link has been sound for a while. */
  #lookAtBus(life: Life, sdkKey: SdkKey, held: Version | null): void {
    const head = this.#agent.bus.heads.get(datafileSubject(sdkKey));
    const record = this.#record.heads.get(sdkKey)?.manifest;
    if (head === undefined || life.linkedAtMs === null || record === undefined) return;
    const version = versionOf(head);
    if (isAt(held, version)) return;
    if (version.lineage !== record.lineage) return;
    // When its builder refuses a head, the agent asks the record and serves the newest good version there.
    const good = this.#goodOf(sdkKey, version);
    if (good === null || isAt(held, good)) return;
    const lost = life.lost.get(lostOf(head.subject, version));
    const isLost = lost !== undefined && lost.seq >= version.seq;
    const named = life.named.get(head.subject);
    const isNamed = named !== undefined && named.lineage === version.lineage && named.seq >= version.seq;
    if (isLost && !isNamed) return;
    const spoilt = life.spoilt.get(head.subject);
    const isSpoilt = spoilt?.lineage === version.lineage && spoilt.seq === version.seq;
    const needsS3 =
      good.seq !== version.seq ||
      (this.#adoptedAtMs.get(sdkKey) ?? 0) >= head.atMs ||
      isLost ||
      isSpoilt ||
      held?.lineage !== version.lineage ||
      head.headers.get(HEADER.encoding) === 'pointer';
    const sinceMs = Math.max(
      ...[head.atMs, life.linkedAtMs, life.troubledAtMs, isLost ? (named?.atMs ?? 0) : 0],
      needsS3 ? backoffOf(life) : 0,
    );
    this.#due(sinceMs + LIVE_BOUND_MS, sdkKey, held, good, 'its bus has had');
  }

  /** Without a bus, or with one that has been silent for three beats, it is at the record's head one poll interval later. */
  #lookAtPolling(life: Life, sdkKey: SdkKey, held: Version | null): void {
    const head = this.#record.heads.get(sdkKey);
    const good = head && this.#goodOf(sdkKey, head.manifest);
    if (!head || !good || isAt(held, good)) return;
    const isSilent = this.#world.nowMs > life.beatAtMs + SILENCE_MAX_MS;
    if (life.linkedAtMs !== null && !isSilent) return;
    const backoffMs = backoffOf(life);
    const distrustedAtMs = life.linkedAtMs === null ? life.unlinkedAtMs : life.beatAtMs + SILENCE_MAX_MS;
    const sinceMs = Math.max(head.movedAtMs, distrustedAtMs, backoffMs);
    this.#due(sinceMs + POLL_BOUND_MS, sdkKey, held, good, 'S3 has had, without a bus,');
  }

  /** With any bus, an agent asks S3 as it starts, and has the newest good version of the record one poll interval later. */
  #lookAtNothing(life: Life, sdkKey: SdkKey): void {
    const head = this.#record.heads.get(sdkKey);
    const good = head && this.#goodOf(sdkKey, head.manifest);
    if (!head || !good) return;
    const sinceMs = Math.max(head.movedAtMs, life.startedAtMs, backoffOf(life));
    this.#due(sinceMs + POLL_BOUND_MS, sdkKey, null, good, 'S3 has had since it started');
  }

  #due(dueMs: number, sdkKey: SdkKey, held: Version | null, version: Version, who: string): void {
    if (this.#world.nowMs < dueMs) return;
    const lateMs = this.#world.nowMs - dueMs;
    this.#findings.check(
      isAt(held, version),
      () =>
        `${this.#agent.name} serves seq ${held?.seq ?? 'none'} of ${held?.lineage ?? 'nothing'}, and ${who} seq ${version.seq} of ${version.lineage} for long: ${lateMs} ms over the bound (2)`,
      sdkKey,
    );
  }

  /** Null when its builder refuses all of them, or the record was put back and its seqs mean two things. */
  #goodOf(sdkKey: SdkKey, head: Version): Version | null {
    return this.#record.isForked(sdkKey) ? null : this.#record.newestGood(sdkKey, head);
  }

  #renamed(path: string, bytes: Uint8Array): void {
    if (!path.endsWith('.datafile')) return;
    const text = new TextDecoder().decode(bytes);
    const { sdkKey, lineage, seq } = JSON.parse(text.slice(0, text.indexOf('\n')));
    this.#durable.set(sdkKey, { lineage, seq });
  }
}

/** Until when the agent may wait before it asks S3 again. */
const backoffOf = ({ s3TroubledAtMs }: Life): number =>
  s3TroubledAtMs === 0 ? 0 : s3TroubledAtMs + S3_BACKOFF_MS;
