// The configuration that the stream should have, and how JetStream's API creates or updates it. Knows the API's shapes, no client library.
// Uses nothing younger than nats-server 2.9.

import { FanoutError } from '../../core/errors.ts';
import { STREAM_NAME, STREAM_SUBJECTS } from '../../core/record/names.ts';

/** JetStream's error for a stream that does not exist. */
const STREAM_NOT_FOUND = 10059;
/** JetStream's error for creating a stream that exists with another configuration: another publisher was first. */
const STREAM_NAME_IN_USE = 10058;

interface ApiAnswer {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

/** Asks `$JS.API.STREAM.<action>.<stream>`. */
export type StreamApi = (action: 'INFO' | 'CREATE' | 'UPDATE', body?: object) => Promise<ApiAnswer>;

/** The last message of each subject, kept for good, readable without a consumer. */
export const wantedConfig = (replicas: number) => ({
  subjects: [STREAM_SUBJECTS],
  max_msgs_per_subject: 1,
  max_msgs: -1,
  max_bytes: -1,
  max_age: 0,
  max_msg_size: -1,
  discard: 'old',
  num_replicas: replicas,
  allow_direct: true,
});

/** Fixed when the stream is made; a server refuses to change them later. */
const BIRTH_CONFIG = { name: STREAM_NAME, storage: 'file', retention: 'limits' };

/** @throws FanoutError BUS_UNAVAILABLE when the server refuses */
export async function ensureStream(
  api: StreamApi,
  replicas: number,
): Promise<'as-wanted' | 'created' | 'updated'> {
  const wanted = wantedConfig(replicas);
  let info = await api('INFO');
  if (info.error?.err_code === STREAM_NOT_FOUND) {
    const created = await api('CREATE', { ...BIRTH_CONFIG, ...wanted });
    if (created.error === undefined) return 'created';
    if (created.error.err_code !== STREAM_NAME_IN_USE) throw refused('create', created);
    info = await api('INFO');
  }
  if (info.config === undefined) throw refused('describe', info);
  if (isAsWanted(info.config, wanted)) return 'as-wanted';
  const updated = await api('UPDATE', { ...info.config, ...wanted });
  if (updated.error !== undefined) throw refused('update', updated);
  return 'updated';
}

const isAsWanted = (actual: Readonly<Record<string, unknown>>, wanted: object): boolean =>
  // Servers leave false and 0 out of their answers.
  Object.entries(wanted).every(([name, value]) => {
    const found = actual[name] ?? (typeof value === 'number' ? 0 : typeof value === 'boolean' ? false : null);
    return JSON.stringify(found) === JSON.stringify(value);
  });

const refused = (what: string, { error }: ApiAnswer) =>
  new FanoutError({
    code: 'BUS_UNAVAILABLE',
    message: `The bus refused to ${what} the stream ${STREAM_NAME}: ${error?.description ?? 'no reason given'}`,
    remedy:
      'Check JetStream limits, FANOUT_NATS_REPLICAS against the size of the cluster, and the API permissions.',
    retryable: true,
    fields: { errCode: error?.err_code },
  });
