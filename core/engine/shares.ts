// How a rule or a holdout draws: who is in its audience, and which part of the traffic comes to what. Pure.

import type { Allocation, Group, Rule, Variation } from '../datafile/shape.ts';
import type { AudienceUser, Test } from './audience/match.ts';
import { bucketOf } from './bucket.ts';
import { expectKnown, expectKnownType } from './project/known-fields.ts';
import type { Project } from './project/project.ts';
import { nameOf, Refusal } from './refusal.ts';

export interface RuleUser extends AudienceUser {
  readonly bucketingId: string;
}

/** A part of the traffic and what it comes to; null: nothing. */
interface Share<T> {
  readonly endOfRange: number;
  readonly result: T | null;
}

export interface Drawing<T> {
  readonly id: string;
  readonly admits: Test;
  readonly shares: readonly Share<T>[];
  /** Of experiments that exclude each other; null for one that stands alone. */
  readonly group: Group | null;
}

/** @throws Refusal, TypeError, SyntaxError where the SDK must decide */
export function drawingOf<T>(
  rule: Rule,
  project: Project,
  resultOf: (variation: Variation) => T,
): Drawing<T> {
  nameOf(rule.id, `the id of rule "${rule.key}"`);
  nameOf(rule.key, `the key of rule "${rule.id}"`);
  if (rule.cmab) throw new Refusal('prediction', `rule "${rule.key}" asks for a prediction`);
  expectKnownType(rule.type);
  for (const variation of rule.variations) expectReadable(variation);
  return {
    id: rule.id,
    admits: project.audienceTest(rule),
    shares: rule.trafficAllocation.map((share) => {
      expectKnown(share, 'share');
      const variation = project.drawnVariation(share.entityId);
      // What a bucket names may be the variation of any rule.
      if (variation !== undefined) expectReadable(variation);
      return { endOfRange: share.endOfRange, result: variation === undefined ? null : resultOf(variation) };
    }),
    group: project.exclusiveGroup(rule.id),
  };
}

/** Of a user who is in the audience. */
export function drawn<T>({ id, group, shares }: Drawing<T>, { bucketingId }: RuleUser): T | null {
  if (group !== null && entityAt(bucketOf(bucketingId + group.id), group.trafficAllocation) !== id)
    return null;
  const bucket = bucketOf(bucketingId + id);
  for (const share of shares) if (bucket < share.endOfRange) return share.result;
  return null;
}

function entityAt(bucket: number, allocations: readonly Allocation[]): string | null {
  for (const { endOfRange, entityId } of allocations) if (bucket < endOfRange) return entityId;
  return null;
}

function expectReadable(variation: Variation): void {
  expectKnown(variation, 'variation');
  nameOf(variation.id, 'the id of a variation');
  nameOf(variation.key, 'the key of a variation');
  const { featureEnabled } = variation;
  if (typeof featureEnabled !== 'boolean' && (featureEnabled ?? null) !== null)
    throw new Refusal('unknown', `variation "${variation.key}" is neither on nor off`);
}
