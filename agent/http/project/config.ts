// GET /v1/config: the project as the original's SDK describes it (OptimizelyConfig).

import { VERSION } from '../../../core/release.ts';
import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { answerKept } from '../kernel/compressed.ts';
import type { Exchange } from '../kernel/exchange.ts';
import { projectOf } from './project-keys.ts';

const written = new WeakMap<FlagClient, Uint8Array>();

/** The same for the same datafile, but other releases may describe it otherwise. */
export const config = (exchange: Exchange, held: Held<FlagClient>): void | Promise<void> =>
  answerKept(exchange, `${VERSION}-${held.sha256}`, configText(held));

/** Made on first use, as few agents are ever asked. */
function configText(held: Held<FlagClient>): Uint8Array {
  let text = written.get(held.built);
  if (text === undefined) {
    text = Buffer.from(JSON.stringify(projectOf(held)));
    written.set(held.built, text);
  }
  return text;
}
