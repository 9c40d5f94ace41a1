// How an attack ends that does not hold.

/** Something came of it that must not. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** There is no trying it here; the message says why. */
export class NotHere extends Error {
  override readonly name = 'NotHere';
}
