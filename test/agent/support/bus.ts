// The publishing side of a real bus, for tests of agents: the stream as the bridge makes it, and any message at all.

import { connect, headers, type NatsConnection } from 'nats.ws';
import { encodeBeat } from '../../../core/bus/beat.ts';
import { compressBody, encodeEnvelope } from '../../../core/bus/envelope.ts';
import { type AgentReport, decodeReport } from '../../../core/bus/refusal-reports.ts';
import type { SdkKey } from '../../../core/ids.ts';
import type { Manifest } from '../../../core/record/manifest.ts';
import {
  BEAT_SUBJECT,
  CANARY_SUBJECTS,
  datafileSubject,
  STREAM_NAME,
  STREAM_SUBJECTS,
} from '../../../core/record/names.ts';
import { eventually } from '../../support/eventually.ts';
import { realClock } from './fakes.ts';

const PAYLOAD_BYTES_MAX = 1024 * 1024;

export class TestPublisher {
  readonly #connection: NatsConnection;

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  static async connect(url: string): Promise<TestPublisher> {
    return new TestPublisher(
      await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 100 }),
    );
  }

  async createStream(): Promise<void> {
    const config = {
      name: STREAM_NAME,
      subjects: [STREAM_SUBJECTS],
      max_msgs_per_subject: 1,
      allow_direct: true,
    };
    const body = JSON.stringify({
      ...config,
      storage: 'file',
      retention: 'limits',
      discard: 'old',
      num_replicas: 1,
    });
    await this.#connection.request(`$JS.API.STREAM.CREATE.${STREAM_NAME}`, body);
  }

  async deleteStream(): Promise<void> {
    await this.#connection.request(`$JS.API.STREAM.DELETE.${STREAM_NAME}`);
  }

  /** Announces a manifest's head with `body`, which may be a wrong one; resolves when the server has it. */
  async announce(manifest: Manifest, body: Uint8Array, payloadBytesMax = PAYLOAD_BYTES_MAX): Promise<void> {
    const envelope = encodeEnvelope(manifest, await compressBody(body), payloadBytesMax);
    await this.publish(manifest.sdkKey, envelope.headers, envelope.payload);
  }

  async publish(
    sdkKey: SdkKey,
    fields: Readonly<Record<string, string>>,
    payload: Uint8Array,
  ): Promise<void> {
    const all = headers();
    for (const [name, value] of Object.entries(fields)) all.set(name, value);
    await this.#send(() => this.#connection.publish(datafileSubject(sdkKey), payload, { headers: all }));
  }

  /** Repeated while the server is away. */
  #send(publish: () => void): Promise<true> {
    return eventually('the server takes a message', async () => {
      publish();
      await this.#connection.flush();
      return true;
    });
  }

  /** @param askShare of the agents that are to say what they refuse; left out, none */
  async beat(manifests: readonly Manifest[], askShare?: number): Promise<void> {
    const heads = new Map(manifests.map(({ sdkKey, lineage, seq }) => [sdkKey, { lineage, seq }]));
    const sentAtMs = realClock.nowMs();
    const beat = encodeBeat({ sentAtMs, heads, ...(askShare === undefined ? {} : { askShare }) });
    await this.#send(() => this.#connection.publish(BEAT_SUBJECT, beat));
  }

  /** What agents say of versions that they refuse. */
  hear(): AgentReport[] {
    const reports: AgentReport[] = [];
    this.#connection.subscribe(CANARY_SUBJECTS, {
      callback: (_, { data }) => reports.push(decodeReport(data) as AgentReport),
    });
    return reports;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
