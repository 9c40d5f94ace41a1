// The engine's side: an event of an outcome that is known already needs only a user, a time and an id. Batching, sending and
// keeping are the sink's.

import type { Random } from '../../core/clock.ts';
import { type EventPieces, eventText } from '../../core/engine/said/event-text.ts';
import { uuid } from '../../core/uuid.ts';
import type { EventSink } from './event.ts';

/** @param visitor see Engine.visitor() */
export type SendEvent = (pieces: EventPieces, visitor: string) => void;

export interface SenderDeps {
  readonly nowMs: () => number;
  readonly random: Random;
}

/** Never throws: a decision must not fail for its event. */
export const createSender =
  (sink: EventSink, { nowMs, random }: SenderDeps): SendEvent =>
  (pieces, visitor) =>
    sink.add(pieces.url, pieces.head, eventText(pieces, visitor, nowMs(), uuid(random)));
