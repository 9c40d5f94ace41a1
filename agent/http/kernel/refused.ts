// A request that meets a limit after its route has begun. Thrown, so that all that was taken for it is given back on the way.

export class Refused extends Error {
  /** 503: the same request may be taken in a second. */
  readonly status: number;

  /** @param message names the limit, and what raises it */
  constructor(status: number, message: string) {
    super(message);
    this.name = 'Refused';
    this.status = status;
  }
}
