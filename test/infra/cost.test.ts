// The cost page says what the arithmetic says, and the arithmetic counts what the template has.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ALARM_METRICS, costsOf, DEFAULT_USAGE, fanoutTotal } from '../../infra/cost/model.ts';
import { AS_OF, PRICES, REGION } from '../../infra/cost/prices.ts';
import { costTable, FLEETS, priceTable } from '../../infra/cost/table.ts';
import { ofType, packagedResources, type Resource } from '../support/functions/packaged.ts';

const page = readFileSync('infra/COST.md', 'utf8');
const run = (...args: string[]) =>
  spawnSync(process.execPath, ['infra/cost.ts', ...args], { encoding: 'utf8' });

describe('the cost page', () => {
  it('has the tables as they are computed now', () => {
    expect(page).toContain(costTable());
    expect(page).toContain(priceTable());
    expect(run('--markdown').stdout.trim()).toBe(`${costTable()}\n\n${priceTable()}`);
  });

  it('says what that is in agents', () => {
    const inAgents = FLEETS.map((agents) => {
      const costs = costsOf({ ...DEFAULT_USAGE, agents });
      return Math.round(fanoutTotal(costs) / (costs.agents / agents));
    });
    expect(page).toContain(`what ${inAgents[0]}, ${inAgents[1]} and ${inAgents[2]} of the agents cost`);
  });

  it('names region and date of its prices', () => {
    expect(page).toContain(REGION);
    expect(page).toContain(AS_OF);
  });
});

describe('the costs of a month', () => {
  it('grow with the fleet where they should, and nowhere else', () => {
    const [few, many] = [10, 10_000].map((agents) => costsOf({ ...DEFAULT_USAGE, agents }));
    expect(many?.functions).toBe(few?.functions);
    for (const part of ['record', 'watching', 'bus', 'traffic', 'agents'] as const)
      expect(many?.[part]).toBeGreaterThan(few?.[part] ?? Number.NaN);
  });

  it('of the record are the agents’ checks: twelve an hour per key, and every 5 s without a bus', () => {
    const record = (agents: number, busDownHours: number) =>
      costsOf({ ...DEFAULT_USAGE, agents, busDownHours }).record;
    const oneAgent = record(1, 0) - record(0, 0);
    expect(oneAgent).toBeCloseTo(730 * 12 * PRICES.s3Get.usd, 10);
    expect(record(1, 1) - record(1, 0)).toBeCloseTo((720 - 12) * PRICES.s3Get.usd, 10);
  });

  it('are whole: the fan-out is all parts but the agents’ machines', () => {
    const costs = costsOf(DEFAULT_USAGE);
    const all = Object.values(costs).reduce((sum, usd) => sum + usd, 0);
    expect(fanoutTotal(costs)).toBeCloseTo(all - costs.agents, 10);
  });
});

describe('what is counted', () => {
  let resources: Record<string, Resource>;
  beforeAll(async () => {
    resources = await packagedResources();
  });

  it('are the metrics that the template’s alarms look at', () => {
    const looked = ofType(resources, 'AWS::CloudWatch::Alarm').map(
      ([, { Properties }]) =>
        Properties.Metrics?.filter((part: { MetricStat?: object }) => part.MetricStat !== undefined).length ??
        1,
    );
    expect(looked.reduce((sum, count) => sum + count, 0)).toBe(ALARM_METRICS);
  });
});

describe('npm run cost', () => {
  it('answers for any fleet, for programs too', () => {
    const { stdout, status } = run('--agents', '2000', '--changes-per-day', '200', '--json');
    expect(status).toBe(0);
    const costs = costsOf({ ...DEFAULT_USAGE, agents: 2_000, changesPerDay: 200 });
    expect(JSON.parse(stdout)).toMatchObject({ usdPerMonth: costs, fanoutUsdPerMonth: fanoutTotal(costs) });
  });

  it.each([
    [['--agents', 'many'], '--agents must be a number from 0'],
    [['--agents=-1'], '--agents must be a number from 0'],
    [['--sdk-keys', '0'], '--sdk-keys must be at least 1'],
    [['--cheaper'], "Unknown option '--cheaper'"],
  ])('refuses %j', (args, message) => {
    const { stderr, status } = run(...args);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });
});
