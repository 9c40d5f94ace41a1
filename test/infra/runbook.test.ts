// An operator who is woken by an alarm finds its section; every section is about an alarm; what a section says to type exists.

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { QUERIES } from '../../infra/insights/queries.ts';
import { ofType, packagedTemplate, type Template } from '../support/functions/packaged.ts';
import { loggedEvents, sourceText } from '../support/source-text.ts';

const page = readFileSync('infra/RUNBOOK.md', 'utf8');
const part = (title: string) => page.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
const alarmSections = new Map(
  part('Alarms')
    .split('\n### ')
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text]),
);
/** As GitHub makes them of headings. */
const anchors = new Set(
  [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .trim()
      .replaceAll(/\s/g, '-'),
  ),
);

let template: Template;
beforeAll(async () => {
  template = await packagedTemplate();
});
const alarms = () =>
  ofType(template.Resources, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) =>
    Properties.AlarmName.replace(/^datafile-fanout-dev-/, ''),
  );

describe('the runbook', () => {
  it('the runbook has a section for each alarm, and an alarm for each section', () => {
    expect([...alarmSections.keys()].sort()).toEqual(alarms().sort());
    expect(alarmSections.size).toBeGreaterThan(20);
  });

  it('says in each what it means, how to see it and what to do', () => {
    for (const [name, text] of alarmSections)
      for (const word of ['Means', 'See', 'Do']) expect(text, name).toContain(`- **${word}:**`);
  });

  it('leads nowhere that is not there', () => {
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1]);
    expect(links.length).toBeGreaterThan(10);
    for (const link of links) expect(anchors).toContain(link);
  });

  it('names alarms, saved queries and metrics that exist', () => {
    const titles = Object.values(QUERIES).map(({ title }) => title);
    for (const [, title] of page.matchAll(/saved query\s+\*([^*]+)\*/g)) expect(titles).toContain(title);
    for (const [, name] of part('Failures').matchAll(/\*([a-z]+-[a-z-]+)\*/g))
      expect(alarms()).toContain(name);
    const agent = sourceText('agent');
    for (const [, name] of page.matchAll(/`fanout_agent_(\w+)`/g))
      expect(agent).toMatch(
        new RegExp(`'${name}'|'${name?.replace(/^datafile_/, '')}'|fanout_agent_${name}`),
      );
  });

  it('the runbook has a query for each alarm that can ring without Lambda', () => {
    const named = [...part('Without CloudWatch').matchAll(/^\| \*([a-z-]+)\* \|/gm)].map(([, name]) => name);
    const ofLambda = /^(?:webhook-(?:errors|throttled)|bridge-.*|.*-dead-letters|notices-.*|functions-.*)$/;
    expect(named.sort()).toEqual(
      alarms()
        .filter((name) => !ofLambda.test(name))
        .sort(),
    );
  });

  it('names events, error codes and outputs that exist', () => {
    const sources = sourceText('core', 'functions', 'agent');
    for (const [, event] of page.matchAll(/[`"]([a-z]+\.(?!conf|json|yml|yaml|md)[a-z]+(?:-[a-z]+)*)[`"]/g))
      expect(loggedEvents(sources)).toContain(event);
    for (const [, code] of page.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g))
      if (!/^(FANOUT|NODE|OPTIMIZELY|POWERTOOLS)_/.test(code ?? '')) expect(sources).toContain(`'${code}'`);
    for (const [, output] of page.matchAll(/output (\w+Url|\w+Name|\w+Arn)\)/g))
      expect(template.Outputs).toHaveProperty(output ?? '');
  });

  it('the runbook has a way for every secret, and for each big repair', () => {
    for (const secret of ['webhook secret', 'NATS users', 'Datafile access tokens', 'JWT'])
      expect(part('Rotating secrets')).toMatch(new RegExp(`^### .*${secret}`, 'm'));
    for (const title of ['Restoring the bucket', 'Upgrading NATS', 'Emptying a dead-letter queue'])
      expect(part(title).length).toBeGreaterThan(300);
  });
});
