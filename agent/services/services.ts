// All services outside that decisions lean on, wired: what they share is one way to ask over HTTP, one connection per
// Redis, and one place where their failures are noted. Nothing here is connected before it is first needed.

import type { Clock, Random } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { VERSION } from '../../core/release.ts';
import type { AgentConfig } from '../config/config.ts';
import { Cmab } from '../decisions/cmab/cmab.ts';
import { Odp } from '../decisions/odp/odp.ts';
import type { MakeProfileService } from '../decisions/profiles/index.ts';
import { makeRemoteProfiles } from '../decisions/profiles/remote.ts';
import { type Failure, FailureLog } from './failure-log.ts';
import { RedisConnections } from './redis.ts';
import { createRequester } from './requester.ts';

export interface Outside {
  /** Null where the operator turned it off. */
  readonly odp: Odp | null;
  readonly cmab: Cmab;
  readonly makeProfiles: MakeProfileService;
  readonly onFailure: FailureLog['note'];
  /** Sends what is left, within about `timeoutMs`, and closes all connections. */
  stop(timeoutMs: number): Promise<void>;
}

export interface OutsideDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onFailure: (trouble: Failure) => void;
}

export function createOutside(config: Pick<AgentConfig, 'odp' | 'cmab'>, deps: OutsideDeps): Outside {
  const { clock, random, log, onFailure: count } = deps;
  const troubles = new FailureLog({ clock, log, count });
  const onFailure = troubles.note;
  const requester = createRequester(clock, { origins: config.odp.origins });
  const redis = new RedisConnections({ clock, onFailure });
  const shared = { clock, random, ask: requester.ask, redis, onFailure, version: VERSION };
  const odp = config.odp.disable ? null : new Odp(config.odp, { ...shared, ask: requester.askNamed });
  return {
    odp,
    cmab: new Cmab(config.cmab, shared),
    makeProfiles: makeRemoteProfiles(shared),
    onFailure,
    stop: async (timeoutMs) => {
      await odp?.stop(timeoutMs);
      requester.close();
      await redis.stop();
      troubles.stop();
    },
  };
}
