// The SDK's decision of a single flag, for those that the engine refuses: with the words of its answer and of its notification.

import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { type DecideOptions, userContext } from './decision.ts';
import { decisionText, userText } from './decision-text.ts';
import { telling } from './notifications.ts';
import type { DecidedText } from './plain.ts';
import { knownUser, withReasons } from './reasons.ts';
import type { DecideRequest } from './request.ts';

/** One flag at a time, for those that the engine refuses. @param segments null where they were not asked for */
export function sdkDecision(
  held: Held<FlagClient>,
  request: DecideRequest,
  segments: readonly string[] | null = null,
): (flagKey: string) => DecidedText {
  const who = userText(request);
  const options = request.decideOptions as unknown as DecideOptions;
  return (flagKey) => {
    const client = held.built;
    const user = userContext(client.sdk, request);
    if (segments !== null) user.qualifiedSegments = [...segments];
    const known = knownUser(held, request, segments);
    const decision = telling(held, request, known, () => user.decide(flagKey, options));
    const text = decisionText(withReasons(held, request, decision, known), who, client);
    return { enabled: decision.enabled, text };
  };
}
