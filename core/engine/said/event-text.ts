// An impression as the events endpoint takes it, in pieces: all but the user, the time and an id is the same for every user of
// one outcome. The same fields in the same order as the Optimizely SDK's (log_event.ts). Pure.

import type { DatafileJson, Rule, Variation } from '../../datafile/shape.ts';
import { type Attributes, isComparable } from '../audience/match.ts';
import type { Project } from '../project/project.ts';

const ENDPOINTS: ReadonlyMap<unknown, string> = new Map([
  ['US', 'https://logx.optimizely.com/v1/events'],
  ['EU', 'https://eu.logx.optimizely.com/v1/events'],
]);
const DEFAULT_REGION = 'US';
const RESERVED_PREFIX = '$opt_';
const BOT_FILTERING = '$opt_bot_filtering';
const NUMBER = /^[0-9]+$/;

/** Who events name as their sender. */
export interface Sender {
  readonly name: string;
  readonly version: string;
}

/** What all events of a datafile have in common. */
export interface EventHead {
  readonly url: string;
  /** The request's body without its visitors. */
  readonly head: string;
}

/** One event's text, without its user, its time and its id. */
export interface EventPieces extends EventHead {
  readonly beforeTime: string;
  readonly beforeId: string;
  readonly afterId: string;
  /** Of a user who is in no variation some routes send none. */
  readonly hasVariation: boolean;
}

export function eventHead(datafile: DatafileJson, { name, version }: Sender): EventHead {
  const { accountId, projectId, revision, anonymizeIP, region } = datafile;
  return {
    url: ENDPOINTS.get(region || DEFAULT_REGION) ?? (ENDPOINTS.get(DEFAULT_REGION) as string),
    head: JSON.stringify({
      client_name: name,
      client_version: version,
      account_id: accountId,
      project_id: projectId,
      revision,
      anonymize_ip: anonymizeIP || false,
      enrich_decisions: true,
      region: typeof region === 'string' && region !== '' ? region : DEFAULT_REGION,
    }),
  };
}

export interface Impression {
  readonly flagKey: string;
  /** Null where none decided. */
  readonly rule: Rule | null;
  readonly variation: Variation | null;
  readonly source: string;
  readonly enabled: boolean;
}

export function eventPieces(head: EventHead, impression: Impression, project: Project): EventPieces {
  const { flagKey, rule, variation, source, enabled } = impression;
  const experimentId = rule?.id ?? '';
  // Of several rules with one id the last has the layer; holdouts have none.
  const layerId = rule === null || source === 'holdout' ? '' : project.ruleById.get(rule.id)?.layerId;
  const campaignId = layerId || experimentId || null;
  const variationId = variation !== null && NUMBER.test(variation.id) ? variation.id : null;
  const decision = {
    campaign_id: campaignId,
    experiment_id: experimentId,
    variation_id: variationId,
    metadata: {
      flag_key: flagKey,
      rule_key: rule?.key ?? '',
      rule_type: source,
      variation_key: variation?.key ?? '',
      enabled,
    },
  };
  const entity = JSON.stringify({ entity_id: campaignId }).slice(1, -1);
  return {
    ...head,
    beforeTime: `[{"decisions":[${JSON.stringify(decision)}],"events":[{${entity},`,
    beforeId: ',"key":"campaign_activated",',
    afterId: '}]}]',
    hasVariation: (variation?.key ?? '') !== '',
  };
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

/** Attribute ids by key. */
export type AttributeIds = ReadonlyMap<string, unknown>;

/** The attributes as events name them; the SDK's own selection and order. */
export function eventAttributes(attributes: Attributes, ids: AttributeIds, botFiltering: unknown): string {
  const known: object[] = [];
  for (const key in attributes) {
    const id = ids.has(key) ? ids.get(key) : key.startsWith(RESERVED_PREFIX) ? key : null;
    const value = attributes[key];
    // What can be compared is also what the events endpoint takes.
    if (id && isComparable(value)) known.push({ entity_id: id, key, type: 'custom', value });
  }
  if (typeof botFiltering === 'boolean')
    known.push({ entity_id: BOT_FILTERING, key: BOT_FILTERING, type: 'custom', value: botFiltering });
  return JSON.stringify(known);
}
