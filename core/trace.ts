// The trace of a change, in OpenTelemetry's terms. Its id follows from the change's own, so that every Lambda and every
// agent arrives at the same one without being told, and nothing more has to travel.

import { createHash } from 'node:crypto';

const TRACE_ID_DIGITS = 32;

/** 32 lower-case hex digits: the beginning of the SHA-256 of `change ` and the id. */
export function changeTraceId(changeId: string): string {
  return createHash('sha256').update(`change ${changeId}`).digest('hex').slice(0, TRACE_ID_DIGITS);
}
