// How a test makes the CDN stand-in late, slow or broken; its front and its origin separately.

export type CdnSite = 'cdn' | 'origin';

export interface SiteFaults {
  readonly delayMs: number;
  /** Answered instead of a datafile. */
  readonly status: number | null;
  /** Serve the revision before the last PUT: for so many requests, or until set again. */
  readonly stale: number | boolean;
}

const AS_SHIPPED: SiteFaults = { delayMs: 0, status: null, stale: false };

export class CdnFaults {
  readonly #sites: Record<CdnSite, SiteFaults> = { cdn: AS_SHIPPED, origin: AS_SHIPPED };

  /** What is left out goes back to as shipped, so `{}` resets everything. */
  set(knobs: Partial<Record<CdnSite, Partial<SiteFaults>>>): void {
    this.#sites.cdn = { ...AS_SHIPPED, ...knobs.cdn };
    this.#sites.origin = { ...AS_SHIPPED, ...knobs.origin };
  }

  /** The knobs of the next request to a site; uses up one stale answer. */
  next(site: CdnSite): { delayMs: number; status: number | null; isStale: boolean } {
    const { delayMs, status, stale } = this.#sites[site];
    const isStale = stale === true || (typeof stale === 'number' && stale > 0);
    if (typeof stale === 'number' && stale > 0)
      this.#sites[site] = { ...this.#sites[site], stale: stale - 1 };
    return { delayMs, status, isStale };
  }
}
