// Alarms as they would be deployed: on metrics that the code really emits, with a reaction to silence chosen for each, and
// with the section of the runbook that says what to do.

import { beforeAll, describe, expect, it } from 'vitest';
import { METRIC, METRIC_NAMESPACE } from '../../core/log.ts';
import { LAMBDA_NAMES } from '../../infra/build.ts';
import { ofType, packagedResources, type Resource } from '../support/functions/packaged.ts';
import { loggedEvents, sourceText } from '../support/source-text.ts';

interface AlarmMetric {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
}

const STAGE = 'dev';
const AGENTS_NAMESPACE = `${METRIC_NAMESPACE}/Agents/${STAGE}`;
const PREFIX = `datafile-fanout-${STAGE}-`;
let resources: Record<string, Resource>;
let alarms: [name: string, alarm: Resource['Properties']][];

beforeAll(async () => {
  resources = await packagedResources();
  alarms = ofType(resources, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => [
    Properties.AlarmName.slice(PREFIX.length),
    Properties,
  ]);
});

/** What an alarm looks at: one metric, or those of its expression. */
const metricsOf = (alarm: Resource['Properties']): AlarmMetric[] =>
  alarm.Metrics === undefined
    ? [alarm as AlarmMetric]
    : alarm.Metrics.flatMap(
        (part: { MetricStat?: { Metric: AlarmMetric } }) => part.MetricStat?.Metric ?? [],
      );

const allMetrics = () => alarms.flatMap(([, alarm]) => metricsOf(alarm));
const dimension = (metric: AlarmMetric, name: string) =>
  metric.Dimensions?.find(({ Name }) => Name === name)?.Value;

describe('alarms', () => {
  it.each(LAMBDA_NAMES)('watch errors and throttles of %s', (name) => {
    const watched = allMetrics()
      .filter((metric) => dimension(metric, 'FunctionName') === `${PREFIX}${name}`)
      .map(({ MetricName }) => MetricName);
    expect(watched).toEqual(expect.arrayContaining(['Errors', 'Throttles']));
  });

  it('watch every dead-letter queue', () => {
    const queues = ofType(resources, 'AWS::SQS::Queue').map(([id]) => ({ 'Fn::GetAtt': [id, 'QueueName'] }));
    expect(queues).toHaveLength(2);
    const watched = allMetrics()
      .filter(({ Namespace }) => Namespace === 'AWS/SQS')
      .map((metric) => dimension(metric, 'QueueName'));
    expect(watched).toEqual(queues);
  });

  it('alarms are on metrics that the code emits, told apart by function and stage', () => {
    const ours = allMetrics().filter(({ Namespace }) => Namespace === METRIC_NAMESPACE);
    expect(ours.length).toBeGreaterThan(8);
    for (const metric of ours) {
      expect(Object.values(METRIC)).toContain(metric.MetricName);
      expect(LAMBDA_NAMES).toContain(dimension(metric, 'service'));
      expect(dimension(metric, 'stage')).toBe(STAGE);
    }
  });

  it('find the metrics’ stage in the functions’ settings', () => {
    for (const [, { Properties }] of ofType(resources, 'AWS::Lambda::Function'))
      expect(Properties.Environment.Variables.FANOUT_STAGE).toBe(STAGE);
  });

  it('alarms take silence for health, but for that of the function that runs every minute', () => {
    const onSilence = Object.groupBy(alarms, ([, { TreatMissingData }]) => TreatMissingData);
    expect(Object.keys(onSilence).sort()).toEqual(['breaching', 'notBreaching']);
    expect(onSilence.breaching?.map(([name]) => name)).toEqual(['reconcile-silent']);
  });

  it('say how urgent they are, and lead to their section of the runbook', () => {
    for (const [name, { AlarmDescription }] of alarms)
      expect(AlarmDescription).toMatch(
        new RegExp(`^(Act now|Look today): [^.]+\\. infra/RUNBOOK\\.md#${name}$`),
      );
  });

  it('tell the alarm topic where there is one, of the end too', () => {
    const tell = { 'Fn::If': ['HasAlarmTopic', [{ Ref: 'AlarmTopicArn' }], { Ref: 'AWS::NoValue' }] };
    for (const [, alarm] of alarms) expect(alarm).toMatchObject({ AlarmActions: tell, OKActions: tell });
  });
});

describe('what the agents’ log lines tell', () => {
  const agentSources = sourceText('agent');

  it('is counted only where a log group is named', () => {
    const filters = ofType(resources, 'AWS::Logs::MetricFilter');
    expect(filters).toHaveLength(5);
    const agents = Object.values(resources).filter(
      ({ Properties }) => Properties.Namespace === AGENTS_NAMESPACE,
    );
    expect(agents).toHaveLength(4);
    for (const resource of [...filters.map(([, filter]) => filter), ...agents])
      expect(resource.Condition).toBe('HasAgentsLogGroup');
  });

  it('is counted by events and fields that agents log', () => {
    for (const [, { Properties }] of ofType(resources, 'AWS::Logs::MetricFilter')) {
      const pattern: string = Properties.FilterPattern;
      const event = /\$\.event = "([^"]+)"/.exec(pattern)?.[1];
      expect(loggedEvents(agentSources)).toContain(event);
      const texts = [
        pattern,
        ...Properties.MetricTransformations.map((it: { MetricValue: string }) => it.MetricValue),
      ];
      for (const [, field] of texts.join(' ').matchAll(/\$\.(\w+)/g))
        expect(agentSources).toMatch(new RegExp(`\\b${field}[:,]`));
    }
  });

  it('is what the alarms on agents are about', () => {
    const made = ofType(resources, 'AWS::Logs::MetricFilter').flatMap(([, { Properties }]) =>
      Properties.MetricTransformations.map((it: AlarmMetric & { MetricNamespace: string }) => [
        it.MetricNamespace,
        it.MetricName,
      ]),
    );
    const watched = allMetrics().filter(({ Namespace }) => Namespace.startsWith(`${METRIC_NAMESPACE}/`));
    for (const { Namespace, MetricName } of watched) expect(made).toContainEqual([Namespace, MetricName]);
  });
});

describe('a further region', () => {
  it('watches what it has, and the webhook is left to the home region', async () => {
    const further = await packagedResources([
      ...['--param=role=bus-only', '--param=homeBucket=home-bucket'],
      '--param=homeTopicArn=arn:aws:sns:us-east-1:123456789012:fanout',
    ]);
    const there = ofType(further, 'AWS::CloudWatch::Alarm').map(([id]) => id);
    const home = ofType(resources, 'AWS::CloudWatch::Alarm').map(([id]) => id);
    expect(there.length).toBeGreaterThan(8);
    expect(there.filter((id) => !home.includes(id))).toEqual([]);
    expect(there.join(' ')).not.toMatch(/Webhook|Cdn|Datafile|Manifest|Lineage|Notices/);
    const [oneChange] = ofType(further, 'AWS::Logs::QueryDefinition').map(([, query]) => query.Properties);
    expect(JSON.stringify(oneChange?.LogGroupNames)).not.toContain('webhook');
    expect(further.FanoutDashboard).toBeDefined();
  });
});

describe('metrics', () => {
  it('metrics that have a name are all emitted', () => {
    const functions = sourceText('functions');
    for (const key of Object.keys(METRIC)) expect(functions).toMatch(new RegExp(`METRIC\\.${key}\\b`));
  });
});
