// Opens what a webhook will need open: each connection costs several round trips, and most webhooks find a function that has just
// started or was idle. Only reads, and leaves nothing behind.

import { isFanoutError } from '../../core/errors.ts';
import type { ProjectTable } from '../../core/projects.ts';
import type { Deps } from '../ports.ts';
import type { CachedSecret } from '../settings/refreshing-secret.ts';

/** Manifests that are read ahead, so that a first webhook's fetch need not wait for its own. More keys than that are rare. */
const MANIFESTS_MAX = 20;
const ASK_CDN_WITHIN_MS = 1_000;

/**
 * S3 and the bus by a read, the CDN by a conditional GET of what the record has, which is answered without a body.
 * @throws what the first of them throws: webhooks will meet the same, and say so in their own words
 */
export async function openConnections(
  { record, bus, cdn }: Pick<Deps, 'record' | 'bus' | 'cdn'>,
  projects: CachedSecret<ProjectTable>,
): Promise<void> {
  const table = await projects.get();
  const sources = [...table.values()].flatMap(({ datafiles }) => datafiles).slice(0, MANIFESTS_MAX);
  const [first] = sources;
  if (first === undefined) return;
  const manifests = sources.map(({ sdkKey }) => record.readManifest(sdkKey));
  const askCdn = async () => {
    const known = (await manifests[0])?.manifest.cdn ?? null;
    const [via] = cdn.viasOf(first);
    if (known?.etag && via !== undefined) await cdn.fetch(first, via, known, ASK_CDN_WITHIN_MS);
  };
  const askBus = () =>
    bus.readHead(first.sdkKey).catch((error: unknown) => {
      // A bus without its stream, as before the first change, has been reached all the same.
      if (!isFanoutError(error, 'STREAM_MISSING')) throw error;
    });
  await Promise.all([...manifests, askBus(), askCdn()]);
}
