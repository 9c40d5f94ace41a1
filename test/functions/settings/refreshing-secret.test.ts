// A secret is read once, kept, renewed while no caller waits, and kept when it cannot be read.

import { beforeEach, describe, expect, it } from 'vitest';
import { FanoutError } from '../../../core/errors.ts';
import { METRIC } from '../../../core/log.ts';
import {
  RefreshingSecret,
  SECRET_REFRESH_INTERVAL_MIN_MS,
  SECRET_TTL_MS,
} from '../../../functions/settings/refreshing-secret.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

class Store {
  text = 'one';
  reads = 0;
  isDown = false;
  /** Holds every read until it is called. */
  release: (() => void) | null = null;

  read = async (): Promise<string> => {
    this.reads++;
    const { text } = this;
    if (this.release !== null) await new Promise<void>((resolve) => (this.release = resolve));
    if (this.isDown) throw unavailable();
    return text;
  };
}

const unavailable = () =>
  new FanoutError({ code: 'SECRET_UNAVAILABLE', message: 'm', remedy: 'r', retryable: true });

function parse(text: string): { readonly text: string } {
  if (text !== 'bad') return { text };
  throw new FanoutError({ code: 'CONFIG_INVALID', message: 'm', remedy: 'r', retryable: false });
}

let store: Store;
let deps: FakeDeps;
let nowMs: number;
let secret: RefreshingSecret<{ readonly text: string }>;
beforeEach(() => {
  store = new Store();
  deps = fakeDeps();
  nowMs = 1_000_000;
  const { log, metrics } = deps;
  secret = new RefreshingSecret({
    name: 'a/name',
    read: store.read,
    parse,
    clock: { nowMs: () => nowMs },
    log,
    metrics,
  });
});

describe('get()', () => {
  it('reads once for all callers, and not again while the secret is fresh', async () => {
    const [a, b] = await Promise.all([secret.get(), secret.get()]);
    nowMs += SECRET_TTL_MS - 1;
    expect(await secret.get()).toBe(a);
    expect(b).toBe(a);
    expect(store.reads).toBe(1);
  });

  it('answers with the old value at once while it is read again in the background', async () => {
    await secret.get();
    nowMs += SECRET_TTL_MS;
    store.text = 'two';
    store.release = () => {};
    expect((await secret.get()).text).toBe('one');
    expect(store.reads).toBe(2);
    store.release();
    await settled();
    expect((await secret.get()).text).toBe('two');
    expect(deps.lines).toMatchObject([{ level: 'info', event: 'secret.changed', secret: 'a/name' }]);
  });

  it('fails while there has never been a value, and reads again at the next call', async () => {
    store.isDown = true;
    await expect(secret.get()).rejects.toMatchObject({ code: 'SECRET_UNAVAILABLE' });
    store.isDown = false;
    expect((await secret.get()).text).toBe('one');
  });

  it('begins another read when one was frozen halfway, and the frozen one does not win later', async () => {
    await secret.get();
    nowMs += SECRET_TTL_MS;
    store.text = 'frozen';
    store.release = () => {};
    await secret.get();
    const thaw = store.release;
    store.release = null;
    nowMs += 60_000;
    store.text = 'newest';
    await secret.get();
    await settled();
    expect((await secret.get()).text).toBe('newest');
    thaw();
    await settled();
    expect((await secret.get()).text).toBe('newest');
  });

  it('takes a clock that went back for a reason to look', async () => {
    await secret.get();
    nowMs -= 1;
    await secret.get();
    expect(store.reads).toBe(2);
  });
});

describe('what cannot be read or used', () => {
  it.each([
    ['unreadable', { isDown: true }, 'SECRET_UNAVAILABLE'],
    ['malformed', { text: 'bad' }, 'CONFIG_INVALID'],
  ])('%s: the value read before stays, with a log line and a count', async (_, broken, code) => {
    const kept = await secret.get();
    Object.assign(store, broken);
    nowMs += SECRET_TTL_MS;
    expect(await secret.get()).toBe(kept);
    await settled();
    expect(await secret.refresh()).toBe(kept);
    expect(deps.lines).toMatchObject([{ level: 'error', event: 'secret.failed', kept: true, code }]);
    expect(deps.counts.get(METRIC.secretFailed)).toBe(1);
  });
});

describe('refresh()', () => {
  it('waits for a new value', async () => {
    await secret.get();
    nowMs += SECRET_REFRESH_INTERVAL_MIN_MS;
    store.text = 'two';
    expect((await secret.refresh()).text).toBe('two');
  });

  it('asks the store no more often than its interval, with any number of callers', async () => {
    await secret.get();
    for (let i = 0; i < 50; i++) await secret.refresh();
    expect(store.reads).toBe(1);
    nowMs += SECRET_REFRESH_INTERVAL_MIN_MS;
    for (let i = 0; i < 50; i++) await secret.refresh();
    expect(store.reads).toBe(2);
  });

  it('gives the same value for the same text, so that users can tell that nothing changed', async () => {
    const kept = await secret.get();
    nowMs += SECRET_REFRESH_INTERVAL_MIN_MS;
    expect(await secret.refresh()).toBe(kept);
    expect(store.reads).toBe(2);
  });
});
