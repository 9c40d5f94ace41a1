// What travels beside datafiles: over whichever link there is, and nowhere while there is none.

import { describe, expect, it } from 'vitest';
import { type Link, SideChannel } from '../../../../agent/datafiles/sources/side-channel.ts';

type Callback = (error: Error | null, message: { readonly data: Uint8Array }) => void;

class FakeLink implements Link {
  readonly published: string[] = [];
  readonly subscribed = new Map<string, Callback>();
  flushed = 0;

  publish(subject: string, payload: Uint8Array): void {
    this.published.push(`${subject} ${Buffer.from(payload)}`);
  }

  subscribe(subject: string, { callback }: { callback: Callback }) {
    this.subscribed.set(subject, callback);
    return { unsubscribe: () => void this.subscribed.delete(subject) };
  }

  async flush(): Promise<void> {
    this.flushed++;
    throw new Error('the link breaks');
  }
}

function setUp() {
  const errors: unknown[] = [];
  const channel = new SideChannel((error) => errors.push(error));
  const heard: string[] = [];
  const subscribe = () =>
    channel.subscribe('s', (payload) => void heard.push(Buffer.from(payload).toString()));
  return { channel, errors, heard, subscribe };
}

describe('the side channel', () => {
  it('keeps subscriptions over links, whenever they were made', () => {
    const { channel, heard, subscribe } = setUp();
    const unsubscribe = subscribe();
    const [first, second] = [new FakeLink(), new FakeLink()];
    channel.up(first);
    first.subscribed.get('s')?.(null, { data: Buffer.from('1') });
    channel.down();
    // The same link again: its client subscribes again by itself.
    first.subscribed.clear();
    channel.up(first);
    expect(first.subscribed.size).toBe(0);
    channel.up(second);
    second.subscribed.get('s')?.(null, { data: Buffer.from('2') });
    expect(heard).toEqual(['1', '2']);
    unsubscribe();
    expect(second.subscribed.size).toBe(0);
  });

  it('sends nothing while the link is down: it would come too late', () => {
    const { channel } = setUp();
    const link = new FakeLink();
    channel.publish('s', Buffer.from('before'));
    channel.up(link);
    channel.publish('s', Buffer.from('now'));
    channel.down();
    channel.publish('s', Buffer.from('after'));
    expect(link.published).toEqual(['s now']);
  });

  it('tells when the link is up, and of what the server refuses', () => {
    const { channel, errors, heard, subscribe } = setUp();
    subscribe();
    let ups = 0;
    const off = channel.onUp(() => ups++);
    const link = new FakeLink();
    channel.up(link);
    link.subscribed.get('s')?.(new Error('permissions violation'), { data: Buffer.alloc(0) });
    off();
    channel.up(link);
    expect([ups, errors.length, heard.length]).toEqual([1, 1, 0]);
  });

  it('the side channel is settled at once without a link, and after a failing one', async () => {
    const { channel } = setUp();
    await channel.settled();
    const link = new FakeLink();
    channel.up(link);
    await channel.settled();
    expect(link.flushed).toBe(1);
  });
});
