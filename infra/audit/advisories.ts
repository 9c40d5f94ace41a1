// What `npm audit --json` said. Not every registry answers it (mirrors often have no advisories), and that must not look
// as if nothing were wrong. Pure: reads what it is given.

export type Advisories =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly packages: readonly string[] }
  /** The registry did not answer, so it is unknown. */
  | { readonly kind: 'unanswered'; readonly why: string };

const SEVERE: ReadonlySet<unknown> = new Set(['high', 'critical']);

export function readAdvisories(json: string): Advisories {
  let report: Record<string, unknown>;
  try {
    report = JSON.parse(json);
  } catch {
    return { kind: 'unanswered', why: 'npm gave no report' };
  }
  const { vulnerabilities, statusCode } = report;
  if (vulnerabilities === null || typeof vulnerabilities !== 'object')
    return {
      kind: 'unanswered',
      why: typeof statusCode === 'number' ? `status ${statusCode}` : 'no connection',
    };
  const packages = Object.entries(vulnerabilities as Record<string, { severity?: unknown; range?: unknown }>)
    .filter(([, { severity }]) => SEVERE.has(severity))
    .map(([name, { severity, range }]) => `${name} ${range} (${severity})`);
  return packages.length === 0 ? { kind: 'none' } : { kind: 'found', packages };
}
