// A conversion as it is sent: its tags, and what of them counts as its revenue and its value. Pure.

type Tags = Readonly<Record<string, unknown>>;

/** As the SDK makes it. */
interface Conversion {
  tags?: unknown;
  revenue?: unknown;
  value?: unknown;
}

/** The tags as they came: the SDK leaves null ones out, and sends an empty list of them where there are none. */
export function keepTags(event: Conversion, tags: Tags): void {
  if (Object.keys(tags).length === 0) delete event.tags;
  else event.tags = tags;
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
