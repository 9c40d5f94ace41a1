import { describe, expect, it } from 'vitest';
import { type ConfigFile, type Environment, parseConfig } from '../../../agent/config/config.ts';
import { SETTINGS } from '../../../agent/config/settings.ts';
import { runCli } from '../../../agent/process/cli.ts';
import { VERSION } from '../../../core/release.ts';

async function run(args: string[], env: Environment = {}, file: ConfigFile | null = null) {
  const out: string[] = [];
  const errors: string[] = [];
  const code = await runCli(
    { args, env, readText: () => '', loadFile: async () => file },
    { out: (text) => out.push(text), error: (text) => errors.push(text) },
  );
  return { code, out: out.join('\n'), errors };
}

describe('the command line', () => {
  it('asks for nothing when the agent is to run', async () => {
    expect(await run([])).toEqual({ code: null, out: '', errors: [] });
  });

  it('lists every setting, its variable and its default', async () => {
    for (const option of ['--help', '-h']) {
      const { code, out } = await run([option]);
      expect(code).toBe(0);
      for (const { path, variable, help, unused } of SETTINGS)
        for (const text of [path, variable, unused ?? help]) expect(out).toContain(text);
      expect(out).toContain('[500]');
    }
  });

  it('says its version', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, out: VERSION });
  });

  it('says of right settings what the agent would do', async () => {
    const env = { OPTIMIZELY_SDKKEYS: 'abc,def:SECRET', OPTIMIZELY_SOMETHING: '1' };
    const { code, out, errors } = await run(['--check-config'], env, { path: 'config.yaml', contents: null });
    expect(code).toBe(0);
    expect(errors).toEqual(['warning: OPTIMIZELY_SOMETHING is not a setting']);
    for (const text of ['config.yaml', 'abc, def', '127.0.0.1:8080', 'localhost'])
      expect(out).toContain(text);
    expect(out).not.toContain('SECRET');
  });

  it('says what becomes of webhooks', async () => {
    const webhookLine = async (env: Environment) =>
      (await run(['--check-config'], env)).out.split('\n').find((line) => line.includes('webhook '));
    expect(await webhookLine({})).toContain('127.0.0.1:8085, answered and ignored');
    const one = { OPTIMIZELY_WEBHOOK_PROJECTS_10000_SECRET: 's', OPTIMIZELY_WEBHOOK_PORT: '8089' };
    expect(await webhookLine(one)).toContain('127.0.0.1:8089, for the project(s) 10000');
    expect(await webhookLine({ ...one, FANOUT_RECEIVER_URL: 'http://r/' })).toContain('8089, forwarded');
  });

  it('says everything that is wrong with wrong ones, a line each, and ends with 2', async () => {
    const { code, out, errors } = await run(['--check-config'], {
      OPTIMIZELY_API_PORT: 'x',
      OPTIMIZELY_LOG_LEVEL: 'loud',
    });
    expect([code, out]).toEqual([2, '']);
    expect(errors).toEqual(
      [
        'wrong: OPTIMIZELY_LOG_LEVEL is "loud" but must be one of debug, info, warn, error, silent',
        'wrong: OPTIMIZELY_API_PORT is "x" but must be a whole number from 0 to 65535',
        '2 of the settings are wrong.',
      ].sort((a, b) => Number(b.includes('API_PORT')) - Number(a.includes('API_PORT'))),
    );
  });

  it('the command line does not guess', async () => {
    for (const args of [['--chek-config'], ['--help', 'me'], ['run']])
      expect(await run(args)).toMatchObject({ code: 2, out: '' });
  });
});

describe('the sample of settings', () => {
  it('in the help is what there is when nothing is set', () => {
    const written = SETTINGS.filter(({ byDefault, kind }) => byDefault !== undefined && kind === 'text');
    const env = Object.fromEntries(written.map(({ variable, byDefault }) => [variable, String(byDefault)]));
    expect(parseConfig(env, () => '')).toEqual(parseConfig({}, () => ''));
  });
});
