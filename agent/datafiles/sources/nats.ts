// The fast source: a plain subscription per key, and a direct get of the subject's last message on every (re)connect
// and for every newly watched key. Leaves nothing on the server. Reports the link's state; does not judge it.

import { decodeBeat } from '../../../core/bus/beat.ts';
import { type BusCause, busCauseOf } from '../../../core/bus/cause.ts';
import { decodeBody, decodeHead, type EnvelopeHead } from '../../../core/bus/envelope.ts';
import type { Timer } from '../../../core/clock.ts';
import type { SdkKey, Sha256 } from '../../../core/ids.ts';
import { BEAT_SUBJECT, datafileSubject, STREAM_NAME } from '../../../core/record/names.ts';
import type { Msg, NatsConnection, Subscription } from '../../../io/nats.ts';
import { type BusEvents, busUnavailable } from './bus.ts';
import { BusLink, type BusLinkOptions, type LinkEvents } from './bus-link.ts';
import { SideChannel } from './side-channel.ts';
import type { Candidate, Sink, Source } from './source.ts';

const DIRECT_GET_TIMEOUT_MS = 2_000;
/** A catch-up that got no answer is tried again after this. */
const CATCH_UP_RETRY_MS = 1_000;
const DIRECT_GET_PREFIX = `$JS.API.DIRECT.GET.${STREAM_NAME}`;

export interface NatsSourceOptions extends BusLinkOptions {
  readonly events: BusEvents;
  /** The body of a message that only points at it. */
  readonly resolveBody: (sdkKey: SdkKey, sha256: Sha256) => Promise<Uint8Array>;
}

export class NatsSource implements Source {
  readonly name = 'nats';
  /** For what travels beside datafiles. */
  readonly channel = new SideChannel((error) => this.#failed(null, error));
  readonly #sink: Sink;
  readonly #options: NatsSourceOptions;
  readonly #subscriptions = new Map<SdkKey, Subscription | null>();
  readonly #link: BusLink;
  #connection: NatsConnection | null = null;
  #retryTimer: Timer | null = null;
  #stopped = false;
  /** Counts times that the link came up: a catch-up of an earlier one is not continued. */
  #epoch = 0;
  #failing = false;

  constructor(sink: Sink, options: NatsSourceOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#link = new BusLink(options, this.#linkEvents());
  }

  /** Connects in the background and keeps at it until stop(). */
  start(): void {
    this.#link.start();
  }

  /** Why the bus cannot be reached; null while it can, or nothing was tried yet. */
  get cause(): BusCause | null {
    return this.#link.cause;
  }

  /** Without a link there is nothing to look at yet: the key is asked for when the link comes up. */
  async watch(sdkKey: SdkKey): Promise<void> {
    if (this.#stopped) return;
    if (!this.#subscriptions.has(sdkKey)) this.#subscriptions.set(sdkKey, null);
    const connection = this.#connection;
    if (connection === null) return;
    const epoch = this.#epoch;
    this.#subscribe(connection, sdkKey);
    if (!(await this.#catchUp(connection, sdkKey))) this.#catchUpLater(connection, epoch);
  }

  unwatch(sdkKey: SdkKey): void {
    this.#subscriptions.get(sdkKey)?.unsubscribe();
    this.#subscriptions.delete(sdkKey);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.channel.down();
    this.#retryTimer?.cancel();
    this.#connection = null;
    await this.#link.stop();
  }

  #linkEvents(): LinkEvents {
    const { events, settings } = this.#options;
    return {
      up: (connection) => {
        this.#failing = false;
        this.#connection = connection;
        connection.subscribe(BEAT_SUBJECT, { callback: (error, message) => this.#onBeat(error, message) });
        void this.#linked(connection);
      },
      down: () => {
        this.#connection = null;
        for (const sdkKey of this.#subscriptions.keys()) this.#subscriptions.set(sdkKey, null);
        this.channel.down();
        events.disconnected();
      },
      stale: () => events.pingsUnanswered(),
      failed: (cause) => this.#sink.failed(this.name, null, busUnavailable(settings, cause)),
    };
  }

  /** The source asks for the messages that it missed meanwhile. */
  async #linked(connection: NatsConnection): Promise<void> {
    this.#epoch++;
    this.#options.events.connected();
    this.channel.up(connection);
    // Subscribed before asking, so that nothing falls between the answer and the first live message.
    for (const sdkKey of this.#subscriptions.keys()) this.#subscribe(connection, sdkKey);
    await this.#catchUpAll(connection, this.#epoch);
  }

  async #catchUpAll(connection: NatsConnection, epoch: number): Promise<void> {
    const asked = [...this.#subscriptions.keys()].map((sdkKey) => this.#catchUp(connection, sdkKey));
    const answered = await Promise.all(asked);
    if (!answered.every(Boolean)) this.#catchUpLater(connection, epoch);
    else if (!this.#stopped && epoch === this.#epoch) this.#options.events.caughtUp();
  }

  #catchUpLater(connection: NatsConnection, epoch: number): void {
    if (this.#stopped || epoch !== this.#epoch) return;
    this.#retryTimer?.cancel();
    const again = () => void this.#catchUpAll(connection, epoch);
    this.#retryTimer = this.#options.clock.after(CATCH_UP_RETRY_MS, again);
  }

  /**
   * Asks for the subject's last message. True when the bus answered, also that it has none. A bus without its stream does
   * not answer: it is not caught up, even when messages come live, until the first announcement has made one.
   */
  async #catchUp(connection: NatsConnection, sdkKey: SdkKey): Promise<boolean> {
    try {
      const subject = `${DIRECT_GET_PREFIX}.${datafileSubject(sdkKey)}`;
      const message = await connection.request(subject, undefined, { timeout: DIRECT_GET_TIMEOUT_MS });
      // Status 404: nothing was published for this key yet.
      if (message.headers !== undefined && message.headers.code < 400)
        await this.#onDatafile(sdkKey, message);
      this.#failing = false;
      return true;
    } catch (cause) {
      this.#failed(sdkKey, cause);
      return false;
    }
  }

  /** Told once per outage: attempts are made every second and faster. */
  #failed(sdkKey: SdkKey | null, cause: unknown): void {
    if (!this.#failing && !this.#stopped)
      this.#sink.failed(this.name, sdkKey, busUnavailable(this.#options.settings, busCauseOf(cause), cause));
    this.#failing = true;
  }

  #subscribe(connection: NatsConnection, sdkKey: SdkKey): void {
    if (this.#subscriptions.get(sdkKey)) return;
    const subscription = connection.subscribe(datafileSubject(sdkKey), {
      callback: (error, message) => {
        if (error !== null) this.#refused(sdkKey, error);
        else if (!isAnswer(message)) void this.#onDatafile(sdkKey, message);
      },
    });
    this.#subscriptions.set(sdkKey, subscription);
  }

  #refused(sdkKey: SdkKey, error: Error): void {
    this.#sink.failed(this.name, sdkKey, busUnavailable(this.#options.settings, busCauseOf(error), error));
  }

  /** Never rejects: a message that cannot be used is reported, and the next one may be better. */
  async #onDatafile(sdkKey: SdkKey, message: Msg): Promise<void> {
    if (this.#stopped || !this.#subscriptions.has(sdkKey)) return;
    try {
      const head = decodeHead((name) => message.headers?.get(name) ?? '');
      this.#options.events.head(sdkKey, head);
      await this.#sink.offer(this.#candidate(sdkKey, head, message));
    } catch (error) {
      this.#sink.failed(this.name, sdkKey, error);
    }
  }

  #candidate(sdkKey: SdkKey, head: EnvelopeHead, message: Msg): Candidate {
    const { lineage, seq, revision, sha256, changeId, receivedAtMs, publishedAtMs, signature } = head;
    return {
      sdkKey,
      lineage,
      seq,
      revision,
      sha256,
      changeId,
      receivedAtMs,
      publishedAtMs,
      ...(signature !== undefined && { signature }),
      lastModifiedMs: null,
      source: this.name,
      fromRecord: false,
      load: async () =>
        head.encoding === 'pointer'
          ? await this.#options.resolveBody(sdkKey, sha256)
          : decodeBody(head, message.data),
    };
  }

  #onBeat(error: Error | null, message: Msg): void {
    // A malformed one counts as missed: it proves nothing.
    const beat = error === null ? decodeBeat(message.data) : null;
    if (beat !== null) this.#options.events.beat(beat);
  }
}

/**
 * A server's answer to a request, such as a direct get, that a bus user had sent to a datafile's subject: the user that asks
 * names the subject of the answer, and the server does not check it. What publishers send has neither a status nor a sequence.
 */
const isAnswer = ({ headers }: Msg): boolean =>
  headers !== undefined && (headers.code !== 0 || headers.get('Nats-Sequence') !== '');
