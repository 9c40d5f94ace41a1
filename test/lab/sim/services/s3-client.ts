// What one process has instead of the AWS SDK's S3 client: the same commands and errors, over a network that loses, delays,
// corrupts and cuts. Repeats a failed call as the SDK does, and may then meet its own write.

import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Actor } from '../actors/actor.ts';
import type { Weather } from '../actors/weather.ts';
import { S3Error, type S3Store } from './s3-store.ts';

export interface S3ClientOptions {
  readonly actor: Actor;
  readonly store: S3Store;
  readonly weather: Weather;
  readonly attemptsMax: number;
  readonly timeoutMs: number;
  /** Called after every failed attempt. */
  readonly onTrouble?: () => void;
}

interface Answer {
  readonly Body?: AsyncIterable<Uint8Array>;
  readonly ETag: string;
}

export function createS3Client(options: S3ClientOptions): S3Client {
  const send = async (command: unknown): Promise<Answer> => {
    const once = serveOf(options, command);
    for (let attempt = 1; ; attempt++) {
      try {
        return await once();
      } catch (error) {
        const status = error instanceof S3Error ? (error.$metadata.httpStatusCode ?? 0) : 0;
        const isWorthRepeating = status === 0 || status >= 500;
        if (isWorthRepeating) options.onTrouble?.();
        if (!isWorthRepeating || attempt >= options.attemptsMax) throw error;
      }
    }
  };
  return { send, destroy: () => {}, middlewareStack: { add: () => {} } } as unknown as S3Client;
}

function serveOf(options: S3ClientOptions, command: unknown): () => Promise<Answer> {
  const { actor, store } = options;
  if (command instanceof GetObjectCommand) {
    const { Key = '', IfNoneMatch } = command.input;
    return async () => {
      const found = await ask(options, `GET ${short(Key)}`, false, () => store.get(Key, IfNoneMatch));
      // Bodies have their hash; a manifest is as S3's and TLS's own checksums let it through.
      const bytes = Key.includes('/bodies/') ? spoil(options, found.bytes) : found.bytes;
      return { Body: pieces(options, bytes), ETag: found.etag };
    };
  }
  if (command instanceof PutObjectCommand) {
    const { Key = '', Body, IfMatch, IfNoneMatch } = command.input;
    const put = () =>
      store.put(Key, Body as Uint8Array, { ifMatch: IfMatch, ifNoneMatch: IfNoneMatch }, actor.name);
    return async () => ({ ETag: (await ask(options, `PUT ${short(Key)}`, true, put)).etag });
  }
  throw new Error('a command that the simulation does not know');
}

async function ask<T>(options: S3ClientOptions, what: string, isWrite: boolean, serve: () => T): Promise<T> {
  const { actor, weather, timeoutMs } = options;
  const { dice } = actor.world;
  const hits = (fault: Parameters<Weather['hits']>[0]) => {
    const isHit = weather.hits(fault, actor.name);
    // Told at once: it takes a while until the client knows.
    if (isHit) options.onTrouble?.();
    return isHit;
  };
  const thereMs = dice.int(2, 20);
  const backMs = dice.int(2, 20);
  const fail = (error: S3Error) => (): never => {
    actor.note(`s3 ${what}: ${error.name}`);
    throw error;
  };
  const noAnswer = () => new S3Error('TimeoutError');
  if (hits('s3-errors'))
    return actor.call(thereMs, backMs, fail(new S3Error('InternalError', dice.pick([500, 503]))));
  if (hits('s3-throttle')) return actor.call(thereMs, backMs, fail(new S3Error('SlowDown', 503)));
  if (isWrite && hits('s3-late-write')) {
    // The client has given up, and the write arrives all the same.
    void actor.call(timeoutMs + dice.int(1, 4_000), 0, quietly(serve));
    return actor.call(timeoutMs, 0, fail(noAnswer()));
  }
  if (hits('s3-lost-answer')) {
    return actor.call(thereMs, timeoutMs, () => {
      quietly(serve)();
      return fail(noAnswer())();
    });
  }
  if (isWrite && hits('s3-errors'))
    return actor.call(thereMs, backMs, fail(new S3Error('ConditionalRequestConflict', 409)));
  const slowMs = hits('s3-slow') ? dice.int(100, 2 * timeoutMs) : 0;
  if (slowMs > timeoutMs) return actor.call(timeoutMs, 0, fail(noAnswer()));
  return actor.call(thereMs, backMs + slowMs, serve);
}

/** Drops the result: only the store knows it. */
function quietly<T>(serve: () => T): () => void {
  return () => {
    try {
      serve();
    } catch {
      // The answer is lost in any case.
    }
  };
}

function spoil({ actor, weather, onTrouble }: S3ClientOptions, bytes: Uint8Array): Uint8Array {
  if (!weather.hits('s3-corrupt-read', actor.name)) return bytes;
  onTrouble?.();
  actor.note('s3: a read came corrupted');
  return flip(bytes, actor.world.dice.int(0, bytes.byteLength - 1));
}

async function* pieces(
  { actor, weather, onTrouble }: S3ClientOptions,
  bytes: Uint8Array,
): AsyncGenerator<Uint8Array> {
  if (weather.hits('s3-cut-read', actor.name)) {
    onTrouble?.();
    yield bytes.subarray(0, bytes.byteLength >> 1);
    throw new S3Error('ECONNRESET');
  }
  yield bytes;
}

/** The same bytes with one bit of a lower-case letter changed, so that what was JSON mostly still is. */
export function flip(bytes: Uint8Array, at: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  return flipped;
}

const short = (key: string): string =>
  key.replace(/^datafiles\//, '').replace(/([0-9a-f]{8})[0-9a-f]{56}/, '$1');
