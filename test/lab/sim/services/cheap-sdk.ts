// Instead of the SDK: what it would say of a body, as fast as the identity can be read. Bodies marked bad are refused, at
// the door or by agents only.

import type { Builder, Built } from '../../../../agent/datafiles/store.ts';
import {
  type Datafile,
  type DatafileExpectation,
  parseDatafile,
} from '../../../../core/datafile/datafile.ts';
import { FanoutError } from '../../../../core/errors.ts';
import type { Actor } from '../actors/actor.ts';
import type { Bad } from './optimizely.ts';

/** The functions' check at the door. */
export function cheapCheck(body: Uint8Array, expected: DatafileExpectation): Datafile {
  const datafile = parseDatafile(body, expected);
  if (badOf(body) === 'ingress') throw unloadable(datafile.revision);
  return datafile;
}

/** An agent's client; takes a moment, so that others come between. */
export class CheapBuilder implements Builder<object> {
  readonly #actor: Actor;

  constructor(actor: Actor) {
    this.#actor = actor;
  }

  async build(body: Uint8Array, _sha256: string, expected: DatafileExpectation): Promise<Built<object>> {
    const { revision, projectId } = parseDatafile(body, expected);
    await this.#actor.call(0, this.#actor.world.dice.int(1, 30), () => {});
    if (badOf(body) !== 'no') throw unloadable(revision);
    return { built: {}, revision, projectId };
  }

  retire(): void {}
}

export const badOf = (body: Uint8Array): Bad => JSON.parse(new TextDecoder().decode(body)).bad;

const unloadable = (revision: number) =>
  new FanoutError({
    code: 'DATAFILE_UNLOADABLE',
    message: 'A datafile that is marked bad',
    remedy: 'none',
    retryable: false,
    fields: { revision },
  });
