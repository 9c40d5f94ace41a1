// A goal is a figure, its limit and whether it was met; a bench prints all of them and says by how much one was missed.

export interface Goal {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly unit: string;
  /** Where the limit comes from when it is not a plain number: shown behind it. */
  readonly because?: string;
  readonly atLeast?: boolean;
}

export const isMet = ({ value, limit, atLeast }: Goal): boolean =>
  atLeast === true ? value >= limit : value <= limit;

/** Name, figure, limit, and `met` or `MISSED by 12%`. */
export function goalRow(goal: Goal): string[] {
  const { name, value, limit, because, atLeast } = goal;
  const bound = `${atLeast === true ? '≥' : '≤'} ${withUnit(limit, goal)}`;
  return [
    name,
    withUnit(value, goal),
    because === undefined ? bound : `${bound} (${because})`,
    verdict(goal),
  ];
}

function verdict(goal: Goal): string {
  if (isMet(goal)) return 'met';
  const missedBy = Math.abs(goal.value / goal.limit - 1);
  return Number.isFinite(missedBy) ? `MISSED by ${format(missedBy * 100)}%` : 'MISSED';
}

const withUnit = (value: number, { unit }: Goal): string =>
  `${format(value)}${unit === '' || unit === '%' ? unit : ` ${unit}`}`;

/** Three figures are more than a bench knows. */
export function format(value: number): string {
  if (!Number.isFinite(value)) return 'none';
  return Math.abs(value) >= 100 || Number.isInteger(value)
    ? value.toFixed(0)
    : String(Number(value.toPrecision(3)));
}
