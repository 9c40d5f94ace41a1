// Notes on their way to other agents: gathered for a moment and sent as one message, so that a busy agent costs the bus
// a few messages a second. Notes that do not fit are dropped and counted: they are for watching, not for keeping.

import type { Clock, Timer } from '../../core/clock.ts';
import type { Notification } from './notification.ts';
import { NOTIFICATION_KINDS, type NotificationKind } from './notification.ts';

/** How long a note may wait for others. */
export const GATHER_MS = 20;
/** Of one message; well below the server's usual 1 MiB. */
export const MESSAGE_BYTES_MAX = 128 * 1024;
/** Messages sent per GATHER_MS at most; the rest is dropped. */
const MESSAGES_MAX = 8;
/** Its first line is this and the sender's id. */
const PREFIX = '1 ';

export interface OutboxOptions {
  readonly from: string;
  readonly clock: Clock;
  readonly send: (message: Uint8Array) => void;
  /** Called once for each batch that lost notes. */
  readonly onDropped: (count: number) => void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  #messages: string[][] = [];
  /** Of the message being filled, in characters: three bytes each at the worst. */
  #chars = 0;
  #dropped = 0;
  #timer: Timer | null = null;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  add({ kind, text }: Notification): void {
    const line = `${kind} ${text}`;
    if (line.length * 3 > MESSAGE_BYTES_MAX || !this.#makeRoom(line.length)) {
      this.#dropped++;
    } else {
      this.#messages.at(-1)?.push(line);
      this.#chars += line.length + 1;
    }
    this.#timer ??= this.#options.clock.after(GATHER_MS, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const messages = this.#messages;
    const dropped = this.#dropped;
    this.#messages = [];
    this.#chars = 0;
    this.#dropped = 0;
    const { from, send, onDropped } = this.#options;
    for (const lines of messages) send(encodeNotifications(from, lines));
    if (dropped > 0) onDropped(dropped);
  }

  /** Drops the waiting notes. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#messages = [];
  }

  #makeRoom(chars: number): boolean {
    const full = (this.#chars + chars) * 3 > MESSAGE_BYTES_MAX;
    if (this.#messages.length > 0 && !full) return true;
    if (this.#messages.length === MESSAGES_MAX) return false;
    this.#messages.push([]);
    this.#chars = 0;
    return true;
  }
}

const encodeNotifications = (from: string, lines: readonly string[]): Uint8Array =>
  Buffer.from(`${PREFIX}${from}\n${lines.join('\n')}`);

/** Null when the message is not in this format: of a later version, or of another program on the bus. */
export function decodeNotifications(message: Uint8Array): { from: string; notes: Notification[] } | null {
  const [first, ...lines] = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
    .toString()
    .split('\n');
  if (!first?.startsWith(PREFIX)) return null;
  const notes = lines.map((line): Notification => {
    const space = line.indexOf(' ');
    return { kind: line.slice(0, space) as NotificationKind, text: line.slice(space + 1) };
  });
  // What listeners get is one line, and to them a carriage return ends one too; our JSON never holds it.
  const known = notes.every(({ kind, text }) => NOTIFICATION_KINDS.includes(kind) && !text.includes('\r'));
  return known ? { from: first.slice(PREFIX.length), notes } : null;
}
