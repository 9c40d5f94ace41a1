// What listeners are told of a decision of /v1/decide: in the words of its answer, and with the user's segments.

import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { inContext } from '../../decisions/request-context.ts';
import { decisionNotification } from '../../notifications/notification.ts';
import { type KnownUser, reasonsInWords } from './reasons.ts';
import type { DecideRequest } from './request.ts';

/** As the SDK tells them. */
interface FlagInfo {
  readonly flagKey: string;
  readonly ruleKey: string | null;
  readonly variationKey: string | null;
  readonly enabled: boolean;
  readonly reasons: string[];
}

/** Runs `decide` so that listeners, if there are any, hear of it. */
export function telling<T>(
  held: Held<FlagClient>,
  request: DecideRequest,
  user: KnownUser,
  decide: () => T,
): T {
  if (!held.built.isHeard) return decide();
  const { userAttributes: attributes } = request;
  return inContext(
    {
      decisionNotification: (payload) => {
        const info = payload.decisionInfo as unknown as FlagInfo;
        const reasons = reasonsInWords(held, request, info, user);
        return decisionNotification(payload, { attributes, segments: user.segments, reasons });
      },
    },
    decide,
  );
}
