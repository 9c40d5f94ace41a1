// Which keys on demand give way: those that were unused for longest. Pure.

/** @returns those to be let go of so that no more than `bytesMax` are left, in the order in which they go */
export function unusedBeyond<K extends { readonly lastUsedMs: number }>(
  keys: readonly K[],
  bytesMax: number,
  bytesOf: (key: K) => number,
): readonly K[] {
  const byUse = [...keys].sort((a, b) => a.lastUsedMs - b.lastUsedMs);
  let bytes = byUse.reduce((sum, key) => sum + bytesOf(key), 0);
  let count = 0;
  while (bytes > bytesMax) bytes -= bytesOf(byUse[count++] as K);
  return byUse.slice(0, count);
}
