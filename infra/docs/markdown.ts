// Tables of Markdown.

/** @param head names of the columns, of which every row has as many cells */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  alignRight: readonly number[] = [],
): string {
  const rule = head.map((_, i) => (alignRight.includes(i) ? '---:' : '---'));
  return [head, rule, ...rows].map((cells) => `| ${cells.map(escaped).join(' | ')} |`).join('\n');
}

export const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

const escaped = (cell: string): string => cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
