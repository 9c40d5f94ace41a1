// What a listener is told, as text: the SDK's notifications in the words and order of the original's stream. Pure.

import type { DecisionPayload, TrackPayload } from '../decisions/sdk-types.ts';
import { keepCountable } from '../events/conversion.ts';

export const NOTIFICATION_KINDS = ['decision', 'track', 'project_config_update'] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

export interface Notification {
  readonly kind: NotificationKind;
  /** One line of JSON. */
  readonly text: string;
}

type Values = Readonly<Record<string, unknown>>;

/** What the SDK does not hand to its listeners. */
export interface Untold {
  /** As they came; null where the request has none. */
  readonly attributes?: Values | null;
  /** Null where they were not asked for. */
  readonly segments?: readonly string[] | null;
  /** In place of the SDK's. */
  readonly reasons?: readonly string[];
}

/** The notification of a decision, whether decide, activate or a feature's variables made it. */
export function decisionNotification(
  { type, userId, attributes, decisionInfo }: DecisionPayload,
  { attributes: own, segments = null, reasons }: Untold = {},
): Notification {
  const info = reasons === undefined ? decisionInfo : { ...decisionInfo, reasons };
  return note('decision', {
    Type: type,
    UserContext: userContext(userId, own === undefined ? (attributes ?? {}) : own, segments),
    DecisionInfo: decisionInfoOf(type, info),
  });
}

/** A flag as /v1/activate decides it: with its variables, as a feature. */
export interface DecidedFeature {
  readonly featureKey: string;
  readonly featureEnabled: boolean;
  /** Empty where there was no decision. */
  readonly source: 'feature-test' | 'holdout' | 'rollout' | '';
  /** Of an experiment. */
  readonly ruleKey: string;
  readonly variationKey: string;
  readonly variableValues: Values;
}

export function featureNotification(
  userId: string,
  attributes: Values | null,
  decided: DecidedFeature,
): Notification {
  const { featureKey, featureEnabled, source, ruleKey, variationKey, variableValues } = decided;
  const sourceInfo = source === 'feature-test' ? { experimentKey: ruleKey, variationKey } : {};
  return note('decision', {
    Type: 'all-feature-variables',
    UserContext: userContext(userId, attributes),
    DecisionInfo: { feature: { featureEnabled, featureKey, source, sourceInfo, variableValues } },
  });
}

export function trackNotification(
  { eventKey, userId, attributes, eventTags, logEvent }: TrackPayload,
  { attributes: own, eventTags: ownTags }: Pick<Untold, 'attributes'> & { eventTags?: Values | null } = {},
): Notification {
  const visitor = logEvent.params.visitors[0];
  const event = visitor?.snapshots[0]?.events[0];
  if (event !== undefined) keepCountable(event);
  const tags = ownTags === undefined ? event?.tags : ownTags;
  return note('track', {
    EventKey: eventKey,
    UserContext: userContext(userId, own === undefined ? (attributes ?? null) : own),
    EventTags: ownTags === undefined ? (eventTags ?? null) : ownTags,
    ConversionEvent: {
      entity_id: event?.entity_id,
      key: event?.key,
      Attributes: visitor?.attributes.map(({ value, key, type, entity_id }) => ({
        value,
        key,
        type,
        entity_id,
      })),
      tags: isEmpty(tags) ? undefined : tags,
      revenue: event?.revenue ?? undefined,
      value: event?.value ?? undefined,
    },
  });
}

export const configUpdateNotification = (revision: number): Notification =>
  note('project_config_update', { Type: 'project_config_update', Revision: String(revision) });

/** The kinds that `filter` values name, each value a comma list; all when there are none. */
export function kindsOf(filters: readonly string[]): ReadonlySet<NotificationKind> {
  if (filters.length === 0) return new Set(NOTIFICATION_KINDS);
  const named = filters.flatMap((filter) => filter.split(','));
  return new Set(NOTIFICATION_KINDS.filter((kind) => named.includes(kind)));
}

const note = (kind: NotificationKind, value: object): Notification => ({ kind, text: JSON.stringify(value) });

const userContext = (userId: string, attributes: unknown, segments: readonly string[] | null = null) => ({
  ID: userId,
  Attributes: attributes,
  QualifiedSegments: segments,
});

/** The original nests everything about features once more, and knows no null: an experiment without variation names none. */
function decisionInfoOf(type: string, info: object): object {
  if (type !== 'flag' && type !== 'ab-test' && type !== 'feature-test') return { feature: info };
  const entries = Object.entries(info).sort(([a], [b]) => (a < b ? -1 : 1));
  const told = type === 'flag' ? entries : entries.filter(([, value]) => value !== null);
  return Object.fromEntries(told.map(([key, value]) => [key, value ?? '']));
}

function isEmpty(value: object | null | undefined): boolean {
  for (const _ in value ?? {}) return false;
  return true;
}
