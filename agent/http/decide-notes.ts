// What listeners are told of a decision of /v1/decide: in the words of its answer, and with the user's segments.

import type { FlagClient } from '../flag-client.ts';
import { decisionNote } from '../notifications/note.ts';
import { inContext } from '../request-context.ts';
import type { Held } from '../store.ts';
import type { DecideRequest } from './decide-request.ts';
import { type KnownUser, reasonsInWords } from './reasons.ts';

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
      decisionNote: (payload) => {
        const info = payload.decisionInfo as unknown as FlagInfo;
        const reasons = reasonsInWords(held, request, info, user);
        return decisionNote(payload, { attributes, segments: user.segments, reasons });
      },
    },
    decide,
  );
}
