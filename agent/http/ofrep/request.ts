// The body of an OFREP request: an evaluation context. Read once, checked by hand, refused in OpenFeature's own terms. Pure.

import type { UserLimits } from '../../config/front-door-types.ts';
import { bodyProblem, userProblem } from '../door/user-limits.ts';
import { holdsFinite } from '../openapi/schema.ts';
import { parseJson } from '../openapi/schema-body.ts';

export type OfrepErrorCode =
  | 'PARSE_ERROR'
  | 'TARGETING_KEY_MISSING'
  | 'INVALID_CONTEXT'
  | 'FLAG_NOT_FOUND'
  | 'GENERAL';

export interface OfrepError {
  readonly errorCode: OfrepErrorCode;
  readonly errorDetails: string;
}

export interface OfrepContext {
  readonly userId: string;
  /** Everything but the targeting key. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** The context, or what is wrong with it. */
export function parseContext(body: Buffer, limits: UserLimits): OfrepContext | OfrepError {
  const tooLarge = bodyProblem(body, limits);
  if (tooLarge !== null) return { errorCode: 'INVALID_CONTEXT', errorDetails: tooLarge };
  const request = parseJson(body);
  if (!isObject(request))
    return { errorCode: 'PARSE_ERROR', errorDetails: 'the body must be a JSON object with a context' };
  const context = request.context ?? {};
  if (!isObject(context))
    return { errorCode: 'INVALID_CONTEXT', errorDetails: 'the context must be an object' };
  const { targetingKey, ...attributes } = context;
  if (targetingKey === undefined || targetingKey === null || targetingKey === '')
    return {
      errorCode: 'TARGETING_KEY_MISSING',
      errorDetails: 'the context needs a targetingKey: the id of the user',
    };
  if (typeof targetingKey !== 'string')
    return { errorCode: 'INVALID_CONTEXT', errorDetails: 'the targetingKey must be a string' };
  if (!holdsFinite(attributes))
    return { errorCode: 'INVALID_CONTEXT', errorDetails: 'the context holds a number that is too large' };
  const problem = userProblem(targetingKey, attributes, limits);
  return problem === null
    ? { userId: targetingKey, attributes }
    : { errorCode: 'INVALID_CONTEXT', errorDetails: problem };
}

export const isOfrepError = (value: object): value is OfrepError => 'errorCode' in value;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
