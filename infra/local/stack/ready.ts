// How a process of the local stack tells that it is ready, and how it ends with the stack: over the channel that
// node:child_process gives parent and child. Without a parent that listens it prints its address.

export interface ReadyMessage {
  readonly ready: true;
  readonly url: string;
}

export function reportReady(name: string, url: string): void {
  if (process.send === undefined) {
    process.stdout.write(`${name} listens on ${url}\n`);
    return;
  }
  process.send({ ready: true, url } satisfies ReadyMessage);
  process.once('disconnect', () => process.exit(0));
}

export const isReadyMessage = (message: unknown): message is ReadyMessage =>
  typeof message === 'object' && message !== null && (message as { ready?: unknown }).ready === true;
