// The system under attack, from outside: what it should serve now, a good change to see that it still works, and the ways
// in that an attacker has. Over the addresses of a stack; one of its own is started by stage.ts.

import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from 'nats.ws';
import { type SdkKey, toSdkKey } from '../../../core/ids.ts';
import type { Manifest } from '../../../core/record/manifest.ts';
import { inboxPrefix } from '../../../core/record/names.ts';
import { type DatafileJson, datafileBytes } from '../../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../../infra/local/optimizely/flip-flag.ts';
import { currentDatafile, decide, putBytes, sendWebhook } from '../../../infra/local/stack/client.ts';
import type { StackAddresses } from '../../../infra/local/stack/options.ts';
import type { Stack } from '../../../infra/local/stack/stack.ts';
import { busLogin } from './bus/bus-users.ts';
import { Bucket } from './record/bucket.ts';
import type { RecordTap } from './record/record-tap.ts';
import type { EvilCdn } from './trap.ts';
import { Broken, NotHere } from './verdicts.ts';

/** That it arrives is asked here; how fast is measured by the benches, on a machine that does nothing else. */
const ARRIVES_WITHIN_MS = 20_000;
const POLL_MS = 15;

export interface OwnStack {
  readonly stack: Stack;
  readonly cdn: EvilCdn;
  /** By agent. */
  readonly recordTaps: readonly RecordTap[];
}

export class Target {
  readonly #addresses: StackAddresses;
  readonly sdkKey: SdkKey;
  readonly bucket: Bucket;
  readonly #own: OwnStack | null;
  #good: DatafileJson;
  #bus: NatsConnection | null = null;
  #agentBus: NatsConnection | null = null;
  #notes: string[] = [];
  #manifest: Manifest | null = null;

  constructor(addresses: StackAddresses, good: DatafileJson, own: OwnStack | null) {
    this.#addresses = addresses;
    this.sdkKey = toSdkKey(addresses.sdkKey);
    this.bucket = new Bucket(addresses);
    this.#good = good;
    this.#own = own;
  }

  static async of(addresses: StackAddresses, own: OwnStack | null): Promise<Target> {
    return new Target(addresses, await currentDatafile(addresses, addresses.sdkKey), own);
  }

  /** With the process ids of now: attacks restart agents. */
  get addresses(): StackAddresses {
    return this.#own?.stack.addresses ?? this.#addresses;
  }

  /** The datafile that every agent should serve. */
  get good(): DatafileJson {
    return this.#good;
  }

  get revision(): number {
    return Number(this.#good.revision);
  }

  get agents(): readonly string[] {
    return this.addresses.agents.map(({ api }) => api);
  }

  get agent(): string {
    return this.agents[0] as string;
  }

  get isOwn(): boolean {
    return this.#own !== null;
  }

  /** @throws NotHere */
  get own(): OwnStack {
    if (this.#own === null) throw new NotHere('needs a stack of its own');
    return this.#own;
  }

  /** The datafile that would follow the good one. No webhook and no message announces it. */
  next(flagKey = this.flagKey): DatafileJson {
    return flipFlag(this.#good, flagKey);
  }

  get flagKey(): string {
    return this.#good.featureFlags[0]?.key ?? '';
  }

  async manifest(): Promise<Manifest> {
    this.#manifest = await this.bucket.manifest(this.sdkKey);
    return this.#manifest;
  }

  /** The current manifest, or the last one that could be read where an attack has broken it. */
  async lastManifest(): Promise<Manifest> {
    return this.manifest().catch((error: unknown) => {
      if (this.#manifest === null) throw error;
      return this.#manifest;
    });
  }

  /** With every right in the account of the publisher. */
  async bus(): Promise<NatsConnection> {
    if (this.#bus === null || this.#bus.isClosed()) this.#bus = await this.connectToBus({});
    return this.#bus;
  }

  /** With the rights of the shipped user `agent`; on a bus without users, with the rights of any client. */
  async agentBus(): Promise<NatsConnection> {
    if (this.#agentBus === null || this.#agentBus.isClosed())
      this.#agentBus = await this.connectToBus(this.isOwn ? busLogin('agent') : {});
    return this.#agentBus;
  }

  connectToBus(login: { user?: string; pass?: string }): Promise<NatsConnection> {
    const { user } = login;
    const prefix = user === undefined ? {} : { inboxPrefix: inboxPrefix(user) };
    return connect({ servers: [this.addresses.nats.wsUrl], reconnect: false, ...login, ...prefix });
  }

  /** What was measured, to be printed with the verdict. */
  note(text: string): void {
    this.#notes.push(text);
  }

  takeNotes(): string {
    return this.#notes.splice(0).join('; ');
  }

  async cdnFetches(): Promise<number> {
    const response = await fetch(`${this.addresses.cdn}/stats`);
    const { fetches, notModified = 0 } = (await response.json()) as Record<string, number>;
    return (fetches ?? 0) + notModified;
  }

  /** Runs it, and sees to it that the record has not moved. @throws Broken */
  async withoutMove(what: string, run: () => Promise<void>): Promise<void> {
    const before = await this.manifest();
    await run();
    const after = await this.manifest();
    if (after.seq !== before.seq || after.sha256 !== before.sha256)
      throw new Broken(`${what} moved the record from seq ${before.seq} to ${after.seq}`);
  }

  /** @throws Broken */
  async requireServed(): Promise<void> {
    for (const api of this.agents) {
      const { revision } = await decide(api, this.sdkKey, this.flagKey).catch((error) => {
        throw new Broken(`an agent does not decide: ${String(error)}`);
      });
      if (revision !== this.revision)
        throw new Broken(`an agent serves revision ${revision}, not ${this.revision}`);
    }
  }

  /** As from Optimizely: the CDN has the next revision, then its webhook comes. @throws Broken */
  goodChange(): Promise<void> {
    return this.change(this.next());
  }

  /** The same with a datafile of one's own. @throws Broken */
  async change(datafile: DatafileJson, body: Uint8Array = datafileBytes(datafile)): Promise<void> {
    await putBytes(this.addresses, this.sdkKey, body);
    const response = await sendWebhook(this.addresses, datafile);
    await response.arrayBuffer();
    // 202: by a slow machine's clock the CDN was late, and the change is asked for again without the webhook.
    if (response.status !== 204 && response.status !== 202)
      throw new Broken(`a good webhook was answered ${response.status}`);
    this.#good = datafile;
    await this.untilServed();
  }

  /** @throws Broken when an agent does not get there */
  async untilServed(): Promise<void> {
    const deadlineMs = performance.now() + ARRIVES_WITHIN_MS;
    for (;;) {
      const failure = await this.requireServed().then(
        () => null,
        (error: unknown) => error,
      );
      if (failure === null) return;
      if (performance.now() > deadlineMs) throw failure;
      await sleep(POLL_MS);
    }
  }

  /** @throws Broken */
  requireAlive(): void {
    for (const { pid } of this.addresses.agents) {
      try {
        process.kill(pid, 0);
      } catch {
        throw new Broken(`the agent with pid ${pid} has ended`);
      }
    }
    if (this.#own === null) return;
    const { parts, agents } = this.#own.stack;
    const all = [parts.webhook, parts.bridge, parts.reconcile, parts.nats, ...agents.map(({ part }) => part)];
    const ended = all.find((part) => !part.isRunning);
    if (ended !== undefined) throw new Broken(`${ended.name} has ended`);
  }

  async close(): Promise<void> {
    this.bucket.close();
    await this.#bus?.close();
    await this.#agentBus?.close();
  }
}
