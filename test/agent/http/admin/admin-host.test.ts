// The admin port answers this machine alone, whichever address the API has, unless the operator sets another host. Every
// address in 127.0.0.0/8 is this machine's, so that 127.0.0.2 stands for "another way in" without a network.

import { describe, expect, it } from 'vitest';
import type { Environment } from '../../../../agent/config/config.ts';
import { parseConfig } from '../../../../agent/config/config.ts';
import { startAgent } from '../../support/agent.ts';

const OTHER_WAY_IN = '127.0.0.2';

async function reachable(env: Environment): Promise<{ api: boolean; admin: boolean }> {
  const agent = await startAgent({ env });
  const answers = async (base: string) => {
    const url = new URL(base);
    url.hostname = OTHER_WAY_IN;
    return fetch(new URL('/health/live', url)).then(
      ({ status }) => status === 200,
      () => false,
    );
  };
  return { api: await answers(agent.api), admin: await answers(agent.admin) };
}

describe('the admin port', () => {
  it('the admin port is closed to other hosts although the API is open to them', async () => {
    expect(await reachable({ OPTIMIZELY_SERVER_HOST: '0.0.0.0' })).toEqual({ api: true, admin: false });
  });

  it('listens where the operator says, on its own', async () => {
    const env = { OPTIMIZELY_SERVER_HOST: '127.0.0.1', FANOUT_ADMIN_HOST: '0.0.0.0' };
    expect(await reachable(env)).toEqual({ api: false, admin: true });
  });

  it('the admin port that stays closed says so, unless that was chosen', () => {
    const warningsOf = (env: Environment) => parseConfig(env, () => '').warnings;
    expect(warningsOf({ OPTIMIZELY_SERVER_HOST: '0.0.0.0' })).toEqual([
      'the admin port is open to this machine alone, at 127.0.0.1, although the API listens on 0.0.0.0: for probes and scrapers of other hosts set FANOUT_ADMIN_HOST=0.0.0.0, or to 127.0.0.1 if that is meant',
    ]);
    for (const FANOUT_ADMIN_HOST of ['127.0.0.1', '0.0.0.0'])
      expect(warningsOf({ OPTIMIZELY_SERVER_HOST: '0.0.0.0', FANOUT_ADMIN_HOST })).toEqual([]);
    for (const OPTIMIZELY_SERVER_HOST of ['127.0.0.1', 'localhost', '::1'])
      expect(warningsOf({ OPTIMIZELY_SERVER_HOST })).toEqual([]);
  });

  it('the admin port may be asked by the names of its own address, not of the API’s', () => {
    const config = parseConfig({ OPTIMIZELY_SERVER_HOST: '0.0.0.0' }, () => '');
    expect(config.server.allowAnyIp).toBe(true);
    expect(config.admin).toMatchObject({ host: '127.0.0.1', allowAnyIp: false });
    const open = parseConfig({ FANOUT_ADMIN_HOST: '0.0.0.0' }, () => '');
    expect(open.server.allowAnyIp).toBe(false);
    expect(open.admin).toMatchObject({ host: '0.0.0.0', allowAnyIp: true });
  });
});
