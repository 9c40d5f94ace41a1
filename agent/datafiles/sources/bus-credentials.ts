// The agent's credentials on the bus, as its files hold them now: mounted secrets and .creds files are renewed while it runs. Knows no
// client.

import { readFile } from 'node:fs/promises';
import { type BusCredentials, credsProblem, normalizeCreds } from '../../../core/bus/credentials.ts';
import type { NatsSettings } from './bus.ts';

export class FreshCredentials {
  readonly #files: NonNullable<NatsSettings['files']>;
  #latest: BusCredentials;

  constructor({ user, password, token, creds, files = {} }: NatsSettings) {
    this.#files = files;
    this.#latest = { user, password, token, creds };
  }

  /** False where nothing can change while the process lives. */
  get canChange(): boolean {
    return Object.keys(this.#files).length > 0;
  }

  /** The same object while nothing has changed. A file that cannot be read, or used, changes nothing: it may be just being written. */
  async read(): Promise<BusCredentials> {
    const { password, token, creds } = this.#files;
    const [newPassword, newToken, text] = await Promise.all([password, token, creds].map(contentsOf));
    const newCreds = text === undefined ? undefined : normalizeCreds(text);
    const found: BusCredentials = {
      user: this.#latest.user,
      password: newPassword ?? this.#latest.password,
      token: newToken ?? this.#latest.token,
      creds: newCreds === undefined || credsProblem(newCreds) !== null ? this.#latest.creds : newCreds,
    };
    const isNew = (['password', 'token', 'creds'] as const).some(
      (name) => found[name] !== this.#latest[name],
    );
    if (isNew) this.#latest = found;
    return this.#latest;
  }
}

const contentsOf = async (path: string | undefined): Promise<string | undefined> =>
  path === undefined ? undefined : (await readFile(path, 'utf8').catch(() => '')).trim() || undefined;
