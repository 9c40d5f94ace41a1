// The agents' reports after one beat, kept within limits of number and bytes while the reports arrive: the bus user of the
// agents may publish as much as the server takes, and the publisher must neither run out of memory nor stop hearing
// the honest ones. Pure.

import { type AgentReport, decodeReport } from './refusal-reports.ts';

/** Agents that are listened to; one that says more is not counted. */
export const REPORTS_MAX = 2_000;
/** Bytes of the reports that are kept: 200 agents of 100 keys take 2 MB. Parsed they take about four times as much. */
export const KEPT_BYTES_MAX = 8 * 1024 * 1024;
/** Bytes that are looked at in all, reports or not: about 0.2 s of JSON. */
export const READ_BYTES_MAX = 16 * 1024 * 1024;
/** Messages that are looked at in all. */
export const READ_COUNT_MAX = 20_000;

export class FleetReports {
  readonly #reports = new Map<string, { readonly report: AgentReport; readonly bytes: number }>();
  #keptBytes = 0;
  #readBytes = 0;
  #readCount = 0;
  #isCutShort = false;

  /** True when a limit kept something from being heard. */
  get isCutShort(): boolean {
    return this.#isCutShort;
  }

  /** One for each agent, its latest. */
  get reports(): readonly AgentReport[] {
    return [...this.#reports.values()].map(({ report }) => report);
  }

  /** A message that is no report takes no place. @returns false once nothing more will be taken */
  add(payload: Uint8Array): boolean {
    this.#readBytes += payload.byteLength;
    if (++this.#readCount > READ_COUNT_MAX || this.#readBytes > READ_BYTES_MAX) {
      this.#isCutShort = true;
      return false;
    }
    const report = decodeReport(payload);
    if (report !== null) this.#keep(report, payload.byteLength);
    return true;
  }

  #keep(report: AgentReport, bytes: number): void {
    const before = this.#reports.get(report.agent);
    const keptBytes = this.#keptBytes - (before?.bytes ?? 0) + bytes;
    if (keptBytes > KEPT_BYTES_MAX || (before === undefined && this.#reports.size >= REPORTS_MAX)) {
      this.#isCutShort = true;
      return;
    }
    this.#keptBytes = keptBytes;
    this.#reports.set(report.agent, { report, bytes });
  }
}
