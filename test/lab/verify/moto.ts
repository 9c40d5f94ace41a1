// A moto server for as long as something needs it.

import { Part } from '../../../infra/local/stack/part.ts';
import { freePorts } from '../../../infra/local/stack/ports.ts';
import { startReaper } from '../../../infra/local/stack/reaper-client.ts';
import { LOOPBACK_HOST } from '../../../infra/local/tools/http.ts';
import { pythonTool } from './tools.ts';

/** @throws FanoutError TOOL_UNAVAILABLE, STACK_FAILED */
export async function withMoto<T>(use: (endpoint: string) => Promise<T>): Promise<T> {
  const command = await pythonTool('moto_server');
  const port = await freePorts(Math.random).next();
  const endpoint = `http://${LOOPBACK_HOST}:${port}`;
  const reaper = startReaper();
  const readiness = () =>
    fetch(`${endpoint}/moto-api/`).then(
      (response) => response.ok,
      () => false, // Not listening yet.
    );
  const moto = new Part(
    { name: 'moto', command, args: ['-H', LOOPBACK_HOST, '-p', String(port)], readiness },
    reaper,
  );
  try {
    await moto.start();
    return await use(endpoint);
  } finally {
    await moto.stop();
    await reaper.close();
  }
}
