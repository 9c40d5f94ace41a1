// The bus as publishers use it: NATS JetStream, with one connection kept across invocations. What is announced, and whether it
// should be, is decided in functions/publish/swap-head.ts.

import { encodeBeat } from '../../core/bus/beat.ts';
import type { BusCredentials } from '../../core/bus/credentials.ts';
import { decodeHead } from '../../core/bus/envelope.ts';
import { type Clock, withinMs } from '../../core/clock.ts';
import { FanoutError, isFanoutError } from '../../core/errors.ts';
import { BEAT_SUBJECT, datafileSubject, STREAM_NAME } from '../../core/record/names.ts';
import {
  type Connect,
  ErrorCode,
  type Msg,
  type NatsConnection,
  NatsError,
  natsHeaders,
} from '../../io/nats.ts';
import type { Bus, BusHead, HearAgents } from '../ports.ts';
import { type CachedSecret, unchanging } from '../settings/refreshing-secret.ts';
import { openConnection, busUnavailable as unavailable } from './connection.ts';
import { hearAgents } from './listener.ts';
import { ReusedConnection } from './reused-connection.ts';
import { ensureStream, type StreamApi } from './stream.ts';

const REQUEST_TIMEOUT_MS = 800;
const PROBE_TIMEOUT_MS = 250;
/** JetStream's error for a publish whose expected last subject sequence was not the last. */
const WRONG_LAST_SEQUENCE = 10071;
const NO_SUCH_MESSAGE = 404;

export interface BusSettings extends BusCredentials {
  /** ws:// or wss:// URLs of one cluster. */
  readonly servers: readonly string[];
  readonly replicas: number;
}

interface PublishAck {
  readonly seq?: number;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

export class NatsBus implements Bus {
  readonly #replicas: number;
  readonly #clock: Clock;
  readonly #kept: ReusedConnection<NatsConnection>;

  /**
   * @param credentials where they come from when they are not part of the settings
   * @param connectTo the client's own connect, or what stands in for it
   */
  constructor(
    settings: BusSettings,
    clock: Clock,
    credentials: CachedSecret<BusCredentials> = unchanging(settings),
    connectTo?: Connect,
  ) {
    this.#replicas = settings.replicas;
    this.#clock = clock;
    const connector = {
      open: () => openConnection(settings.servers, credentials, connectTo),
      probe: (connection: NatsConnection) => this.#flush(connection, PROBE_TIMEOUT_MS),
      close: closeQuietly,
      ended: (connection: NatsConnection) => connection.closed(),
    };
    this.#kept = new ReusedConnection(connector, clock);
  }

  readHead: Bus['readHead'] = async (sdkKey) => {
    const message = await this.#requestHead(`$JS.API.DIRECT.GET.${STREAM_NAME}.${datafileSubject(sdkKey)}`);
    const get = (name: string): string => message.headers?.get(name) ?? '';
    // With a sequence it is a stored message that looks so: an answer which a bus user had sent to this subject.
    if (message.headers?.code === NO_SUCH_MESSAGE && get('Nats-Sequence') === '') return null;
    const streamSequence = Number(get('Nats-Sequence'));
    if (!Number.isSafeInteger(streamSequence) || streamSequence < 1)
      throw unavailable(
        `answered a direct get with ${message.headers?.code} ${message.headers?.description}`,
      );
    return { head: decodeHeadOrNull(get), streamSequence };
  };

  publish: Bus['publish'] = async (sdkKey, envelope, expectedStreamSequence) => {
    const headers = natsHeaders();
    for (const [name, value] of Object.entries(envelope.headers)) headers.set(name, value);
    headers.set('Nats-Expected-Stream', STREAM_NAME);
    headers.set('Nats-Expected-Last-Subject-Sequence', String(expectedStreamSequence));
    const message = await this.#request(datafileSubject(sdkKey), envelope.payload, headers);
    const { seq, error } = message.json<PublishAck>();
    if (error?.err_code === WRONG_LAST_SEQUENCE) return 'conflict';
    if (error !== undefined) throw unavailable(`refused a message: ${error.description}`);
    if (seq === undefined) throw unavailable('acknowledged a message without a sequence');
    return 'published';
  };

  payloadBytesMax: Bus['payloadBytesMax'] = async () => {
    const maxPayload = (await this.#kept.get()).info?.max_payload;
    if (maxPayload === undefined) throw unavailable('did not say its max_payload');
    return maxPayload;
  };

  sendBeat: Bus['sendBeat'] = async (beat) => {
    const connection = await this.#kept.get();
    connection.publish(BEAT_SUBJECT, encodeBeat(beat));
    await this.#flush(connection, REQUEST_TIMEOUT_MS);
  };

  hearAgents: HearAgents = async () => hearAgents(await this.#kept.get());

  ensureStream: Bus['ensureStream'] = () => ensureStream(this.#streamApi, this.#replicas);

  reset: Bus['reset'] = () => this.#kept.reset();

  /** A direct get that no stream serves is not answered at all (seen on 2.9.10): ask why before blaming the bus. */
  async #requestHead(subject: string): Promise<Msg> {
    const { resets } = this.#kept;
    try {
      return await this.#request(subject);
    } catch (error) {
      if (!isTimeout(error) || this.#kept.resets !== resets) throw error;
      const { config } = await this.#streamApi('INFO');
      throw config?.allow_direct === true ? error : streamMissing(subject);
    }
  }

  #streamApi: StreamApi = async (action, body) => {
    const payload = new TextEncoder().encode(body === undefined ? '' : JSON.stringify(body));
    return (await this.#request(`$JS.API.STREAM.${action}.${STREAM_NAME}`, payload)).json();
  };

  async #request(
    subject: string,
    payload?: Uint8Array,
    headers?: ReturnType<typeof natsHeaders>,
  ): Promise<Msg> {
    const connection = await this.#kept.get();
    try {
      const options = { timeout: REQUEST_TIMEOUT_MS, ...(headers && { headers }) };
      const message = await connection.request(subject, payload, options);
      this.#kept.touch();
      return message;
    } catch (error) {
      if (error instanceof NatsError && error.code === ErrorCode.NoResponders) throw streamMissing(subject);
      throw unavailable(`did not answer on ${apiOf(subject)}`, error);
    }
  }

  async #flush(connection: NatsConnection, timeoutMs: number): Promise<void> {
    try {
      await withinMs(this.#clock, timeoutMs, connection.flush(), () => {
        throw unavailable(`did not answer a ping within ${timeoutMs} ms`);
      });
    } catch (error) {
      throw isFanoutError(error) ? error : unavailable('lost the connection', error);
    }
  }
}

function decodeHeadOrNull(get: (name: string) => string): BusHead['head'] {
  try {
    return decodeHead(get);
  } catch (error) {
    if (isFanoutError(error, 'ENVELOPE_INVALID')) return null;
    throw error;
  }
}

function closeQuietly(connection: NatsConnection): void {
  // Already given up: how its closing goes changes nothing.
  connection.close().catch(() => {});
}

/** `$JS.API.DIRECT.GET` of a longer subject: enough to see what was asked. */
const apiOf = (subject: string): string => subject.split('.').slice(0, 4).join('.');

const isTimeout = (error: unknown): boolean =>
  error instanceof FanoutError && error.cause instanceof NatsError && error.cause.code === ErrorCode.Timeout;

const streamMissing = (subject: string) =>
  new FanoutError({
    code: 'STREAM_MISSING',
    message: `No stream answers on ${apiOf(subject)}: ${STREAM_NAME} is not there, or not as wanted`,
    remedy:
      'The bridge and reconcile functions create it; if it stays away, check that JetStream is enabled.',
    retryable: true,
  });
