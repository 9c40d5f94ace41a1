// Agents report to the publisher which versions they refuse, and the publisher judges them: a version that a share of them has
// quarantined is announced no more. Shapes, their bytes on the bus, and the judgement; pure.

import { parseJsonWithin } from '../datafile/json-depth.ts';
import { isLineage, isSeq, type Lineage, type SdkKey, type Seq, toSdkKey } from '../ids.ts';
import type { Manifest } from '../record/manifest.ts';
import { isSame, reaches } from '../version.ts';

/** Keys that one report tells of; agents serve a handful. */
export const REPORT_KEYS_MAX = 1_000;
/** A thousand keys take about 100 KB. */
export const REPORT_BYTES_MAX = 256 * 1024;
/** Agents answer spread over this time, so that thousands of them are no burst. */
export const REPORT_JITTER_MS = 1_000;
/** How long the publisher listens: the jitter, and the way. */
export const REPORT_WINDOW_MS = 1_500;
/** Answers that are enough to judge by: with more agents than this only a share of them is asked. */
export const REPORTS_WANTED = 200;
const CODE_PATTERN = /^[A-Z_]{1,64}$/;
const AGENT_PATTERN = /^[\w-]{1,64}$/;

/** One key, as an agent has it. */
export interface KeyReport {
  readonly lineage: Lineage;
  /** That serves; 0 for one that is not from the record, or none. */
  readonly seq: Seq;
  /** The version of the record that the agent refused, while it is the latest that the agent has seen. */
  readonly quarantined: { readonly seq: Seq; readonly code: string } | null;
}

export interface AgentReport {
  /** Made up by the agent when it starts. */
  readonly agent: string;
  readonly keys: ReadonlyMap<SdkKey, KeyReport>;
}

/** When a version counts as refused by the fleet. */
export interface QuarantineRule {
  /** Of the agents that answered, 0 to 1. */
  readonly share: number;
  /** Fewer answers than this judge nothing: one broken agent must not stop a version. */
  readonly agentsMin: number;
}

export const QUARANTINE_DEFAULT: QuarantineRule = { share: 0.5, agentsMin: 2 };

export interface QuarantineVerdict {
  /** Share of the agents that answered for this key, 0 to 1. */
  readonly share: number;
  readonly agents: number;
  /** Named most often. */
  readonly code: string;
}

export function encodeReport({ agent, keys }: AgentReport): Uint8Array {
  const entries = [...keys].slice(0, REPORT_KEYS_MAX);
  return new TextEncoder().encode(JSON.stringify({ schema: 1, agent, keys: Object.fromEntries(entries) }));
}

/** Null when it is not a report: agents of any sort may say anything. */
export function decodeReport(payload: Uint8Array): AgentReport | null {
  if (payload.byteLength > REPORT_BYTES_MAX) return null;
  try {
    const { schema, agent, keys } = parseJsonWithin(payload) as Record<string, unknown>;
    if (schema !== 1 || typeof agent !== 'string' || !AGENT_PATTERN.test(agent)) return null;
    const entries = Object.entries(keys as Record<string, unknown>);
    if (entries.length > REPORT_KEYS_MAX) return null;
    return { agent, keys: new Map(entries.map(([key, report]) => [toSdkKey(key), keyReportOf(report)])) };
  } catch {
    return null;
  }
}

/** @throws TypeError for anything else */
function keyReportOf(value: unknown): KeyReport {
  const { lineage, seq, quarantined } = value as Record<string, unknown>;
  if (!isLineage(lineage) || !isSeq(seq)) throw new TypeError('not a version');
  if (quarantined === null || quarantined === undefined) return { lineage, seq, quarantined: null };
  const { seq: refused, code } = quarantined as Record<string, unknown>;
  if (!isSeq(refused) || typeof code !== 'string' || !CODE_PATTERN.test(code))
    throw new TypeError('not a refusal');
  return { lineage, seq, quarantined: { seq: refused, code } };
}

/** Null while agents have nothing, or too little, against the manifest's head. */
export function judgeQuarantine(
  head: Pick<Manifest, 'sdkKey' | 'lineage' | 'seq'>,
  reports: Iterable<AgentReport>,
  rule: QuarantineRule,
): QuarantineVerdict | null {
  let agents = 0;
  const codes = new Map<string, number>();
  for (const { keys } of reports) {
    const key = keys.get(head.sdkKey);
    if (key === undefined) continue;
    const { lineage, quarantined } = key;
    const refused = quarantined === null ? null : { ...quarantined, lineage };
    // An agent that is in another lineage, or has not seen this version yet, has no say in it.
    if (!reaches(key, head) && (refused === null || !reaches(refused, head))) continue;
    agents++;
    if (refused !== null && isSame(refused, head))
      codes.set(refused.code, (codes.get(refused.code) ?? 0) + 1);
  }
  const refusals = [...codes.values()].reduce((sum, count) => sum + count, 0);
  if (refusals === 0 || agents < rule.agentsMin || refusals / agents < rule.share) return null;
  const [[code] = ['']] = [...codes].sort(([, a], [, b]) => b - a);
  return { share: refusals / agents, agents, code };
}

/** Which share of the agents to ask, when so many answered the last time that a share `before` of them was asked. */
export function shareToAsk(answers: number, before: number): number {
  const agents = answers / before;
  return agents <= REPORTS_WANTED ? 1 : REPORTS_WANTED / agents;
}
