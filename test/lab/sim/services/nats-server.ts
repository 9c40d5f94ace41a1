// One region's nats-server: the stream's last messages, and who is connected. A publish with a wrong expectation is refused
// by the stream and still heard by plain subscribers, as the real one has it. Knows nothing of how messages are lost.

import type { World } from '../world.ts';

export interface Message {
  readonly subject: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly payload: Uint8Array;
  /** Place in the stream; 0 for what is not kept. */
  readonly streamSequence: number;
  readonly atMs: number;
}

export interface Connected {
  readonly name: string;
  isSubscribed(subject: string): boolean;
  deliver(message: Message): void;
  /** The server has gone, or has closed this connection. */
  dropped(): void;
}

export interface Reply {
  readonly code: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly payload: Uint8Array;
}

export const NO_HEADERS: ReadonlyMap<string, string> = new Map();
const EMPTY = new Uint8Array(0);
const json = (value: object): Reply => ({
  code: 0,
  headers: NO_HEADERS,
  payload: new TextEncoder().encode(JSON.stringify(value)),
});

export class NatsServer {
  readonly region: string;
  readonly heads = new Map<string, Message>();
  readonly connected = new Set<Connected>();
  isUp = true;
  /** Called with each message that the stream kept. */
  onKept: (message: Message, before: Message | null, by: string) => void = () => {};
  /** Called when the stream has lost all its messages. */
  onWiped: () => void = () => {};
  readonly #world: World;
  #stream: Record<string, unknown> | null = null;
  #sequence = 0;

  constructor(region: string, world: World) {
    this.region = region;
    this.#world = world;
  }

  /** Null: no answer comes. `no-responders`: the server says that the subject has no subscriber. */
  request(
    subject: string,
    headers: ReadonlyMap<string, string>,
    payload: Uint8Array,
    by: string,
  ): Reply | 'no-responders' | null {
    const [root, , , action] = subject.split('.');
    if (root !== '$JS') return this.#publishExpecting(subject, headers, payload, by);
    if (action === 'GET') return this.#directGet(subject.split('.').slice(5).join('.'));
    return this.#streamApi(action ?? '', payload);
  }

  /** To every plain subscriber. */
  publish(message: Message): void {
    for (const connected of [...this.connected])
      if (connected.isSubscribed(message.subject)) connected.deliver(message);
  }

  stop(keepsStream: boolean): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.#world.note(`nats-${this.region}`, keepsStream ? 'stops' : 'stops and loses its stream');
    if (!keepsStream) {
      this.#stream = null;
      this.#sequence = 0;
      this.heads.clear();
      this.onWiped();
    }
    for (const connected of [...this.connected]) connected.dropped();
    this.connected.clear();
  }

  start(): void {
    if (this.isUp) return;
    this.isUp = true;
    this.#world.note(`nats-${this.region}`, 'is up again');
  }

  #publishExpecting(
    subject: string,
    headers: ReadonlyMap<string, string>,
    payload: Uint8Array,
    by: string,
  ): Reply | 'no-responders' {
    const before = this.heads.get(subject) ?? null;
    const expected = headers.get('Nats-Expected-Last-Subject-Sequence');
    const isKept =
      this.#stream !== null && (expected === undefined || Number(expected) === (before?.streamSequence ?? 0));
    const streamSequence = isKept ? ++this.#sequence : 0;
    const message = { subject, headers, payload, streamSequence, atMs: this.#world.nowMs };
    const what = `${headers.get('Df-Encoding')} seq ${headers.get('Df-Seq')} of ${headers.get('Df-Lineage')}`;
    this.#world.note(
      `nats-${this.region}`,
      `${isKept ? 'keeps' : 'passes on'} ${what} from ${by}`,
      subject.slice('df.v1.'.length),
    );
    if (isKept) {
      this.heads.set(subject, message);
      this.onKept(message, before, by);
    }
    this.publish(message);
    if (this.#stream === null) return 'no-responders';
    if (!isKept) return json({ error: { err_code: 10_071, description: 'wrong last sequence' } });
    return json({ stream: 'DATAFILES', seq: streamSequence });
  }

  #directGet(subject: string): Reply | null {
    if (this.#stream === null) return null;
    const message = this.heads.get(subject);
    if (message === undefined) return { code: 404, headers: NO_HEADERS, payload: EMPTY };
    const headers = new Map(message.headers).set('Nats-Sequence', String(message.streamSequence));
    return { code: 0, headers, payload: message.payload };
  }

  #streamApi(action: string, payload: Uint8Array): Reply {
    if (action === 'INFO') {
      if (this.#stream !== null) return json({ config: this.#stream });
      return json({ error: { err_code: 10_059, description: 'stream not found' } });
    }
    if (action === 'CREATE' && this.#stream !== null)
      return json({ error: { err_code: 10_058, description: 'stream name already in use' } });
    this.#stream = JSON.parse(new TextDecoder().decode(payload));
    this.#world.note(`nats-${this.region}`, `stream: ${action}`);
    return json({ config: this.#stream ?? {} });
  }
}
