// What listeners are told of a decision of /v1/decide: in the words of its answer, and with the user's segments.

import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import type { RequestContext } from '../../decisions/request-context.ts';
import { decisionNotification } from '../../notifications/notification.ts';
import { type KnownUser, type ReasonedDecision, reasonsInWords } from './reasons.ts';
import type { DecideRequest } from './request.ts';

export const contextOf = (
  held: Held<FlagClient>,
  request: DecideRequest,
  user: KnownUser,
): Partial<RequestContext> => ({
  decisionNotification: (payload) => {
    const decided = payload.decisionInfo as unknown as ReasonedDecision;
    const { userAttributes: attributes } = request;
    const reasons = reasonsInWords(held, request, decided, user);
    return decisionNotification(payload, { attributes, segments: user.segments, reasons });
  },
});
