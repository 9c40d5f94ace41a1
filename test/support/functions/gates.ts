// Both gates, with the real SDK: what each makes of a datafile.

import { FlagClients } from '../../../agent/decisions/clients.ts';
import { sentenceOf } from '../../../core/datafile/left-out.ts';
import { isFanoutError } from '../../../core/errors.ts';
import { type Seq, sha256Of } from '../../../core/ids.ts';
import { sdkCheck } from '../../../functions/publish/sdk-check.ts';
import { KEY } from '../datafiles.ts';
import type { Loose } from '../full-datafile.ts';

const clients = new FlagClients({
  dispatcher: { dispatchEvent: async () => ({ statusCode: 200 }) },
  send: () => {},
  onCloseFailed: () => {},
});

const codeOf = (error: unknown): string => {
  if (!isFanoutError(error)) throw error;
  return error.code;
};

export function atTheDoor(body: Uint8Array): string {
  try {
    sdkCheck(body, { sdkKey: KEY });
    return 'taken';
  } catch (error) {
    return codeOf(error);
  }
}

/** What an agent decides of it for each user, or why it refuses. */
export async function atTheAgent(body: Uint8Array, users: readonly Loose[] = [{}]) {
  try {
    const candidate = { seq: 1 as Seq, source: 's3' } as const;
    const made = await clients.build(body, sha256Of(body), { sdkKey: KEY }, candidate);
    const decided = users.map((attributes) => decisionsOf(made.built.sdk, attributes));
    clients.retire(made.built);
    return { code: 'taken', decided, leftOut: (made.leftOut ?? []).map(sentenceOf) };
  } catch (error) {
    return { code: codeOf(error), decided: [], leftOut: [] };
  }
}

/** Flag key → the decision for every user with these attributes. */
function decisionsOf(sdk: Loose, attributes: object): Record<string, string> {
  const all: Record<string, Loose> = sdk.createUserContext('somebody', attributes).decideAll();
  return Object.fromEntries(
    Object.entries(all).map(([key, { variationKey, enabled, variables }]) => [
      key,
      `${variationKey} ${enabled ? 'on' : 'off'} ${variables.text}`,
    ]),
  );
}

/** Of `fullDatafile()`, for users of whom nothing is known. */
export const WHOLE = {
  tested: 'blue on from blue',
  grouped: 'red on from red',
  delivered: 'on on from on',
  targeted: 'off off default',
};
