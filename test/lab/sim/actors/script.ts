// Chooses the events of a run at random: changes with long and short pauses, their webhooks, the schedule of reconcile,
// and what operators do on purpose. Faults are in faults.ts.

import { parseDatafile } from '../../../../core/datafile/datafile.ts';
import type { SdkKey } from '../../../../core/ids.ts';
import { pin, rollback, unpin } from '../../../../core/record/manifest.ts';
import { manifestKey } from '../../../../core/record/names.ts';
import { swapUntilSettled } from '../../../../functions/publish/move-manifest.ts';
import type { Bad, Version } from '../services/optimizely.ts';
import type { Stage } from '../stage.ts';
import { Actor } from './actor.ts';

export const RECONCILE_INTERVAL_MS = 60_000;
const MANIFESTS_KEPT = 8;
const PINNED_MAX_MS = 40_000;
const NO_VALIDATORS = { etag: null, lastModifiedMs: null };

export class Script {
  readonly #stage: Stage;
  readonly #older = new Map<SdkKey, Uint8Array[]>();
  #operators = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Schedules every region's reconcile, for good. */
  schedule(): void {
    const { world, publishers, weather, buses } = this.#stage;
    for (const [i, reconcile] of publishers.reconciles.entries()) {
      const run = (): void => {
        world.after(RECONCILE_INTERVAL_MS, run);
        if (weather.blows('schedule-stopped', `reconcile-${buses[i]?.region}`)) return;
        void reconcile.invoke(null);
      };
      world.after(world.dice.int(0, RECONCILE_INTERVAL_MS), run);
    }
  }

  pauseMs(): number {
    const { dice } = this.#stage.world;
    const kind = dice.next();
    if (kind < 0.6) return dice.int(20, 1_500);
    return kind < 0.92 ? dice.int(1_500, 12_000) : dice.int(12_000, 90_000);
  }

  /** One change of one flag, and its webhook or none. */
  change(): void {
    const { world, optimizely, keys } = this.#stage;
    const { dice } = world;
    const sdkKey = dice.pick(keys);
    this.#keepManifest(sdkKey);
    const before = optimizely.current(sdkKey);
    const bad: Bad = dice.chance(0.06) ? dice.pick(['ingress', 'agents'] as const) : 'no';
    const keepsRevision = before.bad === 'no' && bad === 'no' && dice.chance(0.2);
    const version = optimizely.change(sdkKey, bad, keepsRevision);
    // A datafile that is made again has no webhook of its own.
    if (!keepsRevision) this.announce(sdkKey, version);
  }

  announce(sdkKey: SdkKey, { revision }: Version): void {
    const { world, weather } = this.#stage;
    const { dice } = world;
    if (weather.hits('webhook-lost', 'webhook')) {
      world.note('weather', 'a webhook is lost', sdkKey);
      return;
    }
    const times = dice.chance(0.1) || weather.hits('webhook-repeat', 'webhook') ? dice.int(2, 3) : 1;
    for (let i = 0; i < times; i++) {
      const lateMs = weather.hits('webhook-late', 'webhook') ? dice.int(500, 30_000) : 0;
      world.after(dice.int(10, 300) + lateMs, () => {
        void this.#stage.sendWebhook({ sdkKey, revision, sentAtMs: world.nowMs });
      });
    }
  }

  /** The operator pins, or rolls back to a version of the history, and some time later unpins. */
  operate(): void {
    const { dice } = this.#stage.world;
    const sdkKey = dice.pick(this.#stage.keys);
    this.#operate(sdkKey);
    this.#stage.world.after(dice.int(1_000, PINNED_MAX_MS), () => this.#operate(sdkKey));
  }

  #operate(sdkKey: SdkKey): void {
    const { world, publishers, buses, record } = this.#stage;
    const { dice } = world;
    const head = record.heads.get(sdkKey)?.manifest;
    if (head === undefined) return;
    const actor = new Actor(`operator#${++this.#operators}`, world);
    const deps = publishers.depsOf(actor, buses[0] as (typeof buses)[0]);
    const what = head.pin !== null ? 'unpin' : dice.pick(['pin', 'rollback'] as const);
    const to = dice.pick(head.history);
    const work = async () => {
      const current = await deps.record.readManifest(sdkKey);
      const target = parseDatafile(await deps.record.readBody(sdkKey, to.sha256), { sdkKey });
      const changeId = `operator-${this.#operators}` as typeof head.changeId;
      const nowMs = world.nowMs;
      const times = { receivedAtMs: nowMs, publishedAtMs: nowMs };
      // The CDN's validators are those of another body: with them the CDN would seem unchanged for ever.
      const arrival = { cause: 'rollback', changeId, ...times, cdn: NO_VALIDATORS } as const;
      await swapUntilSettled(deps, sdkKey, current, (found) => {
        if (found === null) throw new Error('there is nothing to operate on');
        if (what === 'unpin') return { kind: 'swap', manifest: unpin(found) };
        const manifest =
          what === 'pin' ? pin(found, 'simulated', nowMs) : rollback(found, target, arrival, 'simulated');
        return { kind: 'swap', manifest };
      });
    };
    actor.note(`${what}${what === 'rollback' ? ` to seq ${to.seq}` : ''}`, sdkKey);
    work().catch((error: unknown) => actor.note(`fails: ${String(error)}`, sdkKey));
  }

  /**
   * The bucket is put back to an older state. Only while the home bus knows better than the record then does: that is how
   * reconcile notices. Without a bus that remembers, it could not.
   */
  restore(): void {
    const { world, keys, store, record, buses } = this.#stage;
    const sdkKey = world.dice.pick(keys);
    const head = record.heads.get(sdkKey)?.manifest;
    const onBus = buses[0]?.heads.get(`df.v1.${sdkKey}`)?.headers;
    if (head === undefined || head.pin !== null) return;
    if (onBus?.get('Df-Seq') !== String(head.seq) || onBus.get('Df-Lineage') !== head.lineage) return;
    const older = (this.#older.get(sdkKey) ?? []).filter((bytes) => {
      const { lineage, seq, pin: pinned } = JSON.parse(new TextDecoder().decode(bytes));
      return lineage === head.lineage && seq < head.seq && pinned === null;
    });
    if (older.length === 0) return;
    const bytes = world.dice.pick(older);
    store.restore(manifestKey(sdkKey), bytes);
    record.restored(sdkKey, bytes);
  }

  #keepManifest(sdkKey: SdkKey): void {
    const stored = this.#stage.store.objects.get(manifestKey(sdkKey));
    if (stored === undefined) return;
    this.#older.set(sdkKey, [stored.bytes, ...(this.#older.get(sdkKey) ?? [])].slice(0, MANIFESTS_KEPT));
  }
}
