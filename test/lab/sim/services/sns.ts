// The topic and what is behind it: every notice goes to each subscribed function whose filter lets it through, at least
// once, late and in any order; a function that fails is asked again a minute and two later, then the notice is dead.

import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { decodeNotice, type Notice } from '../../../../core/bus/notice.ts';
import type { Actor } from '../actors/actor.ts';
import type { Weather } from '../actors/weather.ts';
import type { World } from '../world.ts';

const RETRY_WAITS_MS = [60_000, 120_000];

export interface Subscriber {
  readonly name: string;
  readonly kind: Notice['kind'];
  /** Resolves true when the function ended well. */
  readonly deliver: (message: string) => Promise<boolean>;
}

export class Sns {
  readonly subscribers: Subscriber[] = [];
  /** Refetches that were accepted and have neither ended well nor died. */
  readonly liveRefetches = new Set<Notice>();
  dead = 0;
  readonly #world: World;
  readonly #weather: Weather;

  constructor(world: World, weather: Weather) {
    this.#world = world;
    this.#weather = weather;
  }

  clientFor(actor: Actor): SNSClient {
    const send = async (command: unknown): Promise<object> => {
      if (!(command instanceof PublishCommand))
        throw new Error('a command that the simulation does not know');
      const message = command.input.Message ?? '';
      const { dice } = this.#world;
      const lost = this.#weather.hits('sns-lost-answer', actor.name);
      if (this.#weather.hits('sns-errors', actor.name))
        return actor.call(dice.int(2, 20), 10, () => {
          throw new Error('InternalError');
        });
      return actor.call(dice.int(2, 20), lost ? 1_200 : dice.int(2, 20), () => {
        this.#accept(message, actor.name);
        if (lost) throw new Error('TimeoutError');
        return {};
      });
    };
    return { send } as unknown as SNSClient;
  }

  #accept(message: string, by: string): void {
    const notice = decodeNotice(message);
    this.#world.note('sns', `accepted ${describe(notice)} from ${by}`, notice.sdkKey);
    if (notice.kind === 'refetch') this.liveRefetches.add(notice);
    for (const subscriber of this.subscribers)
      if (subscriber.kind === notice.kind) {
        this.#deliver(subscriber, notice, message, 0);
        if (this.#weather.hits('sns-repeat', subscriber.name)) this.#deliver(subscriber, notice, message, 0);
      }
  }

  #deliver(subscriber: Subscriber, notice: Notice, message: string, attempt: number): void {
    const { dice } = this.#world;
    const lateMs = this.#weather.hits('sns-delay', subscriber.name) ? dice.int(100, 40_000) : 0;
    this.#world.after(dice.int(10, 120) + lateMs, () => {
      void this.#try(subscriber, notice, message).then((ok) => {
        if (ok) {
          this.liveRefetches.delete(notice);
          return;
        }
        const waitMs = RETRY_WAITS_MS[attempt];
        if (waitMs === undefined) this.#die(subscriber, notice);
        else this.#world.after(waitMs, () => this.#deliver(subscriber, notice, message, attempt + 1));
      });
    });
  }

  async #try(subscriber: Subscriber, notice: Notice, message: string): Promise<boolean> {
    if (this.#weather.hits('sns-drop-to-retry', subscriber.name)) {
      this.#world.note('sns', `${describe(notice)} did not get through to ${subscriber.name}`, notice.sdkKey);
      return false;
    }
    return subscriber.deliver(message);
  }

  #die(subscriber: Subscriber, notice: Notice): void {
    this.dead++;
    this.liveRefetches.delete(notice);
    this.#world.note('sns', `${describe(notice)} for ${subscriber.name} is dead`, notice.sdkKey);
  }
}

const describe = (notice: Notice): string =>
  notice.kind === 'published' ? `published seq ${notice.seq}` : `refetch revision ${notice.revision}`;
