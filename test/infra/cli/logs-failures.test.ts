// `fanout logs` when AWS refuses, when the user interrupts it, and when its arguments contradict each other.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { CloudWatch } from './support/cloudwatch.ts';
import { type Ended, fanout, startFanout } from './support/fanout.ts';

let cloudwatch: CloudWatch;
beforeEach(async () => {
  cloudwatch = await new CloudWatch().start();
});
afterEach(() => cloudwatch.stop());

const run = (line: string, env: Record<string, string> = {}): Promise<Ended> =>
  fanout(['logs', ...line.split(' ')], { ...cloudwatch.env, ...env });

describe('what AWS may answer', () => {
  it.each([
    ['AccessDeniedException', 3, 'what the role may do'],
    ['UnrecognizedClientException', 3, 'aws sts get-caller-identity'],
    ['ResourceNotFoundException', 1, 'Check --stage, --region and the account'],
    ['LimitExceededException', 4, 'Try again in a minute'],
    ['ServiceUnavailableException', 4, 'Try again'],
  ])('%s ends with %i', async (refusal, code, remedy) => {
    cloudwatch.refusal = refusal;
    const ended = await run('--revision 459');
    expect(ended.code).toBe(code);
    expect(ended.err).toContain(remedy);
  });

  it('without credentials it ends with 2, and says how to get some', async () => {
    const none = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', HOME: '/nonexistent' };
    const ended = await run('--revision 459', none);
    expect(ended.code).toBe(2);
    expect(ended.err).toContain('AWS_PROFILE');
  });

  it('without a region it ends with 2', async () => {
    const ended = await run('--revision 459', { AWS_REGION: '', HOME: '/nonexistent' });
    expect(ended.code).toBe(2);
    expect(ended.err).toContain('AWS_REGION');
  });

  it('Ctrl-C stops the query too, and ends with 130', async () => {
    cloudwatch.looksNeeded = Number.POSITIVE_INFINITY;
    const { child, ended } = startFanout(['logs', '--change', 'a-change'], cloudwatch.env);
    await eventually('a query', () => cloudwatch.queries.length === 1);
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    expect(cloudwatch.stopped).toEqual(['query-1']);
  });
});

describe('a line that cannot be meant ends with 2 before anything is asked', () => {
  it.each([
    ['--revision 4x', 'is not a whole number'],
    ['--revision 4 --change x', 'exclude each other'],
    ['--since yesterday', 'is not a duration'],
    ['--since 0s', 'is not a duration'],
    ['--change x"|delete', 'cannot stand for changeId'],
    ['--since 1h --project 42', '--project needs --revision or --change'],
    ['--stage a/b', 'is not the name of a stage'],
    ['--role away', "argument 'away' is invalid. Allowed choices are home, bus-only."],
    ['--log-group a*b', 'is not the name of a log group'],
    ['--tail', "unknown option '--tail'"],
  ])('%s', async (line, message) => {
    const ended = await run(line);
    expect(ended.code).toBe(2);
    expect(ended.err).toContain(message);
    expect(cloudwatch.queries).toEqual([]);
  });
});
