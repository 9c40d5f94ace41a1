// The saved queries: the template has the very texts that the command line runs, and they ask for what is really logged.

import { beforeAll, describe, expect, it } from 'vitest';
import { placeholdersOf, QUERIES, type QueryName, queryText } from '../../infra/insights/queries.ts';
import { ofType, packagedResources, type Resource } from '../support/functions/packaged.ts';
import { loggedEvents, sourceText } from '../support/source-text.ts';

const NAMES = Object.keys(QUERIES) as QueryName[];
const FANOUT_CODE = /"([A-Z]+_[A-Z_]+)"/g;
/** Words of the query language, and what the log reader adds. */
const LANGUAGE =
  /^(fields|filter|stats|sort|limit|by|as|asc|desc|in|and|or|not|min|max|latest|earliest|count|ispresent)$/;
/** The logger's own. */
const LOGGER_FIELDS = ['service', 'event', 'code'];

let resources: Record<string, Resource>;
beforeAll(async () => {
  resources = await packagedResources();
});

/** Names in a query that are not words of the language, aliases or texts. */
function fieldsIn(name: QueryName): string[] {
  const text = QUERIES[name].lines.join('\n').replaceAll(/"[^"]*"|<\w+>|@\w+/g, ' ');
  const aliases = [...text.matchAll(/\bas (\w+)/g)].map((match) => match[1]);
  const words = [...text.matchAll(/[A-Za-z]\w*/g)].map(([word]) => word);
  return [...new Set(words)].filter((word) => !LANGUAGE.test(word) && !aliases.includes(word));
}

describe('saved queries', () => {
  it('saved queries are in the template with the texts that the command line runs', () => {
    const saved = ofType(resources, 'AWS::Logs::QueryDefinition').map(([, { Properties }]) => {
      const [separator, lines] = Properties.QueryString['Fn::Join'];
      return [Properties.Name, lines.join(separator)];
    });
    const known = NAMES.map((name) => [
      `datafile-fanout-dev/${QUERIES[name].title}`,
      QUERIES[name].lines.join('\n'),
    ]);
    expect(saved).toEqual(known);
  });

  it('search the logs of every function, and of the agents where they are named', () => {
    const groups = ofType(resources, 'AWS::Lambda::Function').map(
      ([, { Properties }]) => `/aws/lambda/${Properties.FunctionName}`,
    );
    for (const [, { Properties }] of ofType(resources, 'AWS::Logs::QueryDefinition')) {
      const [agents] = Properties.LogGroupNames.filter((name: unknown) => typeof name !== 'string');
      expect(Properties.LogGroupNames.filter((name: unknown) => name !== agents).sort()).toEqual(
        groups.sort(),
      );
      expect(agents).toEqual({
        'Fn::If': ['HasAgentsLogGroup', { Ref: 'AgentsLogGroup' }, { Ref: 'AWS::NoValue' }],
      });
    }
  });

  it.each(NAMES)('%s asks for fields that are logged', (name) => {
    const sources = sourceText('core', 'functions', 'agent');
    for (const field of fieldsIn(name)) {
      if (!LOGGER_FIELDS.includes(field))
        expect(sources, field).toMatch(
          new RegExp(`[{,(]\\s*(readonly )?${field}\\s*[:,}]|^\\s*${field}[:,]`, 'm'),
        );
    }
  });

  it.each(NAMES)('%s names events that are logged and codes that are thrown', (name) => {
    const text = QUERIES[name].lines.join('\n');
    const sources = sourceText('functions', 'agent');
    for (const [, event] of text.matchAll(/"([a-z]+\.[a-z-]+)"/g))
      expect(loggedEvents(sources)).toContain(event);
    for (const [, code] of text.matchAll(FANOUT_CODE)) expect(sources).toContain(`code: '${code}'`);
  });

  it('saved queries that answer each question of the first hour are there', () => {
    const titles = NAMES.map((name) => QUERIES[name].title);
    for (const subject of [
      'one change end to end',
      'rejected webhooks',
      'slow changes',
      'conflicts on a manifest',
    ])
      expect(titles).toContain(subject);
  });
});

describe('a query for a program', () => {
  it('a query for a program has its placeholders filled in', () => {
    expect(placeholdersOf('oneChange')).toEqual(['changeId']);
    expect(queryText('oneChange', { changeId: 'Jk3-x_1.a:b' })).toContain('filter changeId = "Jk3-x_1.a:b"');
    expect(queryText('changesOfRevision', { revision: 459 })).toContain('revision = 459');
    for (const name of NAMES)
      if (placeholdersOf(name).length === 0) expect(queryText(name)).toBe(QUERIES[name].lines.join('\n'));
  });

  it.each(['', 'a" or changeId like /./', 'a\nb', 'x'.repeat(129), 'a|b'])('refuses %j', (changeId) => {
    expect(() => queryText('oneChange', { changeId })).toThrow(/cannot stand for changeId/);
  });

  it('a query for a program never reads more lines than it says', () => {
    for (const name of NAMES)
      expect(queryText(name, { changeId: 'c', revision: 1 })).toMatch(/\| limit \d+$/);
  });
});
