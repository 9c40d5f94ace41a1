// What of a conversion counts as its revenue and its value. Pure.

type Tags = Readonly<Record<string, unknown>>;

/** As the SDK makes it. */
interface Conversion {
  tags?: unknown;
  revenue?: unknown;
  value?: unknown;
}

/**
 * Takes away what does not count: `revenue` and `value` are numbers, or texts of numbers. Of a list or a truth the SDK makes a
 * number, or sends it as it is, for which an endpoint may refuse the whole batch. Among the tags it stays.
 */
export function keepCountable(event: Conversion): void {
  const { revenue, value } = (event.tags ?? {}) as Tags;
  if (!isCountable(revenue)) delete event.revenue;
  if (!isCountable(value)) delete event.value;
}

const isCountable = (tag: unknown): boolean => typeof tag === 'number' || typeof tag === 'string';
