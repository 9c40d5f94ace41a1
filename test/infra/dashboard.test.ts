// The dashboard as CloudWatch would get it: it can be read, shows only what is emitted, and leaves nothing out.

import { beforeAll, describe, expect, it } from 'vitest';
import { METRIC, METRIC_NAMESPACE } from '../../core/log.ts';
import { LAMBDA_NAMES } from '../../infra/build.ts';
import { ofType, packagedResources, type Resource } from '../support/functions/packaged.ts';

const COLUMNS = 24;
const AGENTS_NAMESPACE = `${METRIC_NAMESPACE}/Agents/dev`;

type Metric = readonly [namespace: string, name: string, ...dimensions: unknown[]];
interface Widget {
  readonly type: 'text' | 'metric';
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: { readonly title?: string; readonly region?: string; readonly metrics?: Metric[] };
}

let resources: Record<string, Resource>;
let widgets: Widget[];
beforeAll(async () => {
  resources = await packagedResources();
  const body: string = resources.FanoutDashboard?.Properties.DashboardBody['Fn::Sub'];
  const resolved = body.replaceAll(/\$\{([\w:.]+)\}/g, (_, name: string) => `<${name}>`);
  widgets = JSON.parse(resolved).widgets;
});

const metrics = () => widgets.flatMap(({ properties }) => properties.metrics ?? []);
const dimensionsOf = ([, , ...rest]: Metric) => rest.filter((part) => typeof part === 'string') as string[];

describe('the dashboard', () => {
  it('the dashboard has a place for each widget', () => {
    const taken = new Set<string>();
    for (const { x, y, width, height } of widgets) {
      expect(x + width).toBeLessThanOrEqual(COLUMNS);
      for (let column = x; column < x + width; column++)
        for (let row = y; row < y + height; row++) {
          expect(taken.has(`${column} ${row}`)).toBe(false);
          taken.add(`${column} ${row}`);
        }
    }
  });

  it('answers each question of the first hour', () => {
    const titles = widgets.map(({ properties }) => properties.title ?? '').join('\n');
    for (const subject of [/^Changes$/m, /Propagation/, /Missed webhooks/, /CDN lag/, /Dead letters/])
      expect(titles).toMatch(subject);
    for (const subject of [/Bridge .*failures/, /Agents behind/]) expect(titles).toMatch(subject);
  });

  it('shows every metric of the functions, and none that they do not emit', () => {
    const ours = metrics().filter(([namespace]) => namespace === METRIC_NAMESPACE);
    expect([...new Set(ours.map(([, name]) => name))].sort()).toEqual(Object.values(METRIC).sort());
    for (const metric of ours) {
      const [stageName, stage, serviceName, service] = dimensionsOf(metric);
      expect([stageName, stage, serviceName]).toEqual(['stage', 'dev', 'service']);
      expect(LAMBDA_NAMES).toContain(service);
    }
  });

  it('shows all that is counted in the agents’ logs', () => {
    const counted = ofType(resources, 'AWS::Logs::MetricFilter').map(
      ([, { Properties }]) => Properties.MetricTransformations[0].MetricName,
    );
    const shown = metrics().filter(([namespace]) => namespace === AGENTS_NAMESPACE);
    expect([...new Set(shown.map(([, name]) => name))].sort()).toEqual(counted.sort());
  });

  it('names functions and queues of this stack', () => {
    const names = metrics()
      .filter(([namespace]) => namespace.startsWith('AWS/'))
      .map((metric) => dimensionsOf(metric).slice(0, 2).join(' '));
    const functions = LAMBDA_NAMES.map((name) => `FunctionName datafile-fanout-dev-${name}`);
    const queues = ['Bridge', 'Reconcile'].map((name) => `QueueName <${name}DeadLetters.QueueName>`);
    expect([...new Set(names)].sort()).toEqual([...functions, ...queues].sort());
  });
});
