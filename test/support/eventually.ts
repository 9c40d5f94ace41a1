// Waiting for real processes: ask until the answer is there, or fail with what was waited for.

const TIMEOUT_MS = 15_000;
const POLL_MS = 20;

/**
 * Resolves with the first answer that is neither undefined nor false. A question that throws has not been answered yet;
 * the last error is in the failure's message.
 */
export async function eventually<T>(
  what: string,
  question: () => T | Promise<T>,
  timeoutMs: number = TIMEOUT_MS,
): Promise<Exclude<T, undefined | false>> {
  const deadlineMs = Date.now() + timeoutMs;
  let last = '';
  for (;;) {
    try {
      const answer = await question();
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
      last = `the last answer was ${String(answer)}`;
    } catch (error) {
      last = `the last try failed with ${String(error)}`;
    }
    if (Date.now() > deadlineMs) throw new Error(`Not within ${timeoutMs} ms: ${what}; ${last}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
