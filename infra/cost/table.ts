// The cost page's tables as Markdown, so that the page and the arithmetic cannot say different things.

import { type Costs, costsOf, DEFAULT_USAGE, fanoutTotal, PARTS, type Part } from './model.ts';
import { PRICES, type Price } from './prices.ts';

export const FLEETS: readonly number[] = [10, 1_000, 10_000];

const ROWS: Readonly<Record<Exclude<Part, 'agents'>, string>> = {
  functions: 'functions, webhook route, topic, secrets',
  record: 'the record in S3',
  watching: 'metrics, alarms, dashboard, logs',
  bus: 'NATS servers, load balancer',
  traffic: 'traffic between zones',
};

const dollars = (usd: number): string =>
  `$${usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** One column per fleet, one line per part. */
export function costTable(): string {
  const fleets = FLEETS.map((agents) => costsOf({ ...DEFAULT_USAGE, agents }));
  const row = (name: string, amount: (costs: Costs) => number) =>
    line([name, ...fleets.map((costs) => dollars(amount(costs)))]);
  return [
    line(['a month', ...FLEETS.map((agents) => `${agents.toLocaleString('en-US')} agents`)]),
    line(['---', ...FLEETS.map(() => '---:')]),
    ...PARTS.filter((part) => part !== 'agents').map((part) => row(ROWS[part], (costs) => costs[part])),
    row('**the fan-out**', fanoutTotal),
    row('the agents’ own machines', (costs) => costs.agents),
  ].join('\n');
}

export function priceTable(): string {
  const rows = Object.values(PRICES).map(({ usd, unit }: Price) => line([unit, `$${decimal(usd)}`]));
  return [line(['per', 'price']), line(['---', '---:']), ...rows].join('\n');
}

/** Never as 5e-7. */
const decimal = (usd: number): string => usd.toLocaleString('en-US', { maximumFractionDigits: 10 });
