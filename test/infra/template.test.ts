// What `npm run package` would deploy, read back from the generated CloudFormation. The test names every statement of
// every role, so that a permission cannot be added without being seen.

import { readFile } from 'node:fs/promises';
import { unzipSync } from 'fflate';
import { beforeAll, describe, expect, it } from 'vitest';
import { HISTORY_MAX } from '../../core/record/manifest.ts';
import { LAMBDA_NAMES } from '../../infra/build.ts';
import { packagedZip, packageService } from '../../infra/package.ts';
import {
  arnOf,
  packagedTemplate,
  type Resource,
  type Statement,
  type Template,
} from '../support/functions/template.ts';

let template: Template;
beforeAll(async () => {
  template = await packagedTemplate();
});

const properties = (logicalId: string) => template.properties(logicalId);
const ofType = (type: string): Resource[] => template.ofType(type);
const statementsOf = (logicalId: string): Statement[] => template.statementsOf(logicalId);
const schedulesOf = (functionId: string) =>
  ofType('AWS::Events::Rule')
    .map(({ Properties }) => Properties)
    .filter((rule) => JSON.stringify(rule).includes(JSON.stringify(arnOf(functionId))));

describe('functions', () => {
  it.each([
    ['Webhook', 10],
    ['Bridge', 30],
    ['Reconcile', 60],
  ])(
    '%s runs on Node 24 on arm64 for at most %i s, in its own role, with concurrency set aside',
    (name, seconds) => {
      expect(properties(`${name}LambdaFunction`)).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        Timeout: seconds,
        Role: arnOf(`${name}Role`),
        ReservedConcurrentExecutions: expect.any(Number),
      });
      expect(properties(`${name}LogGroup`).RetentionInDays).toBe(30);
    },
  );

  it('there are three of them and no role but theirs', () => {
    expect(ofType('AWS::Lambda::Function')).toHaveLength(3);
    expect(ofType('AWS::IAM::Role')).toHaveLength(3);
    expect(ofType('AWS::IAM::Policy')).toHaveLength(0);
  });

  it.each(LAMBDA_NAMES)('the zip of %s holds its bundle and source map and nothing else', async (name) => {
    const files = unzipSync(await readFile(packagedZip(name)));
    expect(Object.keys(files)).toEqual(['index.mjs', 'index.mjs.map']);
    expect(Buffer.from(files['index.mjs'] ?? '')).toEqual(await readFile(`dist/functions/${name}/index.mjs`));
  });

  it('packaging the same bundles again makes the same bytes', async () => {
    const before = await readFile(packagedZip('webhook'));
    await packageService({ built: true });
    expect(await readFile(packagedZip('webhook'))).toEqual(before);
  });

  it('no secret is in the template or in an environment, only the names to look under', () => {
    expect(template.environmentOf('Webhook')).toMatchObject({
      FANOUT_PROJECTS_SECRET: 'datafile-fanout/projects',
      FANOUT_NATS_SECRET: 'datafile-fanout/nats',
    });
    for (const lambda of ['Webhook', 'Bridge', 'Reconcile']) {
      for (const name of ['PROJECTS', 'NATS_USER', 'NATS_PASSWORD', 'NATS_TOKEN', 'NATS_CREDS'])
        expect(template.environmentOf(lambda)).not.toHaveProperty(`FANOUT_${name}`);
    }
    expect(JSON.stringify(template.resources)).not.toContain('{{resolve:');
  });

  it('the bridge, which checks no signature, is not told of the webhook secrets', () => {
    expect(template.environmentOf('Bridge')).not.toHaveProperty('FANOUT_PROJECTS_SECRET');
  });

  it('each has an alarm on its own errors', () => {
    const alarmed = ofType('AWS::CloudWatch::Alarm').flatMap(({ Properties }) => Properties.Dimensions ?? []);
    for (const name of LAMBDA_NAMES)
      expect(alarmed).toContainEqual({ Name: 'FunctionName', Value: `datafile-fanout-dev-${name}` });
  });
});

describe('what calls them', () => {
  it('one route, for POST only, with a limit on it', () => {
    const routes = ofType('AWS::ApiGatewayV2::Route');
    expect(routes.map((route) => route.Properties.RouteKey)).toEqual(['POST /webhooks/optimizely']);
    expect(properties('HttpApiIntegrationWebhook')).toMatchObject({
      IntegrationUri: arnOf('WebhookLambdaFunction'),
      PayloadFormatVersion: '2.0',
    });
    expect(properties('HttpApiStage').DefaultRouteSettings).toMatchObject({
      ThrottlingRateLimit: 50,
      ThrottlingBurstLimit: 100,
    });
    expect(properties('HttpApiLogGroup').RetentionInDays).toBe(30);
  });

  it('reconcile runs every minute', () => {
    expect(schedulesOf('ReconcileLambdaFunction')).toMatchObject([
      { ScheduleExpression: 'rate(1 minute)', State: 'ENABLED' },
    ]);
  });

  it('one instance of the webhook is kept warm', () => {
    expect(schedulesOf('WebhookLambdaFunction')).toMatchObject([
      { ScheduleExpression: 'rate(4 minutes)', State: 'ENABLED', Targets: [{ Input: '{"keepWarm":true}' }] },
    ]);
    expect(ofType('AWS::Events::Rule')).toHaveLength(2);
  });

  it.each([
    ['Bridge', 'published'],
    ['Reconcile', 'refetch'],
  ])('%s hears only %s notices, and keeps those it failed on', (name, kind) => {
    const deadLetters = arnOf(`${name}DeadLetters`);
    expect(properties(`${name}SnsSubscriptionFanout`)).toMatchObject({
      TopicArn: { Ref: 'FanoutTopic' },
      Protocol: 'lambda',
      Endpoint: arnOf(`${name}LambdaFunction`),
      FilterPolicy: { kind: [kind] },
      RedrivePolicy: { deadLetterTargetArn: deadLetters },
    });
    expect(properties(`${name}LambdaEvConf`)).toMatchObject({
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: deadLetters } },
    });
    expect(properties(`FanoutTo${name}DLQPolicy`)).toMatchObject({
      Queues: [{ Ref: `${name}DeadLetters` }],
      PolicyDocument: {
        Statement: [{ Condition: { ArnEquals: { 'aws:SourceArn': { Ref: 'FanoutTopic' } } } }],
      },
    });
    expect(properties(`${name}DeadLetters`)).toEqual({
      MessageRetentionPeriod: 14 * 24 * 60 * 60,
      SqsManagedSseEnabled: true,
    });
  });
});

describe('roles', () => {
  const allow = (Sid: string, Action: string | string[], Resource: unknown) => ({
    Sid,
    Effect: 'Allow',
    Action,
    Resource,
  });
  const objects = { 'Fn::Sub': `\${FanoutBucket.Arn}/datafiles/*` };
  const writeRecord = allow('WriteRecord', ['s3:GetObject', 's3:PutObject'], objects);
  const missingIsNotFound = allow('MissingIsNotFound', 's3:ListBucket', arnOf('FanoutBucket'));
  const publish = allow('PublishNotices', 'sns:Publish', { Ref: 'FanoutTopic' });
  const keepFailed = (queue: string) => allow('KeepFailed', 'sqs:SendMessage', arnOf(queue));
  const readSecret = (Sid: string, name: string) =>
    allow(Sid, 'secretsmanager:GetSecretValue', {
      'Fn::Sub': `arn:\${AWS::Partition}:secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:datafile-fanout/${name}-??????`,
    });
  const readProjects = readSecret('ReadProjects', 'projects');
  const readNats = readSecret('ReadNatsCredentials', 'nats');
  const writeLogs = (name: string) =>
    allow('WriteLogs', ['logs:CreateLogStream', 'logs:PutLogEvents'], {
      'Fn::Sub': `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/datafile-fanout-dev-${name}:*`,
    });

  it.each(['Webhook', 'Bridge', 'Reconcile'])(
    '%s is for Lambda, and functions of this account only',
    (name) => {
      expect(properties(`${name}Role`).AssumeRolePolicyDocument).toMatchObject({
        Statement: [
          {
            Principal: { Service: 'lambda.amazonaws.com' },
            Condition: { StringEqualsIfExists: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          },
        ],
      });
    },
  );

  it('the webhook writes the record and publishes', () => {
    expect(statementsOf('WebhookRole')).toEqual([
      writeRecord,
      missingIsNotFound,
      publish,
      readProjects,
      readNats,
      writeLogs('webhook'),
    ]);
  });

  it('the bridge only reads', () => {
    const readRecord = allow('ReadRecord', 's3:GetObject', objects);
    expect(statementsOf('BridgeRole')).toEqual([
      readRecord,
      missingIsNotFound,
      keepFailed('BridgeDeadLetters'),
      readNats,
      writeLogs('bridge'),
    ]);
  });

  it('reconcile may what the webhook may', () => {
    expect(statementsOf('ReconcileRole')).toEqual([
      writeRecord,
      missingIsNotFound,
      publish,
      keepFailed('ReconcileDeadLetters'),
      readProjects,
      readNats,
      writeLogs('reconcile'),
    ]);
  });
});

describe('the record and the topic', () => {
  it('the bucket is versioned, encrypted, closed to the public, and outlives the stack', () => {
    expect(template.resources.FanoutBucket?.DeletionPolicy).toBe('Retain');
    expect(properties('FanoutBucket')).toMatchObject({
      VersioningConfiguration: { Status: 'Enabled' },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
  });

  it('no lifecycle rule expires a body of a history: neither a current object nor one deleted by mistake', () => {
    const { Rules } = properties('FanoutBucket').LifecycleConfiguration as { Rules: object[] };
    for (const rule of Rules) {
      for (const name of ['ExpirationInDays', 'ExpirationDate', 'Transitions'])
        expect(rule).not.toHaveProperty(name);
    }
    expect(Rules).toContainEqual(
      expect.objectContaining({
        NoncurrentVersionExpiration: { NoncurrentDays: 90, NewerNoncurrentVersions: HISTORY_MAX },
      }),
    );
  });

  it.each([
    ['FanoutBucketPolicy', 's3:*', [arnOf('FanoutBucket'), { 'Fn::Sub': `\${FanoutBucket.Arn}/*` }]],
    ['FanoutTopicPolicy', 'sns:Publish', { Ref: 'FanoutTopic' }],
  ])('%s refuses requests without TLS', (policy, Action, Resource) => {
    const { Statement } = properties(policy).PolicyDocument as { Statement: object[] };
    expect(Statement).toEqual([
      {
        Sid: 'TlsOnly',
        Effect: 'Deny',
        Principal: '*',
        Action,
        Resource,
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ]);
  });

  it('the topic is encrypted', () => {
    expect(properties('FanoutTopic').KmsMasterKeyId).toBe('alias/aws/sns');
  });
});
