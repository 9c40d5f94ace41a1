// Answers to changes that the other processes serving the same port must know of first: a client that has seen the answer finds the
// change behind any connection. Knows nothing of those processes.

/** @param settled null where there are no others: then `answer` is called at once */
export const whenSettled = (
  settled: (() => Promise<void>) | null,
  answer: () => void,
): void | Promise<void> => (settled === null ? answer() : settled().then(answer));
