// The list of settings against everything that is made from it: what is read, what help says, what is unknown.

import { describe, expect, it } from 'vitest';
import { checkConfig, type Environment, parseConfig } from '../../../agent/config/config.ts';
import { SETTINGS, variableOf } from '../../../agent/config/settings.ts';
import { nearest } from '../../../core/settings/nearest.ts';

const check = (env: Environment, contents: object = {}) =>
  checkConfig(env, () => '', { path: 'f', contents });

/** `a.b.c` as the file has it. */
const fileWith = (path: string, value: unknown): object =>
  path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as object;

describe('the list of settings', () => {
  it('names each one once, with the original’s rule for variables', () => {
    for (const names of [
      SETTINGS.map(({ path }) => path.toLowerCase()),
      SETTINGS.map(({ variable }) => variable),
    ])
      expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    expect(variableOf('server.batchRequests.operationsLimit')).toBe(
      'OPTIMIZELY_SERVER_BATCHREQUESTS_OPERATIONSLIMIT',
    );
    expect(variableOf('fanout.s3PollInterval')).toBe('FANOUT_S3_POLL_INTERVAL');
    expect(SETTINGS.find(({ path }) => path === 'fanout.workers')?.variable).toBe('AGENT_WORKERS');
  });

  it('the list of settings has the ones that operators of the original have', () => {
    const known = new Set(SETTINGS.map(({ variable }) => variable));
    const theirs = `SDKKEYS SERVER_HOST SERVER_ALLOWEDHOSTS API_PORT API_ENABLEOVERRIDES API_ENABLENOTIFICATIONS
      API_CORS_ALLOWEDORIGINS API_MAXCONNS ADMIN_PORT ADMIN_METRICSTYPE LOG_LEVEL LOG_PRETTY LOG_INCLUDESDKKEY
      CLIENT_POLLINGINTERVAL CLIENT_DATAFILEURLTEMPLATE CLIENT_EVENTURL CLIENT_BATCHSIZE CLIENT_QUEUESIZE
      CLIENT_FLUSHINTERVAL CLIENT_SDKKEYREGEX CLIENT_USERPROFILESERVICE CLIENT_ODP_DISABLE CLIENT_ODP_SEGMENTSCACHE
      CLIENT_ODP_EVENTSREQUESTTIMEOUT CLIENT_ODP_EVENTSFLUSHINTERVAL CLIENT_ODP_SEGMENTSREQUESTTIMEOUT
      CLIENT_CMAB_PREDICTIONENDPOINT CLIENT_CMAB_CACHE CMAB CMAB_CACHE CMAB_RETRYCONFIG
      SERVER_BATCHREQUESTS_OPERATIONSLIMIT SERVER_BATCHREQUESTS_MAXCONCURRENCY SERVER_KEYFILE SERVER_CERTFILE
      SERVER_DISABLEDCIPHERS SERVER_HEALTHCHECKPATH SERVER_READTIMEOUT SERVER_WRITETIMEOUT TRACING_ENABLED
      API_AUTH_CLIENTS API_AUTH_HMACSECRETS API_AUTH_TTL API_AUTH_JWKSURL API_AUTH_JWKSUPDATEINTERVAL
      ADMIN_AUTH_HMACSECRETS ADMIN_AUTH_TTL ADMIN_AUTH_JWKSURL ADMIN_AUTH_JWKSUPDATEINTERVAL WEBHOOK_PORT
      CONFIG_FILENAME NAME AUTHOR VERSION RUNTIME_BLOCKPROFILERATE RUNTIME_MUTEXPROFILEFRACTION`;
    expect(theirs.split(/\s+/).filter((name) => !known.has(`OPTIMIZELY_${name}`))).toEqual([]);
  });

  it.each(SETTINGS.filter(({ unused, path }) => unused === undefined && path !== 'config.filename'))(
    '$path is read',
    ({ path, kind }) => {
      // A value that every reader of settings refuses, so that a setting without a problem was not read.
      const wrong =
        kind === 'map' ? { nonsense: { nonsense: 1 } } : kind === 'objects' ? [[1]] : { nonsense: 1 };
      const { problems, warnings } = check({}, fileWith(path, wrong));
      expect([...problems, ...warnings].join()).toMatch(/^f: /);
      expect(warnings.filter((text) => text.startsWith(`f: ${path} is not a setting`))).toEqual([]);
    },
  );

  it.each(SETTINGS.filter(({ unused }) => unused !== undefined))(
    '$path is accepted with a warning',
    (setting) => {
      const value = setting.kind === 'map' ? { a: 1 } : 7;
      const { problems, warnings } = check({}, fileWith(setting.path, value));
      expect(problems).toEqual([]);
      expect(warnings).toEqual([`f: ${setting.path} has no effect: ${setting.unused}`]);
      const variable = setting.kind === 'map' ? '{"a":1}' : '7';
      expect(check({ [setting.variable]: variable }).warnings).toEqual([
        `${setting.variable} has no effect: ${setting.unused}`,
      ]);
    },
  );
});

describe('variables that are no setting', () => {
  it('variables that are no setting are told of, with what was probably meant', () => {
    expect(
      check({ OPTIMIZELY_API_PROT: '1', OPTIMIZELY_SOMETHING: '1', FANOUT_BUCKT: 'b' }).warnings.sort(),
    ).toEqual([
      'FANOUT_BUCKT is not a setting; did you mean FANOUT_BUCKET?',
      'OPTIMIZELY_API_PROT is not a setting; did you mean OPTIMIZELY_API_PORT?',
      'OPTIMIZELY_SOMETHING is not a setting',
    ]);
  });

  it('unknown variables that Kubernetes or the functions set are not reported', () => {
    expect(
      check({
        OPTIMIZELY_AGENT_SERVICE_HOST: '10.0.0.1',
        OPTIMIZELY_AGENT_SERVICE_PORT_HTTP: '80',
        OPTIMIZELY_AGENT_PORT: 'tcp://10.0.0.1:80',
        OPTIMIZELY_AGENT_PORT_80_TCP_ADDR: '10.0.0.1',
        FANOUT_TOPIC_ARN: 'arn',
        FANOUT_SNS_ENDPOINT: 'http://sns',
        FANOUT_NATS_CREDS: 'c',
        FANOUT_PROJECTS: '[]',
        PATH: '/bin',
      }).warnings,
    ).toEqual([]);
  });

  it('variables that are no setting are told of as Kubernetes’ links where they read like a setting, and never guessed at', () => {
    const env = {
      OPTIMIZELY_SERVER_SERVICE_HOST: '10.96.0.11',
      OPTIMIZELY_SERVER_SERVICE_PORT: '80',
      OPTIMIZELY_SERVER_PORT: 'tcp://10.96.0.11:80',
      OPTIMIZELY_SERVER_PORT_80_TCP: 'tcp://10.96.0.11:80',
      OPTIMIZELY_SERVER_PORT_80_TCP_PROTO: 'tcp',
      OPTIMIZELY_SERVER_PORT_80_TCP_PORT: '80',
      OPTIMIZELY_SERVER_PORT_80_TCP_ADDR: '10.96.0.11',
    };
    expect(check(env)).toMatchObject({
      problems: [],
      warnings: [
        "OPTIMIZELY_SERVER_PORT is not a setting and has no effect; Kubernetes sets it for a service named optimizely-server (service links): set enableServiceLinks: false in the pod's spec, or rename the service",
      ],
    });
  });

  it.each(['API', 'ADMIN', 'WEBHOOK'])(
    'may stand in the place of OPTIMIZELY_%s_PORT, which is said',
    (port) => {
      const variable = `OPTIMIZELY_${port}_PORT`;
      expect(check({ [variable]: 'tcp://10.96.0.11:8080' }).problems).toEqual([
        `${variable} is "tcp://10.96.0.11:8080" but must be a port: Kubernetes sets it for a service named optimizely-${port.toLowerCase()} (service links): set enableServiceLinks: false in the pod's spec, or rename the service`,
      ]);
    },
  );

  it('variables that are no setting may name projects of the webhook', () => {
    const { config, warnings, problems } = check({
      OPTIMIZELY_WEBHOOK_PROJECTS_10000_SECRET: 's',
      OPTIMIZELY_WEBHOOK_PROJECTS_10000_SDKKEYS: 'aaa,bbb',
      OPTIMIZELY_WEBHOOK_PROJECTS_10000_SKIPSIGNATURECHECK: 'true',
    });
    expect([problems, warnings]).toEqual([[], []]);
    expect(config.webhook.projects).toEqual(
      new Map([['10000', { sdkKeys: ['aaa', 'bbb'], secret: 's', skipSignatureCheck: true }]]),
    );
  });
});

describe('values', () => {
  const parse = (env: Environment) => parseConfig(env, () => '');

  it('values are true and false as Go reads them', () => {
    for (const text of ['1', 't', 'T', 'true', 'TRUE', 'True'])
      expect(parse({ OPTIMIZELY_API_ENABLEOVERRIDES: text }).api.enableOverrides).toBe(true);
    for (const text of ['0', 'f', 'false', 'FALSE', ''])
      expect(parse({ OPTIMIZELY_API_ENABLEOVERRIDES: text }).api.enableOverrides).toBe(false);
  });

  it('values are log levels of the original too', () => {
    for (const [text, level] of [
      ['trace', 'debug'],
      ['warning', 'warn'],
      ['fatal', 'error'],
      ['panic', 'error'],
      ['disabled', 'silent'],
      ['INFO', 'info'],
    ] as const)
      expect(parse({ OPTIMIZELY_LOG_LEVEL: text }).logLevel).toBe(level);
  });

  it('values are lists with commas or in JSON', () => {
    for (const text of ['a,b', ' a , b ,', '["a","b"]'])
      expect(parse({ OPTIMIZELY_SERVER_ALLOWEDHOSTS: text }).server.allowedHosts).toEqual([
        '127.0.0.1',
        'a',
        'b',
      ]);
  });

  it('limit what a request may be', () => {
    const limitsOf = (env: Record<string, string>) => {
      const { headBytesMax, headersMax, bodyBytesMax } = parse(env).server;
      return [headBytesMax, headersMax, bodyBytesMax];
    };
    expect(limitsOf({})).toEqual([1024 ** 2, 1_000, 4 * 1024 ** 2]);
    const chosen = { FANOUT_HEAD_SIZE_MAX: '64KB', FANOUT_HEADERS_MAX: '200', FANOUT_BODY_SIZE_MAX: '32MB' };
    expect(limitsOf(chosen)).toEqual([64 * 1024, 200, 32 * 1024 ** 2]);
    expect(() => limitsOf({ FANOUT_HEAD_SIZE_MAX: '1KB' })).toThrow('FANOUT_HEAD_SIZE_MAX is "1KB"');
  });

  it('values are sizes', () => {
    const bytesOf = (text: string) => parse({ FANOUT_EVENTS_DISK_MAX: text }).events.diskBytesMax;
    expect(['0', '100', '2kb', '64MB', '1GB'].map(bytesOf)).toEqual([
      0,
      100,
      2048,
      64 * 1024 ** 2,
      1024 ** 3,
    ]);
    expect(() => bytesOf('1TB')).toThrow('FANOUT_EVENTS_DISK_MAX is "1TB" but must be a size such as 64MB');
  });

  it('notifications are shared among agents when a bus is configured, unless the setting says otherwise', () => {
    expect(parse({}).notifications.sync).toBe(false);
    const bus = { FANOUT_BUCKET: 'b', FANOUT_NATS_URL: 'ws://n' };
    expect(parse(bus).notifications.sync).toBe(true);
    expect(
      parse({ ...bus, OPTIMIZELY_SYNCHRONIZATION_NOTIFICATION_ENABLE: 'false' }).notifications.sync,
    ).toBe(false);
  });
});

describe('the nearest name', () => {
  it.each([
    ['a.port', ['x.prt', 'a.prt', 'x'], 'a.prt'],
    ['API_PORT', ['api_port'], 'api_port'],
    ['abc', ['xyz', ''], null],
  ])('to %s among %j is %s', (name, candidates, expected) => {
    expect(nearest(name, candidates)).toBe(expected);
  });
});
