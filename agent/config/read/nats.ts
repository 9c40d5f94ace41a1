// Reads where the bus is and as which user the agent connects. A secret may stand in its setting, in the URL, or in a file, which is
// then read again whenever the agent connects.

import {
  credsProblem,
  normalizeCreds,
  PLAINTEXT_WORDS,
  plaintextProblem,
  readBusUrls,
} from '../../../core/bus/credentials.ts';
import type { Cursor } from '../../../core/settings/cursor.ts';
import type { CredentialFiles, NatsSettings } from '../../datafiles/sources/bus.ts';
import type { ReadText } from '../file.ts';
import { readFile } from './front-door.ts';

const ONE_ONLY =
  'only one of FANOUT_NATS_USER, FANOUT_NATS_TOKEN, FANOUT_NATS_CREDS_FILE may be set (or a user in FANOUT_NATS_URL)';

export function readNats(fanout: Cursor, readText: ReadText): NatsSettings | null {
  const urls = fanout.at('natsUrl');
  const { servers, credentials: inUrl, problem } = readBusUrls(urls.texts());
  if (problem !== null) urls.problem(problem);
  const user = fanout.at('natsUser').text();
  const password = readSecret(fanout, 'natsPassword', readText);
  const token = readSecret(fanout, 'natsToken', readText);
  const credsFile = fanout.at('natsCredsFile');
  if ((user === null) !== (password.value === null)) {
    const present = fanout.at(user !== null ? 'natsUser' : password.setting);
    present.problem('is set alone: FANOUT_NATS_USER and FANOUT_NATS_PASSWORD must be set together');
  }
  const ways = [user, token.value, credsFile.text()].filter((value) => value !== null).length;
  if (ways + Math.sign(Object.keys(inUrl).length) > 1) urls.problem(`has too many credentials: ${ONE_ONLY}`);
  const isPlaintextAllowed = fanout.at('natsPlaintext').choice(PLAINTEXT_WORDS) === 'allowed';
  const hasSecret = user !== null || token.value !== null || Object.keys(inUrl).length > 0;
  const inClear = hasSecret && !isPlaintextAllowed ? plaintextProblem(servers) : null;
  if (inClear !== null) urls.problem(inClear);
  const creds = credsFile.isSet ? readCreds(credsFile, readText) : null;
  if (servers.length === 0) return null;
  const files: CredentialFiles = {
    ...(password.path === null ? {} : { password: password.path }),
    ...(token.path === null ? {} : { token: token.path }),
    ...(creds === null ? {} : { creds: credsFile.text() ?? '' }),
  };
  return {
    servers,
    ...inUrl,
    ...(user === null ? {} : { user }),
    ...(password.value === null ? {} : { password: password.value }),
    ...(token.value === null ? {} : { token: token.value }),
    ...(creds === null ? {} : { creds }),
    ...(Object.keys(files).length === 0 ? {} : { files }),
  };
}

interface Secret {
  readonly value: string | null;
  /** Null where it stands in the setting itself. */
  readonly path: string | null;
  readonly setting: string;
}

/** A setting, or the file that its twin with `File` names, as secrets are mounted. */
function readSecret(fanout: Cursor, name: 'natsPassword' | 'natsToken', readText: ReadText): Secret {
  const plain = fanout.at(name);
  const file = fanout.at(`${name}File`);
  if (!file.isSet) return { value: plain.text(), path: null, setting: name };
  if (plain.isSet) file.problem(`is set and ${plain.origin} too: only one of them may`);
  const value = readFile(file, readText).trim();
  if (value === '') file.problem('names a file that holds nothing');
  return { value, path: file.text(), setting: `${name}File` };
}

function readCreds(setting: Cursor, readText: ReadText): string {
  const text = readFile(setting, readText);
  if (text === '') return '';
  const creds = normalizeCreds(text);
  const problem = credsProblem(creds);
  if (problem !== null) setting.problem(`names a file that ${problem}`);
  return creds;
}
