// Text of others (names out of datafiles, log lines, errors) as a terminal may be given it: without control characters,
// which could move its cursor, hide what stands there, or pass for lines of our own. Pure.

/** C0 and C1 controls, DEL, and the characters that turn the direction of what follows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL_PATTERN = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
/** What styleText() writes, and a line's end. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const OURS_PATTERN = /(\n|\u001b\[\d{1,3}m)/;

const escaped = (text: string): string =>
  text.replace(CONTROL_PATTERN, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A name in one line: control characters are written as JSON writes them, `\u001b`. */
export const printableName = (text: string): string => escaped(text);

/** A whole text of ours, whose lines and colours stay. */
export const printable = (text: string): string =>
  text
    .split(OURS_PATTERN)
    // Every second part is what the pattern has matched.
    .map((part, i) => (i % 2 === 1 ? part : escaped(part)))
    .join('');
