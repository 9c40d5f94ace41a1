// What a listener is told, as text: the SDK's notifications in the words and order of the original's stream. Pure.

import type { DecisionPayload, TrackPayload } from '../clients.ts';
import { keepCountable } from '../events/conversion.ts';

export const NOTE_KINDS = ['decision', 'track', 'project_config_update'] as const;
export type NoteKind = (typeof NOTE_KINDS)[number];

export interface Note {
  readonly kind: NoteKind;
  /** One line of JSON. */
  readonly text: string;
}

/** A decision, whatever made it: decide, activate or a feature's variables. */
export function decisionNote({ type, userId, attributes, decisionInfo }: DecisionPayload): Note {
  return note('decision', {
    Type: type,
    UserContext: userContext(userId, attributes ?? {}),
    DecisionInfo: decisionInfoOf(type, decisionInfo),
  });
}

export function trackNote({ eventKey, userId, attributes, eventTags, logEvent }: TrackPayload): Note {
  const visitor = logEvent.params.visitors[0];
  const event = visitor?.snapshots[0]?.events[0];
  if (event !== undefined) keepCountable(event);
  return note('track', {
    EventKey: eventKey,
    UserContext: userContext(userId, isEmpty(attributes) ? null : attributes),
    EventTags: eventTags ?? null,
    ConversionEvent: {
      entity_id: event?.entity_id,
      key: event?.key,
      Attributes: visitor?.attributes.map(({ value, key, type, entity_id }) => ({
        ...{ value, key, type, entity_id },
      })),
      tags: isEmpty(event?.tags) ? undefined : event?.tags,
      revenue: event?.revenue ?? undefined,
      value: event?.value ?? undefined,
    },
  });
}

export const configUpdateNote = (revision: number): Note =>
  note('project_config_update', { Type: 'project_config_update', Revision: String(revision) });

/** The kinds that `filter` values name, each value a comma list; all when there are none. */
export function kindsOf(filters: readonly string[]): ReadonlySet<NoteKind> {
  if (filters.length === 0) return new Set(NOTE_KINDS);
  const named = filters.flatMap((filter) => filter.split(','));
  return new Set(NOTE_KINDS.filter((kind) => named.includes(kind)));
}

const note = (kind: NoteKind, value: object): Note => ({ kind, text: JSON.stringify(value) });

/** The SDK does not hand segments to its listeners. */
const userContext = (userId: string, attributes: unknown) => ({
  ID: userId,
  Attributes: attributes,
  QualifiedSegments: null,
});

/** The original nests everything about features once more, and knows no null. */
function decisionInfoOf(type: string, info: DecisionPayload['decisionInfo']): object {
  if (type === 'flag' || type === 'ab-test' || type === 'feature-test') {
    const entries = Object.entries(info).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, value]) => [key, value ?? '']));
  }
  return { feature: info };
}

function isEmpty(value: object | null | undefined): boolean {
  for (const _ in value ?? {}) return false;
  return true;
}
