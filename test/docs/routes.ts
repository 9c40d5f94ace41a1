// Whether an agent has a route, on any of its ports.

import { type Asked, startDoor } from '../agent/support/door.ts';
import { KEY } from '../agent/support/fakes.ts';

/** Starts an agent with everything turned on; what it gives tells of a path, with `<sdkKey>` and `<key>` in it, whether it is there. */
export async function routeFinder(): Promise<(path: string) => Promise<boolean>> {
  const { api, admin, webhook } = await startDoor({ env: { OPTIMIZELY_API_ENABLENOTIFICATIONS: 'true' } });
  return async (path) => {
    const headers = { 'x-optimizely-sdk-key': KEY, 'content-type': 'application/json' };
    // Other methods are not there for probes and pages, and asking a stream by GET would never end.
    const method = /^\/$|^\/(?:health|openapi)/.test(path) ? 'GET' : 'POST';
    const asked: Asked = {
      path: path.replace('<sdkKey>', KEY).replace('<key>', 'flag'),
      method,
      body: '',
      headers,
    };
    const answers = await Promise.all([api, admin, webhook].map((askPort) => askPort(asked)));
    // A path that is there refuses the method or the empty body.
    return answers.some(({ status }) => status !== 404);
  };
}
