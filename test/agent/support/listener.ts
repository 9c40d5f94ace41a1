// Default options of a listener, for tests that are not about them.

import type { ListenerSettings } from '../../../agent/http/door/tls.ts';

export const LISTENER: ListenerSettings = {
  ...{ readTimeoutMs: 30_000, writeTimeoutMs: 30_000, tls: null },
  ...{ headBytesMax: 16 * 1024, headersMax: 100, bodyBytesMax: 1024 * 1024 },
};
