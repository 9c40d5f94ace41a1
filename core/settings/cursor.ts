// Reads values out of the tree: one method per kind of value. A wrong value is noted and replaced by something harmless, until
// all has been read and all problems can be told at once. A secret's value is never repeated.

import { parseDurationMs } from '../duration.ts';
import { maskUserInfo } from '../http/user-info.ts';
import { parseGoDuration } from './go-duration.ts';
import { type Findings, markUsed, type Node } from './tree.ts';

const SHOWN_LENGTH_MAX = 200;
const DURATION = 'a duration such as 100ms, 5s or 1m';
const NO_UNIT = ', which without a unit counts nanoseconds';
const BYTES = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 } as const;
/** As Go's strconv reads them, which reads the original's. */
const TRUE = ['1', 't', 'true'];
const FALSE = ['0', 'f', 'false'];

export interface GoDurationRules {
  /** Whether 0 means 0, for example that there is no limit, or the default. */
  readonly zero?: 'is allowed' | 'is the default';
  readonly otherwiseMs?: number;
}

export class Cursor {
  readonly #node: Node | null;
  readonly #findings: Findings;
  /** How to call it where nothing is set. */
  readonly #name: string;

  constructor(node: Node | null, findings: Findings, name: string) {
    this.#node = node;
    this.#findings = findings;
    this.#name = name;
    if (node !== null) node.used = true;
  }

  get isSet(): boolean {
    return this.#node !== null && this.#node.value !== '';
  }

  get origin(): string {
    return this.#node?.origin ?? this.#name;
  }

  /** Any problem with this value, in words that begin with where it came from. */
  problem(text: string): void {
    const shown = maskUserInfo(text);
    this.#findings.problems.push(text.startsWith(':') ? `${this.origin}${shown}` : `${this.origin} ${shown}`);
  }

  warn(text: string): void {
    this.#findings.warnings.push(`${this.origin} ${maskUserInfo(text)}`);
  }

  /** Warns that nothing below here is read, and why. */
  ignore(text: string): void {
    if (this.#node !== null) markUsed(this.#node);
    this.warn(text);
  }

  /** What is below the path; maps on the way count as looked at. */
  at(path: string): Cursor {
    let node = this.#node;
    for (const key of path.toLowerCase().split('.')) {
      if (node !== null) node.used = true;
      node = node?.value instanceof Map ? (node.value.get(key) ?? null) : null;
    }
    const name = this.#name === '' ? path : `${this.#name}.${path}`;
    return new Cursor(node, this.#findings, name);
  }

  /** The entries of a map, by their names as written. */
  entries(): [name: string, cursor: Cursor][] {
    // An empty list is what templates write for an empty map.
    if (!this.isSet || this.#node === null || isEmptyList(this.#node.value)) return [];
    if (!(this.#node.value instanceof Map)) {
      this.#wrong('a map');
      return [];
    }
    return [...this.#node.value.values()].map((node) => [node.name, this.#below(node)]);
  }

  /** The items of a list. */
  items(): Cursor[] {
    if (!this.isSet || this.#node === null) return [];
    const { value } = this.#node;
    if (Array.isArray(value)) return value.map((node) => this.#below(node));
    this.#wrong('a list');
    return [];
  }

  /** Null when there is none, or an empty one: shells and manifests cannot always leave one out. */
  text(allowed = 'a text'): string | null {
    if (!this.isSet || this.#node === null) return null;
    const { value } = this.#node;
    if (typeof value !== 'object') {
      const text = String(value).trim();
      return text === '' ? null : text;
    }
    this.#wrong(allowed);
    return null;
  }

  /** The text, or a problem when there is none; then it is empty. */
  required(): string {
    const text = this.text();
    if (text === null && !this.isSet) this.problem('is missing');
    return text ?? '';
  }

  /** A list of texts, or one text with commas between them. */
  texts(): string[] {
    if (Array.isArray(this.#node?.value))
      return this.items()
        .map((item) => item.text() ?? '')
        .filter((text) => text !== '');
    const parts = (this.text('a list, or a text with commas') ?? '').split(',');
    return parts.map((part) => part.trim()).filter((part) => part !== '');
  }

  /** @param below what becomes of less than `min`: a problem, or `min` itself */
  integer(min: number, max: number, below: 'is wrong' | 'is min' = 'is wrong'): number {
    return this.#parsed(`a whole number from ${min} to ${max}`, min, (text) => {
      const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
      if (value < min && below === 'is min') return min;
      return value >= min && value <= max ? value : undefined;
    });
  }

  number(min: number, max: number): number {
    return this.#parsed(`a number from ${min} to ${max}`, min, (text) => {
      const value = Number(text);
      return value >= min && value <= max ? value : undefined;
    });
  }

  boolean(): boolean {
    return this.#parsed('true or false', false, (text) => {
      if (TRUE.includes(text.toLowerCase())) return true;
      return FALSE.includes(text.toLowerCase()) ? false : undefined;
    });
  }

  /** Milliseconds. */
  duration(minMs: number, maxMs = Number.POSITIVE_INFINITY): number {
    const most = maxMs === Number.POSITIVE_INFINITY ? '' : `, at most ${maxMs}ms`;
    return this.#parsed(`${DURATION}, at least ${minMs}ms${most}`, minMs, (text) => {
      const valueMs = text === '0' ? 0 : parseDurationMs(text);
      return valueMs !== null && valueMs >= minMs && valueMs <= maxMs ? valueMs : undefined;
    });
  }

  /**
   * Whole milliseconds of a setting that the original has, at least `minMs` or 0. A number without a unit that is hardly meant
   * so gives way to the default, and what is too short to `minMs`, with a warning.
   * @param otherwiseMs where nothing is set and there is no default
   */
  goDuration(minMs: number, { zero = 'is allowed', otherwiseMs = minMs }: GoDurationRules = {}): number {
    const text = this.text(DURATION);
    if (text === null) return otherwiseMs;
    const duration = parseGoDuration(text);
    if (duration === null) {
      this.#wrong(DURATION);
      return otherwiseMs;
    }
    const { valueMs, isBare } = duration;
    if (valueMs >= minMs && valueMs > 0) return Math.ceil(valueMs);
    if (valueMs === 0 && zero === 'is allowed') return 0;
    if (valueMs === 0 || isBare)
      return this.#byDefault(isBare && valueMs > 0 ? NO_UNIT : '', (it) => it.goDuration(minMs), otherwiseMs);
    this.warn(`is "${text}", which is shorter than may be: ${minMs}ms is used`);
    return minMs;
  }

  /** Like integer(), but 0 and less stand for the default, as in the original. */
  integerOrDefault(min: number, max: number, otherwise: number): number {
    const value = this.integer(0, max, 'is min');
    if (value !== 0 || !this.isSet) return value;
    return this.#byDefault('', (it) => it.integer(min, max), otherwise);
  }

  /** Bytes, written as a number or with B, KB, MB or GB (powers of 1024). */
  bytes(min: number): number {
    return this.#parsed('a size such as 64MB', min, (text) => {
      const [, amount, unit] = /^(\d+)(B|KB|MB|GB)?$/.exec(text.toUpperCase()) ?? [];
      const value = Number(amount) * BYTES[(unit ?? 'B') as keyof typeof BYTES];
      return value >= min ? value : undefined;
    });
  }

  /** `others` are words that stand for one of the allowed ones. */
  choice<T extends string>(allowed: readonly [T, ...T[]], others: Readonly<Record<string, T>> = {}): T {
    return this.#parsed(`one of ${allowed.join(', ')}`, allowed[0], (text) => {
      const word = text.toLowerCase();
      const other = Object.hasOwn(others, word) ? others[word] : undefined;
      return allowed.find((value) => value.toLowerCase() === word) ?? other;
    });
  }

  url(protocols: readonly string[]): string | null {
    const text = this.text('a URL');
    if (text === null || protocols.includes(URL.parse(text)?.protocol ?? '')) return text;
    this.#wrong(`a URL with ${protocols.join(' or ')}`);
    return null;
  }

  /** An http(s) URL with one place for a name. */
  template(placeFor: string): string | null {
    const text = this.text('a URL');
    if (text === null) return null;
    const [one, other] = ['a', 'b'].map((name) => URL.parse(text.replaceAll('%s', name)));
    const isHttp = ['http:', 'https:'].includes(one?.protocol ?? '');
    // No name may have a part in which host is asked.
    const isInPath = one?.host === other?.host && one?.username === other?.username;
    if (text.includes('%s') && isHttp && isInPath) return text;
    this.#wrong(`an http(s) URL with %s in its path, where ${placeFor} goes`);
    return null;
  }

  #byDefault(why: string, read: (byDefault: Cursor) => number, otherwise: number): number {
    const node = this.#node;
    const text = shown(node?.value);
    const byDefault = node?.byDefault;
    const value =
      node === null || byDefault === undefined
        ? otherwise
        : read(new Cursor({ ...node, value: byDefault }, this.#findings, this.#name));
    this.warn(`is "${text}"${why}: the default, ${shown(byDefault ?? otherwise)}, is used`);
    return value;
  }

  #parsed<T>(allowed: string, standIn: T, parse: (text: string) => T | undefined): T {
    const text = this.text(allowed);
    if (text === null) return standIn;
    const value = parse(text);
    if (value !== undefined) return value;
    this.#wrong(allowed);
    return standIn;
  }

  #wrong(allowed: string): void {
    this.problem(`is "${shown(this.#node?.value)}" but must be ${allowed}`);
  }

  #below(node: Node): Cursor {
    return new Cursor(node, this.#findings, node.origin);
  }
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Map) return 'a map';
  // Masked before it is cut: half of a URL does not look like one.
  return maskUserInfo(String(value)).slice(0, SHOWN_LENGTH_MAX);
}
