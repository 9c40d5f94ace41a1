// Parts of a datafile that are not understood and are left out, while the rest serves; and the flags that they concern.
// Only what to say of them is here; which parts those are is decided in loadable.ts. Pure.

/** One such part. */
export interface LeftOut {
  /** Flags that it concerns, at most FLAGS_NAMED_MAX of them; none for a part of the whole project. */
  readonly flagKeys: readonly string[];
  /** The part, by kind and name: `audience "123"`. */
  readonly what: string;
  /** The end of a sentence that begins with `what`. */
  readonly why: string;
}

/** A datafile of nothing but mistakes must fill neither memory nor logs. */
export const LEFT_OUT_MAX = 100;
const FLAGS_NAMED_MAX = 20;
const NAME_CHARACTERS_MAX = 100;
/** Named in a log line, a finding or `/health`; the count says how many there are. */
export const LEFT_OUT_SHOWN_MAX = 10;

/** A kind of part and its name, quoted and short: names come out of datafiles and may hold anything. */
export const partName = (kind: string, name: unknown): string =>
  `${kind} ${JSON.stringify(String(name).slice(0, NAME_CHARACTERS_MAX))}`;

/** The named flags of a part, cut to what is shown. */
export const flagsNamed = (flagKeys: readonly string[]): readonly string[] =>
  flagKeys.slice(0, FLAGS_NAMED_MAX).map((key) => key.slice(0, NAME_CHARACTERS_MAX));

/** One sentence for people. */
export const sentenceOf = ({ flagKeys, what, why }: LeftOut): string => {
  const flags = flagKeys.map((key) => JSON.stringify(key)).join(', ');
  return `${what} ${why}${flags === '' ? '' : ` (flag ${flags})`}`;
};

/** A sentence for each left-out part that concerns one flag. */
export const sentencesAbout = (parts: readonly LeftOut[], flagKey: string): readonly string[] => {
  const [name] = flagsNamed([flagKey]);
  return parts
    .filter(({ flagKeys }) => flagKeys.includes(name as string))
    .map(({ what, why }) => `${what} ${why}`);
};

/** For a log line: how many parts, which flags, and the first sentences. */
export const leftOutFields = (parts: readonly LeftOut[]): Readonly<Record<string, unknown>> => ({
  leftOut: parts.length,
  flagKeys: flagsNamed([...new Set(parts.flatMap(({ flagKeys }) => flagKeys))]),
  parts: parts.slice(0, LEFT_OUT_SHOWN_MAX).map(sentenceOf),
});
