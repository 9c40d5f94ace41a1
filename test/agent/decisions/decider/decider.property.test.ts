// The decider against the SDK: for any project and any user both must say the same, and send the same events.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlagClients } from '../../../../agent/decisions/clients.ts';
import { UserDecisions } from '../../../../agent/decisions/decide.ts';
import { eventText } from '../../../../agent/decisions/decider/event-tap.ts';
import type { FlagClient } from '../../../../agent/decisions/flag-client.ts';
import { decisionText } from '../../../../agent/decisions/flags/decision.ts';
import { parseDecideRequest } from '../../../../agent/http/decide/request.ts';
import { sha256Of, toSdkKey } from '../../../../core/ids.ts';
import { LIMITS, ROOMY, unhurried } from '../../support/bounds.ts';
import { project, SDK_KEY, user } from './projects.ts';

const UUID = /"uuid":"[^"]*"/g;
const TIME = /"timestamp":\d+/g;

async function clientOf(text: string) {
  const events: string[] = [];
  const mistrusted: string[] = [];
  const note = (url: string, head: string, visitor: string) =>
    events.push(`${url} ${head} ${visitor.replaceAll(UUID, '"uuid"').replaceAll(TIME, '"timestamp"')}`);
  const clients = new FlagClients({
    dispatcher: {
      dispatchEvent: async ({ url, params }) => {
        const { visitors, ...head } = params as unknown as { visitors: unknown[] };
        for (const visitor of visitors) note(url, JSON.stringify(head), JSON.stringify(visitor));
        return {};
      },
    },
    send: (pieces, visitor) => note(pieces.url, pieces.head, eventText(pieces, visitor, 1, 'x')),
    onCloseFailed: () => {},
    onMistrusted: (_, flagKey) => mistrusted.push(flagKey),
  });
  const body = Buffer.from(text);
  const { built } = await clients.build(body, sha256Of(body), { sdkKey: toSdkKey(SDK_KEY) });
  return { client: built, mistrusted, taken: () => events.splice(0) };
}

/** What the decider says once it may: the first answer of each outcome is the SDK's. */
function ask(client: FlagClient, body: object): string {
  const request = parseDecideRequest(Buffer.from(JSON.stringify(body)), LIMITS);
  if (typeof request === 'string') throw new Error(request);
  const texts: string[] = [];
  const pace = { turns: unhurried().turns, asker: ROOMY };
  void new UserDecisions(client, request).each(client.flagKeys, pace, (decision) =>
    texts.push(decisionText(decision, '{}', true)),
  );
  return texts.join();
}

function flagsOf(text: string): readonly string[] {
  return (JSON.parse(text) as { featureFlags: { key: string }[] }).featureFlags.map(({ key }) => key);
}

describe('a decision of the decider', () => {
  it("is the SDK's, and so are its events, for any project and user", async () => {
    let answered = 0;
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(project, fc.array(user, { minLength: 5, maxLength: 15 }), async (text, users) => {
        const taught = await clientOf(text);
        const { client, mistrusted } = taught;
        for (const one of users) ask(client, one);
        for (const one of users) {
          taught.taken();
          const answer = ask(client, one);
          const events = taught.taken();
          // A client that knows nothing yet: all that it says is the SDK's own.
          const fresh = await clientOf(text);
          expect(answer).toBe(ask(fresh.client, one));
          expect(events).toEqual(fresh.taken());
          compared++;
        }
        expect(mistrusted).toEqual([]);
        for (const key of flagsOf(text)) if (client.decider?.flag(key) !== null) answered++;
      }),
      { numRuns: 120 },
    );
    // Most flags must have been the decider's to decide, else nothing was compared.
    expect(answered).toBeGreaterThan(compared / 10);
  });
});
