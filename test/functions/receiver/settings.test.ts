import { describe, expect, it } from 'vitest';
import { runOptions } from '../../../functions/receiver/options.ts';
import { checkReceiverSettings, readReceiverSettings } from '../../../functions/receiver/settings.ts';

const SECRET = 'never-shown';
const env = {
  FANOUT_BUCKET: 'b',
  FANOUT_NATS_URL: 'wss://nats.example.com',
  FANOUT_PROJECTS: `[{"projectId":"42","secrets":["${SECRET}"],"datafiles":[{"sdkKey":"k","environment":"e"}]}]`,
};

function ask(args: readonly string[], settings: Record<string, string | undefined> = env) {
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const code = runOptions(args, settings, { out: say, error: say });
  return { code, said: said.join('\n') };
}

describe('settings', () => {
  it('settings are those of the functions without a topic, and a few with defaults', () => {
    expect(readReceiverSettings(env)).toMatchObject({
      host: '127.0.0.1',
      port: 8090,
      reconcileIntervalMs: 60_000,
      functions: { role: 'home', bucket: { bucket: 'b' } },
    });
  });

  it.each([
    ['FANOUT_PORT', '65536'],
    ['FANOUT_PORT', 'http'],
    ['FANOUT_PORT', '-1'],
    ['FANOUT_RECONCILE_INTERVAL', '2m'],
    ['FANOUT_RECONCILE_INTERVAL', '10ms'],
    ['FANOUT_RECONCILE_INTERVAL', 'often'],
    ['FANOUT_NATS_URL', 'nats://x'],
    ['FANOUT_BUCKET', ''],
  ])('%s may not be "%s"', (name, value) => {
    const { problems } = checkReceiverSettings({ ...env, [name]: value });
    expect(problems).toEqual([expect.stringContaining(name)]);
  });

  it('settings that Kubernetes has put there are called its links', () => {
    const { problems } = checkReceiverSettings({ ...env, FANOUT_PORT: 'tcp://10.96.0.11:8090' });
    expect(problems).toEqual([
      'FANOUT_PORT is "tcp://10.96.0.11:8090" but must be a port: Kubernetes sets it for a service named fanout (service links): set enableServiceLinks: false in the pod\'s spec, or rename the service',
    ]);
  });

  it('reports every problem at once, and says which are without effect', () => {
    const wrong = { FANOUT_PORT: 'x', FANOUT_RECONCILE_INTERVAL: 'y', FANOUT_TOPIC_ARN: 'arn' };
    const { problems, warnings } = checkReceiverSettings(wrong);
    expect(problems).toHaveLength(5);
    expect(warnings).toEqual([expect.stringContaining('FANOUT_TOPIC_ARN')]);
    expect(() => readReceiverSettings(wrong)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('the command line', () => {
  it('runs when nothing is asked', () => {
    expect(ask([])).toEqual({ code: null, said: '' });
  });

  it('checks the settings and shows no secret', () => {
    expect(ask(['--check-config'])).toMatchObject({
      code: 0,
      said: expect.stringContaining('127.0.0.1:8090'),
    });
    const wrong = ask(['--check-config'], { ...env, FANOUT_PORT: 'x' });
    expect(wrong).toMatchObject({ code: 2, said: expect.stringContaining('wrong: FANOUT_PORT') });
    expect(ask(['--check-config']).said + wrong.said).not.toContain(SECRET);
  });

  it('lists every variable that it reads', () => {
    const { code, said } = ask(['--help']);
    expect(code).toBe(0);
    for (const name of [
      ...Object.keys(env),
      'FANOUT_HOST',
      'FANOUT_PORT',
      'FANOUT_RECONCILE_INTERVAL',
      'FANOUT_ROLE',
    ])
      expect(said).toContain(name);
  });

  it('refuses what it does not understand', () => {
    expect(ask(['--prot', '1'])).toMatchObject({ code: 2, said: expect.stringContaining('Usage') });
  });
});
