// Settings are read once, whole, and every problem is named at once, without showing a secret.

import { describe, expect, it } from 'vitest';
import {
  readReaderSettings,
  readSecretNames,
  readWriterSettings,
} from '../../../functions/settings/settings.ts';
import { CREDS } from '../../support/bus/creds.ts';

const SECRET = 'the-webhook-secret';
const GOOD = {
  FANOUT_BUCKET: 'bucket',
  FANOUT_NATS_URL: 'wss://a.example, ws://10.0.0.1:8080',
  FANOUT_TOPIC_ARN: 'arn:aws:sns:eu-west-1:1:t',
  FANOUT_PROJECTS: JSON.stringify([
    { projectId: '1', secrets: [SECRET], datafiles: [{ sdkKey: 'k', environment: 'e' }] },
  ]),
};

const problemsOf = (env: Record<string, string | undefined>): string => {
  try {
    readWriterSettings({ ...GOOD, ...env });
    return 'none';
  } catch (error) {
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', retryable: false });
    return (error as Error).message;
  }
};

describe('settings', () => {
  it('settings need only what has no default', () => {
    const settings = readWriterSettings(GOOD);
    expect(settings).toMatchObject({
      bucket: { bucket: 'bucket', endpoint: undefined },
      bus: { servers: ['wss://a.example', 'ws://10.0.0.1:8080'], replicas: 1, user: undefined },
      topic: { topicArn: GOOD.FANOUT_TOPIC_ARN },
      templates: {
        cdn: 'https://cdn.optimizely.com/datafiles/%s.json',
        origin: 'https://optimizely.s3.amazonaws.com/datafiles/%s.json',
        auth: 'https://config.optimizely.com/datafiles/auth/%s.json',
      },
      fetchBudgetMs: 5_000,
      role: 'home',
    });
    expect(settings.projects.get('1')?.secrets).toEqual([SECRET]);
  });

  it('settings take everything that can be said', () => {
    const env = {
      ...GOOD,
      FANOUT_S3_ENDPOINT: 'http://s3',
      FANOUT_SNS_ENDPOINT: 'http://sns',
      FANOUT_NATS_PLAINTEXT: 'allowed',
      FANOUT_NATS_USER: 'u',
      FANOUT_NATS_PASSWORD: 'p',
      FANOUT_NATS_TOKEN: 't',
      FANOUT_NATS_CREDS: CREDS.trim().replaceAll('\n', '\\n'),
      FANOUT_NATS_REPLICAS: '3',
      FANOUT_FETCH_BUDGET: '1s500ms',
      FANOUT_CDN_URL_TEMPLATE: 'http://127.0.0.1:9/d/%s.json',
    };
    expect(readWriterSettings(env)).toMatchObject({
      bucket: { endpoint: 'http://s3' },
      topic: { endpoint: 'http://sns' },
      bus: { user: 'u', password: 'p', token: 't', creds: CREDS, replicas: 3 },
      fetchBudgetMs: 1_500,
      templates: { cdn: 'http://127.0.0.1:9/d/%s.json' },
    });
  });

  it('settings may hold credentials in their URLs: of the bus, and of mirrors', () => {
    const template = 'https://reader:p@mirror.example/%s.json';
    const env = {
      ...GOOD,
      FANOUT_NATS_URL: 'wss://u:p%21@a, wss://u:p%21@b',
      FANOUT_CDN_URL_TEMPLATE: template,
    };
    expect(readWriterSettings(env)).toMatchObject({
      bus: { servers: ['wss://a', 'wss://b'], user: 'u', password: 'p!' },
      templates: { cdn: template },
    });
    expect(problemsOf({ FANOUT_NATS_URL: 'wss://u:p@a', FANOUT_NATS_USER: 'v' })).toContain(
      'FANOUT_NATS_URL holds credentials and FANOUT_NATS_USER too',
    );
  });

  it('settings of the bridge need neither projects nor a topic', () => {
    const { FANOUT_BUCKET, FANOUT_NATS_URL } = GOOD;
    expect(readReaderSettings({ FANOUT_BUCKET, FANOUT_NATS_URL })).toMatchObject({
      bucket: { bucket: 'bucket' },
    });
  });

  it('settings of a further region need no topic', () => {
    expect(problemsOf({ FANOUT_ROLE: 'bus-only', FANOUT_TOPIC_ARN: '' })).toBe('none');
  });

  it('settings may only name the secrets, which are then not asked for here', () => {
    const { FANOUT_PROJECTS: _, ...rest } = GOOD;
    const secrets = { FANOUT_PROJECTS_SECRET: 'ssm:/fanout/projects', FANOUT_NATS_SECRET: 'nats' };
    const env = { ...rest, ...secrets, FANOUT_NATS_PLAINTEXT: 'allowed' };
    const names = readSecretNames(env);
    expect(names).toEqual({
      projects: { store: 'ssm', name: '/fanout/projects' },
      nats: { store: 'secretsmanager', name: 'nats' },
      signing: null,
    });
    expect(readWriterSettings(env, names).projects.size).toBe(0);
    expect(readSecretNames(GOOD)).toEqual({ projects: null, nats: null, signing: null });
    expect(() => readSecretNames({ FANOUT_NATS_SECRET: 'no name' })).toThrow('FANOUT_NATS_SECRET must be');
  });

  it('name every problem at once', () => {
    const message = problemsOf({ FANOUT_BUCKET: '', FANOUT_NATS_URL: 'http://x', FANOUT_ROLE: 'boss' });
    for (const name of ['FANOUT_BUCKET', 'FANOUT_NATS_URL', 'FANOUT_ROLE']) expect(message).toContain(name);
  });
});

describe('a setting is refused:', () => {
  it.each([
    ['FANOUT_BUCKET', undefined, 'FANOUT_BUCKET is missing'],
    ['FANOUT_TOPIC_ARN', ' ', 'FANOUT_TOPIC_ARN is missing'],
    ['FANOUT_NATS_URL', 'nats://x:4222', 'ws:// or wss://'],
    ['FANOUT_NATS_URL', `wss://u:${SECRET}@x,wss://y`, 'different credentials'],
    ['FANOUT_NATS_CREDS', SECRET, 'holds no USER JWT'],
    ['FANOUT_S3_ENDPOINT', `https://u:${SECRET}@x`, 'must hold no credentials'],
    ['FANOUT_SNS_ENDPOINT', `https://u:${SECRET}@x`, 'must hold no credentials'],
    ['FANOUT_NATS_REPLICAS', '2', 'one of 1, 3, 5'],
    ['FANOUT_FETCH_BUDGET', 'soon', 'a duration such as 100ms, 5s or 1m'],
    ['FANOUT_FETCH_BUDGET', '20s', 'at most'],
    ['FANOUT_CDN_URL_TEMPLATE', 'https://x/y.json', 'one %s'],
    ['FANOUT_CDN_URL_TEMPLATE', 'https://x/%s/%s.json', 'one %s'],
    ['FANOUT_CDN_URL_TEMPLATE', 'https://%s.example/x.json', '%s in the path'],
    ['FANOUT_ORIGIN_URL_TEMPLATE', 'https://x/?key=%s', '%s in the path'],
    ['FANOUT_CDN_AUTH_URL_TEMPLATE', `https://u:${SECRET}@x/%s`, 'must hold no credentials'],
    ['FANOUT_CDN_AUTH_URL_TEMPLATE', 'http://x.example/%s', 'must be https'],
    ['FANOUT_CDN_AUTH_URL_TEMPLATE', 'http://127.0.0.1.evil.example/%s', 'must be https'],
    ['FANOUT_PROJECTS', '[]', 'FANOUT_PROJECTS'],
    ['FANOUT_PROJECTS', `[{"secrets": ["${SECRET}"]`, 'FANOUT_PROJECTS'],
  ])('%s=%s', (name, value, problem) => {
    const message = problemsOf({ [name]: value });
    expect(message).toContain(problem);
    expect(message).toContain(name);
    expect(message).not.toContain(SECRET);
  });
});

describe('a password for the bus', () => {
  const bare = (url: string) => ({ FANOUT_NATS_URL: url });
  const user = { FANOUT_NATS_USER: 'u', FANOUT_NATS_PASSWORD: 'p' };

  it.each([
    ['ws://nats.example:8080', user],
    ['ws://u:p@nats.example', {}],
    ['wss://a.example,ws://10.0.0.1', user],
    ['ws://nats.example', { FANOUT_NATS_TOKEN: 't' }],
    ['ws://nats.example', { FANOUT_NATS_SECRET: 'datafile-fanout/nats' }],
    ['ws://localhost.example', user],
  ])(
    'a password for the bus is not sent to %s in clear, unless the operator says that it may',
    (url, given) => {
      const env = { ...bare(url), ...given };
      expect(problemsOf(env)).toContain('use wss://, or set FANOUT_NATS_PLAINTEXT=allowed');
      expect(problemsOf(env)).not.toContain('u:p');
      expect(problemsOf({ ...env, FANOUT_NATS_PLAINTEXT: 'allowed' })).toBe('none');
    },
  );

  it.each([
    ['ws://127.0.0.1:8080', user],
    ['ws://localhost', user],
    ['ws://[::1]:8080', user],
    ['wss://nats.example', user],
    ['ws://nats.example', {}],
    ['ws://nats.example', { FANOUT_NATS_CREDS: CREDS }],
  ])('a password for the bus is nothing that %s with %j shows', (url, given) => {
    expect(problemsOf({ ...bare(url), ...given })).toBe('none');
  });

  it('a password for the bus is spoken of in two words only', () => {
    expect(problemsOf({ ...user, FANOUT_NATS_PLAINTEXT: 'yes' })).toContain(
      'must be one of refused, allowed',
    );
  });
});
