// Sees the events that the SDK makes during one decision, on their way to the queue, and takes them apart: the next of the
// same outcome is made without the SDK. Knows neither the SDK nor the queue.

import type { EventPieces } from '../../core/engine/outcome.ts';

/** As the SDK hands them over. */
export interface SdkEvent {
  readonly url: string;
  readonly params: object;
}

export interface Dispatcher<E extends SdkEvent, R> {
  dispatchEvent(event: E): R;
}

export class EventTap<E extends SdkEvent, R> implements Dispatcher<E, R> {
  readonly #next: Dispatcher<E, R>;
  #seen: E[] | null = null;

  constructor(next: Dispatcher<E, R>) {
    this.#next = next;
  }

  dispatchEvent(event: E): R {
    this.#seen?.push(event);
    return this.#next.dispatchEvent(event);
  }

  /** The events that `run` makes within its call. */
  during<T>(run: () => T): { readonly value: T; readonly events: readonly E[] } {
    const events: E[] = [];
    this.#seen = events;
    try {
      return { value: run(), events };
    } finally {
      this.#seen = null;
    }
  }
}

interface Batch {
  readonly visitors: readonly Visitor[];
}

interface Visitor {
  readonly snapshots: readonly { readonly events: readonly { timestamp: number; uuid: string }[] }[];
  readonly visitor_id: string;
  readonly attributes: unknown;
}

/**
 * @param visitor what visitorText() makes of the event's user
 * @returns undefined where the event is not of the expected shape
 */
export function eventPieces({ url, params }: SdkEvent, visitor: string): EventPieces | undefined {
  const { visitors, ...head } = params as Batch;
  const [only] = visitors;
  const [made] = only?.snapshots[0]?.events ?? [];
  if (only === undefined || made === undefined || visitors.length !== 1) return undefined;
  if (visitorText(only.visitor_id, JSON.stringify(only.attributes)) !== visitor) return undefined;
  const [beforeTime, afterTime] = around(JSON.stringify(only.snapshots), `"timestamp":${made.timestamp}`);
  const [beforeId, afterId] = around(afterTime, `"uuid":"${made.uuid}"`);
  const pieces = { url, head: JSON.stringify(head), beforeTime, beforeId, afterId };
  const again = eventText(pieces, visitor, made.timestamp, made.uuid);
  return again === JSON.stringify(only) ? pieces : undefined;
}

/** The user of an event, the same in all events of a request. @param attributes as JSON */
export const visitorText = (userId: string, attributes: string): string =>
  `"visitor_id":${JSON.stringify(userId)},"attributes":${attributes}}`;

/** One visitor, as the events endpoint wants it. @param visitor made by visitorText() */
export const eventText = (
  { beforeTime, beforeId, afterId }: EventPieces,
  visitor: string,
  timestampMs: number,
  id: string,
): string =>
  `{"snapshots":${beforeTime}"timestamp":${timestampMs}${beforeId}"uuid":"${id}"${afterId},${visitor}`;

function around(text: string, middle: string): readonly [before: string, after: string] {
  const at = text.indexOf(middle);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + middle.length)];
}
