// The decider's side: an event of an outcome that is known already needs only a user, a time and an id. Batching, sending
// and keeping are the sink's.

import type { Random } from '../../core/clock.ts';
import type { EventPieces } from '../../core/engine/outcome.ts';
import { uuid } from '../../core/uuid.ts';
import type { EventSink } from './event.ts';
import { eventText } from './event-tap.ts';

/** @param visitor made by visitorText() */
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
