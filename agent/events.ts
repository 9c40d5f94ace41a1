// Sends the SDK's event batches. Only so that operators can say where (OPTIMIZELY_CLIENT_EVENTURL) and can see what
// failed; batching and retrying stay with the SDK.

import type { EventDispatcher } from './clients.ts';

const REQUEST_TIMEOUT_MS = 10_000;

/** @param eventUrl null sends them where the SDK would */
export function createEventDispatcher(
  eventUrl: string | null,
  onSent: (ok: boolean) => void,
): EventDispatcher {
  return {
    async dispatchEvent({ url, httpVerb, params }) {
      try {
        const response = await fetch(eventUrl ?? url, {
          method: httpVerb,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(params),
          signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        });
        await response.body?.cancel();
        onSent(response.ok);
        return { statusCode: response.status };
      } catch (error) {
        onSent(false);
        throw error;
      }
    },
  };
}
