// How a listener is set where a test is not about that.

import type { ListenerSettings } from '../../../agent/http/door/tls.ts';

export const LISTENER: ListenerSettings = {
  ...{ readTimeoutMs: 30_000, writeTimeoutMs: 30_000, tls: null },
  ...{ headBytesMax: 16 * 1024, headersMax: 100, bodyBytesMax: 1024 * 1024 },
};
