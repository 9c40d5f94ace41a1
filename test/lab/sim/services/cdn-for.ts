// How functions and agents ask the simulated CDN: as the functions' port, and as the fetch of an agent.

import { FanoutError } from '../../../../core/errors.ts';
import type { SdkKey } from '../../../../core/ids.ts';
import type { DatafileSource } from '../../../../core/projects.ts';
import type { CdnValidators } from '../../../../core/record/manifest.ts';
import type { Cdn, CdnAnswer, Via } from '../../../../functions/ports.ts';
import type { Actor } from '../actors/actor.ts';
import type { Weather } from '../actors/weather.ts';
import type { Edge, Optimizely } from './optimizely.ts';

export function functionsCdn(actor: Actor, optimizely: Optimizely, weather: Weather): Cdn {
  const { dice } = actor.world;
  const fetch = async (
    { sdkKey }: DatafileSource,
    via: Via,
    validators: CdnValidators | null,
    timeoutMs: number,
  ): Promise<CdnAnswer> => {
    const slowMs = weather.hits('cdn-slow', actor.name) ? dice.int(200, 5_000) : 0;
    if (slowMs > timeoutMs) return actor.call(timeoutMs, 0, () => fail(sdkKey, 'did not answer'));
    return actor.call(dice.int(5, 40), dice.int(5, 40) + slowMs, () => {
      const { body, etag, lastModifiedMs } = serve(sdkKey, via as Edge);
      if (validators?.etag === etag) return { kind: 'unchanged' };
      return { kind: 'body', body, validators: { etag, lastModifiedMs } };
    });
  };
  const serve = (sdkKey: SdkKey, edge: Edge) => {
    try {
      return optimizely.serve(sdkKey, edge, actor.name);
    } catch (error) {
      return fail(sdkKey, String(error));
    }
  };
  return { viasOf: () => ['cdn', 'origin'], fetch };
}

/** As much of the global fetch as the agent's source uses. */
export function agentFetch(actor: Actor, optimizely: Optimizely): typeof globalThis.fetch {
  const { dice } = actor.world;
  const get = (url: string, init: { headers: Record<string, string> }) =>
    actor.call(dice.int(5, 40), dice.int(5, 40), () => {
      const name = url.slice(url.lastIndexOf('/') + 1).replace(/\.json$/, '');
      const { body, etag, lastModifiedMs } = optimizely.serve(
        decodeURIComponent(name) as SdkKey,
        'agents',
        actor.name,
      );
      const headers = new Headers({ etag, 'last-modified': new Date(lastModifiedMs).toUTCString() });
      const isSame = init.headers['if-none-match'] === etag;
      return { status: isSame ? 304 : 200, statusText: '', headers, body: isSame ? null : pieces(body) };
    });
  return get as unknown as typeof globalThis.fetch;
}

async function* pieces(body: Uint8Array): AsyncGenerator<Uint8Array> {
  yield body;
}

function fail(sdkKey: SdkKey, what: string): never {
  throw new FanoutError({
    code: 'CDN_FAILED',
    message: `The simulated CDN ${what} for ${sdkKey}`,
    remedy: 'none',
    retryable: true,
  });
}
