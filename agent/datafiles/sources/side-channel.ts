// Messages beside datafiles over the same link: best effort, nothing kept, nothing sent while the link is down.
// Knows no client: the link is anything that can publish and subscribe.

/** The part of a bus client that is used here. */
export interface Link {
  publish(subject: string, payload: Uint8Array): void;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: { readonly data: Uint8Array }) => void },
  ): { unsubscribe(): void };
  /** Resolves when the server has dealt with everything sent before. */
  flush(): Promise<void>;
}

export type OnMessage = (payload: Uint8Array) => void;

/** The channel as its users see it. */
export type NotificationChannel = Pick<SideChannel, 'publish' | 'subscribe' | 'onUp' | 'settled'>;

interface Subscribed {
  readonly subject: string;
  readonly onMessage: OnMessage;
  live: { unsubscribe(): void } | null;
}

export class SideChannel {
  readonly #subscribed = new Set<Subscribed>();
  readonly #onUp = new Set<() => void>();
  readonly #onError: (error: unknown) => void;
  #link: Link | null = null;
  #up = false;

  /** @param onError told of subscriptions that the server refuses: a permission is missing */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** The link has come up: the same one again, whose client has kept its subscriptions, or a new one. */
  up(link: Link): void {
    this.#up = true;
    if (this.#link !== link) {
      this.#link = link;
      for (const subscribed of this.#subscribed) this.#subscribe(subscribed, link);
    }
    for (const onUp of this.#onUp) onUp();
  }

  /** Until the next up(). */
  down(): void {
    this.#up = false;
  }

  /** Nothing when the link is down: old notes are of no use. */
  publish(subject: string, payload: Uint8Array): void {
    if (this.#up) this.#link?.publish(subject, payload);
  }

  /** Lasts over outages. Returns how to end it. */
  subscribe(subject: string, onMessage: OnMessage): () => void {
    const subscribed: Subscribed = { subject, onMessage, live: null };
    this.#subscribed.add(subscribed);
    if (this.#link !== null) this.#subscribe(subscribed, this.#link);
    return () => {
      this.#subscribed.delete(subscribed);
      subscribed.live?.unsubscribe();
    };
  }

  onUp(run: () => void): () => void {
    this.#onUp.add(run);
    return () => this.#onUp.delete(run);
  }

  /** Resolves when the server has dealt with what was sent, at once when there is no link. May never resolve. */
  async settled(): Promise<void> {
    // A link that breaks meanwhile rejects: then there is nothing to wait for.
    if (this.#up) await this.#link?.flush().catch(() => {});
  }

  #subscribe(subscribed: Subscribed, link: Link): void {
    subscribed.live = link.subscribe(subscribed.subject, {
      callback: (error, message) => {
        if (error === null) subscribed.onMessage(message.data);
        else this.#onError(error);
      },
    });
  }
}
