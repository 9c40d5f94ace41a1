// What the params of serverless.yml make of the stack: a further region, a VPC, a domain, other places for the secrets. The
// plain home region is template.test.ts's.

import { describe, expect, it } from 'vitest';
import { packagedTemplate, type Statement, type Template } from '../support/functions/template.ts';

const ACCOUNT = '123456789012';

/** Every action and resource that holds a wildcard, but for the two forms that have no narrower one. */
const tooWide = (statements: readonly Statement[]) =>
  statements
    .filter(({ Effect }) => Effect === 'Allow')
    .filter(
      ({ Action, Resource }) =>
        [Action].flat().some((action) => action.includes('*')) || [Resource].flat().includes('*'),
    )
    .map(({ Sid }) => Sid);

describe('a further region', () => {
  const HOME_TOPIC = `arn:aws:sns:us-east-1:${ACCOUNT}:home-topic`;
  const HOME_QUEUE = `arn:aws:sqs:us-east-1:${ACCOUNT}:home-queue`;
  let template: Template;
  const load = async () => {
    template ??= await packagedTemplate(
      [
        'role=bus-only',
        'homeBucket=home-bucket',
        `homeTopicArn=${HOME_TOPIC}`,
        `homeDeadLettersArn=${HOME_QUEUE}`,
      ],
      ['--stage', 'prod', '--region', 'eu-west-1'],
    );
    return template;
  };

  it('a further region has bridge and reconcile, and no webhook, API, bucket or topic', async () => {
    const { ofType, resources } = await load();
    const names = ofType('AWS::Lambda::Function').map(({ Properties }) => Properties.FunctionName);
    expect(names).toEqual(['datafile-fanout-prod-bridge', 'datafile-fanout-prod-reconcile']);
    expect(ofType('AWS::SNS::Topic')).toEqual([]);
    expect(Object.values(resources).filter(({ Type }) => Type.startsWith('AWS::ApiGatewayV2'))).toEqual([]);
    // The one bucket is that of the deployment itself.
    expect(Object.keys(resources).filter((id) => resources[id]?.Type === 'AWS::S3::Bucket')).toEqual([
      'ServerlessDeploymentBucket',
    ]);
  });

  it('hears the home topic in its own region, and nothing of refetches', async () => {
    const { ofType } = await load();
    expect(ofType('AWS::SNS::Subscription').map(({ Properties }) => Properties)).toMatchObject([
      {
        TopicArn: HOME_TOPIC,
        Region: 'us-east-1',
        FilterPolicy: { kind: ['published'] },
        RedrivePolicy: { deadLetterTargetArn: HOME_QUEUE },
      },
    ]);
    // A policy for a queue of another region could not be made here.
    expect(ofType('AWS::SQS::QueuePolicy')).toEqual([]);
  });

  it('keeps its bus in step with the home bucket', async () => {
    const { environmentOf, properties } = await load();
    expect(environmentOf('Reconcile')).toMatchObject({
      FANOUT_ROLE: 'bus-only',
      FANOUT_BUCKET: 'home-bucket',
      FANOUT_BUCKET_REGION: 'us-east-1',
      FANOUT_PROJECTS_SECRET: 'datafile-fanout/projects',
    });
    expect(environmentOf('Reconcile')).not.toHaveProperty('FANOUT_TOPIC_ARN');
    expect(properties('ReconcileEventsRuleSchedule1')).toMatchObject({
      ScheduleExpression: 'rate(1 minute)',
    });
  });

  it.each([
    ['Bridge', []],
    ['Reconcile', ['ReadProjects']],
  ])('%s reads the record of the home bucket and writes nothing', async (name, more) => {
    const { statementsOf } = await load();
    const statements = statementsOf(`${name}Role`);
    const sids = statements.map(({ Sid }) => Sid);
    expect(sids).toEqual([
      'ReadRecord',
      'MissingIsNotFound',
      'KeepFailed',
      ...more,
      'ReadNatsCredentials',
      'WriteLogs',
    ]);
    expect(statements[0]).toMatchObject({
      Action: 's3:GetObject',
      Resource: { 'Fn::Sub': `arn:\${AWS::Partition}:s3:::home-bucket/datafiles/*` },
    });
    expect(tooWide(statements)).toEqual([]);
  });

  it.each(['Bridge', 'Reconcile'])(
    '%s has a log group with an end, a queue for failures, and an alarm',
    async (name) => {
      const { properties, ofType } = await load();
      expect(properties(`${name}LogGroup`).RetentionInDays).toBe(30);
      expect(properties(`${name}LambdaEvConf`)).toMatchObject({
        DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [`${name}DeadLetters`, 'Arn'] } } },
      });
      const alarmed = ofType('AWS::CloudWatch::Alarm').flatMap(
        ({ Properties }) => Properties.Dimensions ?? [],
      );
      expect(alarmed).toContainEqual({
        Name: 'FunctionName',
        Value: `datafile-fanout-prod-${name.toLowerCase()}`,
      });
    },
  );

  it('makes no alarm, query or widget of what it does not have', async () => {
    const text = JSON.stringify((await load()).resources);
    for (const name of ['WebhookLambdaFunction', 'FanoutTopic', 'FanoutBucket', 'HttpApi'])
      expect(text).not.toMatch(new RegExp(`"(Ref|Fn::GetAtt)":\\[?"${name}"`));
  });
});

const NAMES = ['Webhook', 'Bridge', 'Reconcile'];

describe('the home region', () => {
  it('the home region is in no VPC, and has no domain and no key of its own, unless told', async () => {
    const { properties, ofType, statementsOf } = await packagedTemplate();
    for (const name of NAMES) {
      expect(properties(`${name}LambdaFunction`).VpcConfig).toEqual({ SubnetIds: [], SecurityGroupIds: [] });
      expect(tooWide(statementsOf(`${name}Role`))).toEqual([]);
    }
    expect(ofType('AWS::ApiGatewayV2::DomainName')).toEqual([]);
    expect(ofType('AWS::ApiGatewayV2::ApiMapping')).toEqual([]);
    expect(properties('HttpApi').DisableExecuteApiEndpoint).toBe(false);
  });

  it('the home region with everything on: VPC, domain, secrets in Parameter Store under a key of one’s own', async () => {
    const { properties, statementsOf, environmentOf } = await packagedTemplate([
      'subnetIds=subnet-1,subnet-2',
      'securityGroupIds=sg-1',
      'domainName=hooks.example.com',
      `certificateArn=arn:aws:acm:us-east-1:${ACCOUNT}:certificate/c`,
      'projectsSecret=ssm:/fanout/projects',
      'natsSecret=ssm:/fanout/nats',
      'secretsKeyId=key-id',
    ]);
    for (const name of NAMES) {
      expect(properties(`${name}LambdaFunction`).VpcConfig).toEqual({
        SubnetIds: ['subnet-1', 'subnet-2'],
        SecurityGroupIds: ['sg-1'],
      });
      const statements = statementsOf(`${name}Role`);
      // AWS checks the interfaces' actions on every resource, so the code is kept from them instead.
      expect(tooWide(statements)).toEqual(['UseVpc']);
      const sid = (wanted: string) => statements.find(({ Sid }) => Sid === wanted);
      expect(sid('NotFromCode')).toMatchObject({ Effect: 'Deny', Action: sid('UseVpc')?.Action });
      expect(sid('ReadNatsCredentials')).toMatchObject({
        Action: 'ssm:GetParameter',
        Resource: { 'Fn::Sub': [expect.stringMatching(/:parameter\$\{name\}$/), { name: '/fanout/nats' }] },
      });
      expect(sid('UseSecretsKey')).toMatchObject({
        Action: 'kms:Decrypt',
        Resource: { 'Fn::Sub': expect.stringMatching(/:key\/key-id$/) },
        Condition: {
          StringEquals: {
            'kms:ViaService': [
              { 'Fn::Sub': `secretsmanager.\${AWS::Region}.amazonaws.com` },
              { 'Fn::Sub': `ssm.\${AWS::Region}.amazonaws.com` },
            ],
          },
        },
      });
    }
    expect(environmentOf('Webhook').FANOUT_PROJECTS_SECRET).toBe('ssm:/fanout/projects');
    expect(properties('WebhookDomain')).toMatchObject({
      DomainName: 'hooks.example.com',
      DomainNameConfigurations: [{ EndpointType: 'REGIONAL', SecurityPolicy: 'TLS_1_2' }],
    });
    expect(properties('WebhookDomainMapping')).toMatchObject({ ApiId: { Ref: 'HttpApi' } });
    // Else what stands before the domain could be gone around.
    expect(properties('HttpApi').DisableExecuteApiEndpoint).toBe(true);
  });

  it('reads a signing key only where the record is written, and only when there is one', async () => {
    const params = ['signingSecret=fanout/signing', 'signingPublicKeys=k1,k2'];
    const signed = await packagedTemplate(params);
    const unsigned = await packagedTemplate();
    for (const name of NAMES) {
      const writes = name !== 'Bridge';
      const reads = ({ statementsOf }: typeof signed) =>
        statementsOf(`${name}Role`).find(({ Sid }) => Sid === 'ReadSigningKey');
      expect(reads(unsigned)).toBeUndefined();
      expect(reads(signed)?.Resource).toEqual(
        writes ? { 'Fn::Sub': expect.stringMatching(/:secret:fanout\/signing-\?{6}$/) } : undefined,
      );
      expect(signed.environmentOf(name)).toMatchObject({ FANOUT_SIGNING_PUBLIC_KEYS: 'k1,k2' });
      expect(signed.environmentOf(name).FANOUT_SIGNING_SECRET).toBe(writes ? 'fanout/signing' : undefined);
      expect(Object.keys(unsigned.environmentOf(name)).join()).not.toContain('SIGNING');
    }
    const region = [
      'role=bus-only',
      'homeBucket=home-bucket',
      `homeTopicArn=arn:aws:sns:us-east-1:${ACCOUNT}:fanout`,
    ];
    const further = await packagedTemplate([...region, ...params], ['--region', 'eu-west-1']);
    expect(JSON.stringify(further.resources)).not.toContain('fanout/signing');
  });
});
