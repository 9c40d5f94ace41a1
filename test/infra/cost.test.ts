// The tables of the cost page follow from its formula and its own prices, and the formula counts what the template has.

import { expect, it } from 'vitest';
import { readPage, rowsIn } from '../docs/markdown.ts';
import { ofType, packagedResources } from '../support/functions/packaged.ts';

const page = readPage('infra/COST.md');
const rows = rowsIn(page).filter((row) => !row.includes('---:'));

/** By the first words of a row of the price table. */
function price(what: string): number {
  const [row, more] = rows.filter(([first = '']) => first.startsWith(what));
  if (row === undefined || more !== undefined) throw new Error(`${what} does not name one row of the prices`);
  return Number(row[1]?.replace('$', ''));
}

/** As the example at the top of the page. */
const HOURS = 730;
const C = (50 * HOURS) / 24;
const [K, F, H] = [3, 1, 1];
const RUNS = 43_800;
const GB_IN_KB = 1e6;
const ALARM_METRICS = 31;

/** US dollars a month for A agents, in the order of the table: the formula of the page, line by line. */
function costsOf(A: number): number[] {
  const functions =
    (C * (0.5 + 0.1 * 0.5) + RUNS * (1.6 + 0.3 * Math.ceil(K / 8)) * 0.5) * price('GB-second of Lambda') +
    (2 * C + RUNS) * price('Lambda request') +
    C * (price('HTTP API request') + price('SNS publish')) +
    2 * (price('secret per month') + 12 * HOURS * price('read of a secret'));
  const gets = A * F * (12 * (HOURS - H) + 720 * H) + RUNS * 2 * K + 4 * C;
  const keptGb = (12 * C * 242) / GB_IN_KB;
  const record = gets * price('S3 GET') + 2 * C * price('S3 PUT') + keptGb * price('GB-month in S3');
  const logKb = RUNS * 1.5 + C * 8 + A * C * (F / K) * 0.5;
  const watching =
    12 * price('custom metric') +
    ALARM_METRICS * price('metric that an alarm') +
    price('dashboard') +
    (logKb / GB_IN_KB) * price('GB of logs');
  const trafficGb = (A * (C * (F / K) * 11 + RUNS * 0.4 + HOURS * 720 * 0.2)) / GB_IN_KB;
  const disk = 8 * price('GB-month of gp3');
  const server = price(A > 5_000 ? 'hour of a t4g.medium' : 'hour of a t4g.small');
  const units = Math.max(trafficGb / HOURS, A / 100_000);
  const balancer = price('hour of a Network Load Balancer') + units * price('capacity unit');
  const bus = A <= 100 ? HOURS * server + disk : 3 * (HOURS * server + disk) + HOURS * balancer;
  const traffic = trafficGb * (2 / 3) * price('GB from one availability zone');
  const agents = A * HOURS * price('hour of an agent');
  const parts = [functions, record, watching, bus, traffic];
  return [...parts, parts.reduce((sum, usd) => sum + usd, 0), agents];
}

const usd = (amount: number): string =>
  `$${amount.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
const [, ...fleets] = rows[0] ?? [];
const agentsOf = (fleet: string): number => Number(fleet.replaceAll(/[^\d]/g, ''));

it.each(fleets)('the costs of %s are what the formula makes of the prices', (fleet) => {
  const column = fleets.indexOf(fleet) + 1;
  const table = rows.slice(1, 8).map((row) => row[column]);
  expect(table).toEqual(costsOf(agentsOf(fleet)).map(usd));
});

it('the page says how many agents cost as much as the fan-out', () => {
  const inAgents = fleets.map((fleet) => {
    const costs = costsOf(agentsOf(fleet));
    return Math.round((costs[5] ?? 0) / ((costs[6] ?? 0) / agentsOf(fleet)));
  });
  expect(page).toContain(`what ${inAgents[0]}, ${inAgents[1]} and ${inAgents[2]} of the agents cost`);
});

it('the template’s alarms look at as many metrics as are counted', async () => {
  const alarms = ofType(await packagedResources(), 'AWS::CloudWatch::Alarm');
  const looked = alarms.map(
    ([, { Properties }]) =>
      Properties.Metrics?.filter((part: { MetricStat?: object }) => part.MetricStat !== undefined).length ??
      1,
  );
  expect(looked.reduce((sum, count) => sum + count, 0)).toBe(ALARM_METRICS);
  expect(page).toContain(`${ALARM_METRICS} metrics under alarm`);
});
