// An event that waits to be sent: one visitor of an SDK event batch as JSON text, and the head that it shares with others.
// Pure; knows neither the SDK nor where events are kept.

/** What all events of one request have in common. */
export interface Lane {
  /** Where the SDK would send it. */
  readonly url: string;
  /** The request's body without its visitors: a JSON object with at least one field. */
  readonly head: string;
}

/** Where an event is on disk. */
export interface Place {
  readonly frame: FrameRef;
  readonly slot: number;
}

/** The little of a file that an event needs to know. */
export interface FrameRef {
  /** True when the file was given up: events of it that are in memory are in memory alone. */
  readonly segment: { readonly gone: boolean };
}

export interface QueuedEvent {
  readonly lane: Lane;
  readonly json: string;
  /** The queue's saving pass in which it came; younger ones may be delivered before they need the disk. */
  readonly pass: number;
  place: Place | null;
  /** True when the event was sent, refused or dropped. */
  done: boolean;
}

/** One request: events of one lane, never empty. */
export type Batch = readonly QueuedEvent[];

/** Takes events; the queue itself, or a way to it from another process. */
export interface EventSink {
  /** @param json one visitor, as the events endpoint wants it */
  add(url: string, head: string, json: string): void;
}

export const isOnDisk = ({ place }: QueuedEvent): boolean => place !== null && !place.frame.segment.gone;

/** About the bytes that an event takes; text outside ASCII takes more. */
export const sizeOf = ({ json }: QueuedEvent): number => json.length;

export function bodyOf(batch: Batch): string {
  const { head } = (batch[0] as QueuedEvent).lane;
  let body = `${head.slice(0, -1)},"visitors":[`;
  for (let i = 0; i < batch.length; i++)
    body += i === 0 ? (batch[i] as QueuedEvent).json : `,${(batch[i] as QueuedEvent).json}`;
  return `${body}]}`;
}

/** Events of any lanes as requests of at most `batchSize`, in their order within a lane. */
export function* batchesOf(events: readonly QueuedEvent[], batchSize: number): Iterable<Batch> {
  for (const lane of Map.groupBy(events, (event) => event.lane).values())
    for (let i = 0; i < lane.length; i += batchSize) yield lane.slice(i, i + batchSize);
}

/** Pieces of at most `bytesMax`, but for a single event that is larger. */
export function* slicesOf(events: readonly QueuedEvent[], bytesMax: number): Iterable<QueuedEvent[]> {
  let slice: QueuedEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    if (slice.length > 0 && bytes + sizeOf(event) > bytesMax) {
      yield slice;
      slice = [];
      bytes = 0;
    }
    slice.push(event);
    bytes += sizeOf(event);
  }
  if (slice.length > 0) yield slice;
}
