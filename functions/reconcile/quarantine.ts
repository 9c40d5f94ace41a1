// Asks the agents, with each beat, which versions they refuse, and marks in the record what too many of them do: no publisher
// announces that version any more. Agents are not trusted with more than that; the next seq is announced as always.

import type { Beat } from '../../core/bus/beat.ts';
import {
  type AgentReport,
  judgeQuarantine,
  type QuarantineRule,
  type QuarantineVerdict,
  REPORT_WINDOW_MS,
  shareToAsk,
} from '../../core/bus/refusal-reports.ts';
import { sleep } from '../../core/clock.ts';
import { errorFields, messageOf } from '../../core/errors.ts';
import { METRIC } from '../../core/log.ts';
import { isQuarantined, type Manifest, quarantine } from '../../core/record/manifest.ts';
import { isSame } from '../../core/version.ts';
import type { Deps } from '../ports.ts';
import { swapUntilSettled } from '../publish/move-manifest.ts';
import type { Role } from '../settings/settings.ts';

/** A younger version is still on its way to agents: the next beat asks about it. */
const JUDGED_AFTER_MS = 5_000;

/** Belongs to one process: once it knows the fleet's size, it asks only a share of a large fleet. */
export class Quarantine {
  readonly #rule: QuarantineRule;
  #askShare = 1;

  constructor(rule: QuarantineRule) {
    this.#rule = rule;
  }

  /** How many agents must say the same before it counts. */
  get agentsMin(): number {
    return this.#rule.agentsMin;
  }

  /**
   * Sends the beat and collects the agents' answers. Without a bus that can listen, or a head that agents can have judged, it
   * only sends the beat.
   * @param manifests what the record has
   * @throws FanoutError BUS_UNAVAILABLE when the beat could not be sent
   */
  async beat(deps: Deps, beat: Beat, manifests: readonly Manifest[]): Promise<readonly AgentReport[]> {
    const { bus, hearAgents, clock, log } = deps;
    const isJudged = (it: Manifest) =>
      !isQuarantined(it) && beat.sentAtMs - it.publishedAtMs > JUDGED_AFTER_MS;
    if (hearAgents === undefined || !manifests.some(isJudged)) {
      await bus.sendBeat(beat);
      return [];
    }
    const asked = this.#askShare;
    const stop = await hearAgents();
    try {
      await bus.sendBeat({ ...beat, askShare: asked });
      await sleep(clock, REPORT_WINDOW_MS);
    } catch (error) {
      stop();
      throw error;
    }
    const { reports, isCutShort, error } = stop();
    // The server's permissions do not name this subject yet: the rest of reconcile does without answers.
    if (error !== null) log.warn('beat.sent', { result: 'agents-not-heard', error: messageOf(error) });
    // Only a stranger with the agents' bus user says so much.
    if (isCutShort) log.warn('beat.sent', { result: 'agents-cut-short', agents: reports.length });
    this.#askShare = shareToAsk(reports.length, asked);
    return reports;
  }

  /**
   * Marks the versions that agents refuse, and counts the marked ones in every run, so that the alarm lasts as long as they do.
   * Never throws: a mark that could not be made is tried again with the next beat.
   */
  async judge(
    deps: Deps,
    role: Role,
    manifests: Iterable<Manifest>,
    reports: readonly AgentReport[],
  ): Promise<void> {
    for (const manifest of manifests) {
      if (isQuarantined(manifest)) {
        deps.metrics.count(METRIC.versionQuarantined);
        continue;
      }
      const verdict = judgeQuarantine(manifest, reports, this.#rule);
      if (verdict === null) continue;
      deps.metrics.count(METRIC.versionQuarantined);
      const { sdkKey, lineage, seq, revision } = manifest;
      const fields = { sdkKey, lineage, seq, revision, ...verdict };
      try {
        // A further region writes nothing: home hears its own agents say the same.
        const isMarked = role === 'home' && (await mark(deps, manifest, verdict));
        deps.log.error('version.quarantined', { ...fields, isMarked });
      } catch (error) {
        deps.log.error('version.quarantined', { ...fields, isMarked: false, ...errorFields(error) });
      }
    }
  }
}

/** False when the manifest has moved on: the agents' reports were about another version. */
async function mark(
  deps: Deps,
  refused: Manifest,
  { share, agents, code }: QuarantineVerdict,
): Promise<boolean> {
  const { sdkKey } = refused;
  const current = await deps.record.readManifest(sdkKey);
  const atMs = deps.clock.nowMs();
  const { manifest } = await swapUntilSettled(deps, sdkKey, current, (found) =>
    found === null || !isSame(found, refused) || isQuarantined(found)
      ? { kind: 'same', manifest: found ?? refused }
      : { kind: 'swap', manifest: quarantine(found, { share, agents, code, atMs }) },
  );
  return isSame(manifest, refused) && isQuarantined(manifest);
}
