// Raw settings as a tree in which every value knows where it came from, so that a problem can be told with the file's
// path or the variable's name. Names are found in any case, as in the original's files. Knows no setting.

/** Problems and warnings, in words for the operator. */
export interface Findings {
  readonly problems: string[];
  readonly warnings: string[];
}

type Value = string | number | boolean | Node[] | Map<string, Node>;

export interface Node {
  /** As it was written. */
  readonly name: string;
  /** How to call it: a variable's name, or a file and the path in it. */
  readonly origin: string;
  value: Value;
  /** What stands here when neither file nor variable says anything; undefined: nothing does. */
  byDefault?: Value;
  /** Set once a reader has looked at it. */
  used: boolean;
}

const NESTING_MAX = 20;
/** YAML can refer to a list from within itself; no operator writes so many settings. */
const NODES_MAX = 20_000;

/** @param origin of the whole; what is inside is called by its path below it */
export function toNode(value: unknown, name: string, origin: string, join = ': '): Node | null {
  return build(value, name, origin, join, { depth: 0, count: { left: NODES_MAX } });
}

interface Bounds {
  readonly depth: number;
  readonly count: { left: number };
}

/** Null for what counts as none, and beyond the bounds. */
function build(
  value: unknown,
  name: string,
  origin: string,
  join: string,
  { depth, count }: Bounds,
): Node | null {
  // Empty counts as none: shells and manifests cannot always leave one out.
  if (value === null || value === undefined || value === '') return null;
  if (depth > NESTING_MAX || count.left-- <= 0) return null;
  const within = { depth: depth + 1, count };
  const node = (inner: Value): Node => ({ name, origin, value: inner, used: false });
  if (Array.isArray(value)) {
    const items = value.map((item, i) => build(item, `${i}`, `${origin}[${i}]`, '.', within));
    return node(items.filter((item) => item !== null));
  }
  if (typeof value === 'object') {
    const children = new Map<string, Node>();
    for (const [key, item] of Object.entries(value)) {
      const child = build(item, key, `${origin}${join}${key}`, '.', within);
      if (child !== null) children.set(key.toLowerCase(), child);
    }
    return node(children);
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return node(value);
  return node(String(value));
}

/** Puts `over` on top of `under`: maps become one, anything else is replaced. What is the default here stays known. */
export function merge(under: Node, over: Node): void {
  if (!(under.value instanceof Map && over.value instanceof Map)) {
    Object.assign(under, over, under.byDefault === undefined ? {} : { byDefault: under.byDefault });
    return;
  }
  for (const [key, child] of over.value) {
    const present = under.value.get(key);
    if (present === undefined) under.value.set(key, child);
    else merge(present, child);
  }
}

/** Replaces what is at the path (lower case, dotted); maps on the way are made, and win over anything else there. */
export function place(root: Node, path: string, placed: Node): void {
  const keys = path.split('.');
  const last = keys.pop() as string;
  let at = root;
  for (const key of keys) {
    const children = childrenOf(at);
    let next = children.get(key);
    if (next === undefined) {
      next = { name: key, origin: placed.origin, value: new Map(), used: false };
      children.set(key, next);
    }
    at = next;
  }
  childrenOf(at).set(last, placed);
}

function childrenOf(node: Node): Map<string, Node> {
  if (!(node.value instanceof Map)) node.value = new Map();
  return node.value;
}

/** Calls all that is there now, lists as a whole, the default. */
export function markDefaults(node: Node): void {
  if (node.value instanceof Map) node.value.forEach(markDefaults);
  else node.byDefault = node.value;
}

/** Counts it, with all that is in it, as looked at. */
export function markUsed(node: Node): void {
  node.used = true;
  if (Array.isArray(node.value)) node.value.forEach(markUsed);
  if (node.value instanceof Map) node.value.forEach(markUsed);
}

/** Nodes that no reader has looked at, the outermost only. */
export function unused(root: Node): Node[] {
  if (!root.used) return [root];
  if (Array.isArray(root.value)) return root.value.flatMap(unused);
  if (root.value instanceof Map) return [...root.value.values()].flatMap(unused);
  return [];
}
