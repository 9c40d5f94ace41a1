// What reaches standard output; in a process of its own, as the lines are written past everything.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../../core/release.ts';
import { printedProblems } from '../support/log-schema.ts';

const LOG = join(import.meta.dirname, '../../io/log.ts');

/** The lines of one warning and one debug-like info. */
function linesWith(level: string, options: object, more = ''): string[] {
  const script = `
    const { createLog } = await import(${JSON.stringify(LOG)});
    const log = createLog({ service: 'agent', name: 'a1' }, ${JSON.stringify(level)}, ${JSON.stringify(options)});
    log.info('agent.started', { sdkKeys: ['KEY'], apiPort: 1 });
    log.warn('source.failed', { sdkKey: 'KEY', error: 'no', nested: { a: 1 } });
    ${more}`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  return out.split('\n').filter((line) => line !== '');
}

describe('the log', () => {
  it('the log is a JSON object per line, each with its writer', () => {
    const every = { time: expect.any(String), service: 'agent', name: 'a1', version: VERSION };
    expect(linesWith('info', {}).map((line) => JSON.parse(line))).toEqual([
      { ...every, level: 'info', event: 'agent.started', sdkKeys: ['KEY'], apiPort: 1 },
      { ...every, level: 'warn', event: 'source.failed', sdkKey: 'KEY', error: 'no', nested: { a: 1 } },
    ]);
    expect(printedProblems(linesWith('info', {}))).toEqual([]);
  });

  it('leaves out what is below its level', () => {
    expect(linesWith('warn', {})).toHaveLength(1);
    expect(linesWith('silent', {})).toEqual([]);
  });

  it('the log can be for people', () => {
    expect(linesWith('info', { pretty: true })).toEqual([
      expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}agent\.started sdkKeys=\["KEY"\] apiPort=1$/),
      expect.stringMatching(
        /^\d\d:\d\d:\d\d\.\d{3} WARN {2}source\.failed sdkKey=KEY error=no nested=\{"a":1\}$/,
      ),
    ]);
  });

  it('without SDK keys has none in its texts either, nor in their spelling in addresses', () => {
    const more = `log.error('source.failed', { sdkKey: 'A+B', error: 'df.v1.A+B', at: ['/A%2BB/KEY'] });`;
    const [line] = linesWith('error', { sdkKeys: false }, more);
    expect(JSON.parse(line ?? '')).toMatchObject({ error: 'df.v1.(SDK key)', at: ['/(SDK key)/(SDK key)'] });
  });

  it('the log can do without SDK keys', () => {
    for (const pretty of [true, false])
      expect(linesWith('info', { pretty, sdkKeys: false }).join('\n')).not.toContain('KEY');
  });
});
