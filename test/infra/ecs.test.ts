// The agents' CloudFormation for ECS Fargate, read as CloudFormation would: every statement of every role is named here, so that a
// permission cannot be added without being seen. cfn-lint looks at it in `npm run verify`.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, Scalar, type ScalarTag, type YAMLSeq } from 'yaml';
import { ROOT_DIR } from '../../infra/local/stack/parts.ts';

const TEMPLATE = join(ROOT_DIR, 'infra', 'ecs', 'agents.yml');

interface Template {
  readonly Parameters: Readonly<
    Record<string, { readonly Default?: unknown; readonly Description?: string }>
  >;
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Properties }>>;
}
type Properties = Readonly<Record<string, unknown>>;

interface Container {
  readonly Environment: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly Secrets: readonly { readonly Name: string; readonly ValueFrom: unknown }[];
  readonly HealthCheck: { readonly Command: readonly string[] };
  readonly MountPoints: readonly { readonly ContainerPath: string }[];
}

/** `!Ref x` as `{ Ref: 'x' }`, and so on. */
const tags = ['Ref', 'Sub', 'GetAtt', 'If', 'Not', 'Equals'].flatMap((name) => [
  { tag: `!${name}`, resolve: (text: string) => ({ [name]: text }) } as ScalarTag,
  {
    tag: `!${name}`,
    collection: 'seq' as const,
    resolve: (list: unknown) => new Scalar({ [name]: (list as YAMLSeq).toJSON() }),
  },
]);

let template: Template;
let container: Container;
beforeAll(async () => {
  template = parse(await readFile(TEMPLATE, 'utf8'), { customTags: tags as never });
  [container] = properties('TaskDefinition').ContainerDefinitions as [Container];
});

const properties = (logicalId: string): Properties => template.Resources[logicalId]?.Properties ?? {};
const statementsOf = (role: string) =>
  (properties(role).Policies as { PolicyDocument: { Statement: unknown[] } }[]).flatMap(
    ({ PolicyDocument }) => PolicyDocument.Statement,
  );

const allow = (Sid: string, Action: string | string[], Resource: unknown) => ({
  ...{ Sid, Effect: 'Allow', Action, Resource },
});
const where = (condition: string, statement: object) => ({
  If: [condition, statement, { Ref: 'AWS::NoValue' }],
});

describe('roles', () => {
  it('the agent reads the record and nothing else', () => {
    const bucket = `arn:\${AWS::Partition}:s3:::\${Bucket}`;
    expect(statementsOf('TaskRole')).toEqual([
      allow('ReadRecord', 's3:GetObject', { Sub: `${bucket}/datafiles/*` }),
      allow('MissingIsNotFound', 's3:ListBucket', { Sub: bucket }),
    ]);
  });

  it('ECS reads two secrets, writes one log group, and pulls one image', () => {
    expect(statementsOf('ExecutionRole')).toEqual([
      allow('ReadSecrets', 'secretsmanager:GetSecretValue', [
        { Ref: 'SdkKeysSecretArn' },
        { Ref: 'NatsSecretArn' },
      ]),
      allow('WriteLogs', ['logs:CreateLogStream', 'logs:PutLogEvents'], { GetAtt: 'LogGroup.Arn' }),
      where('HasSecretsKey', {
        ...allow('DecryptSecrets', 'kms:Decrypt', { Ref: 'SecretsKeyArn' }),
        Condition: {
          StringEquals: { 'kms:ViaService': { Sub: `secretsmanager.\${AWS::Region}.amazonaws.com` } },
        },
      }),
      where(
        'HasRepository',
        allow(
          'PullImage',
          ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
          { Ref: 'RepositoryArn' },
        ),
      ),
      // The one action without a narrower resource.
      where('HasRepository', allow('LogInToRegistry', 'ecr:GetAuthorizationToken', '*')),
    ]);
  });

  it('roles are for tasks of this account only', () => {
    for (const role of ['TaskRole', 'ExecutionRole'])
      expect(properties(role).AssumeRolePolicyDocument).toMatchObject({
        Statement: [
          {
            Principal: { Service: 'ecs-tasks.amazonaws.com' },
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          },
        ],
      });
  });
});

describe('the container', () => {
  it('the container has no rights, and writes nowhere but into the cache folder of the image', async () => {
    expect(container).toMatchObject({
      User: 'node',
      ReadonlyRootFilesystem: true,
      LinuxParameters: { Capabilities: { Drop: ['ALL'] } },
    });
    const [, volume] = /^VOLUME (\S+)$/m.exec(await dockerfile()) ?? [];
    expect(container.MountPoints.map(({ ContainerPath }) => ContainerPath)).toEqual([volume]);
  });

  it('gets its secrets by reference, and none as a plain variable', () => {
    expect(container.Secrets).toEqual([
      { Name: 'OPTIMIZELY_SDKKEYS', ValueFrom: { Ref: 'SdkKeysSecretArn' } },
      { Name: 'FANOUT_NATS_USER', ValueFrom: { Sub: `\${NatsSecretArn}:user::` } },
      { Name: 'FANOUT_NATS_PASSWORD', ValueFrom: { Sub: `\${NatsSecretArn}:password::` } },
    ]);
    expect(container.Environment.map(({ Name }) => Name)).toEqual([
      'FANOUT_NATS_URL',
      'FANOUT_BUCKET',
      'AWS_REGION',
      'FANOUT_SIGNING_PUBLIC_KEYS',
      'OPTIMIZELY_SERVER_ALLOWEDHOSTS',
      'FANOUT_ADMIN_HOST',
    ]);
  });

  it("the container is looked after by the image's own health check, which ECS would not look at", async () => {
    const [, check = '[]'] = /^\s+CMD (\["node", "-e", .*\])$/m.exec(await dockerfile()) ?? [];
    expect(container.HealthCheck.Command).toEqual(['CMD', ...JSON.parse(check)]);
  });

  it('the container never waits for its log to be delivered', () => {
    expect(container).toMatchObject({
      StopTimeout: 30,
      LogConfiguration: { LogDriver: 'awslogs', Options: { mode: 'non-blocking' } },
    });
    expect(properties('LogGroup').RetentionInDays).toEqual({ Ref: 'LogRetentionDays' });
  });
});

describe('the service', () => {
  it('keeps all agents while it deploys, takes a failed deployment back, and stays spread', () => {
    expect(properties('Service')).toMatchObject({
      LaunchType: 'FARGATE',
      EnableExecuteCommand: false,
      AvailabilityZoneRebalancing: 'ENABLED',
      DeploymentConfiguration: {
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      },
      NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
    });
  });

  it('scales by CPU, never below two, and a deployment does not touch the number', () => {
    expect(properties('Service')).not.toHaveProperty('DesiredCount');
    expect(template.Parameters.TasksMin).toMatchObject({ Default: 2, MinValue: 2 });
    expect(properties('ScalingPolicy')).toMatchObject({
      TargetTrackingScalingPolicyConfiguration: {
        PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
      },
    });
  });

  it('lets in clients on the API port only, and out to HTTPS and the bus only', () => {
    const { SecurityGroupIngress, SecurityGroupEgress } = properties('SecurityGroup');
    expect(SecurityGroupIngress).toMatchObject([
      { SourceSecurityGroupId: { Ref: 'ClientSecurityGroupId' }, FromPort: 8080, ToPort: 8080 },
    ]);
    expect(SecurityGroupEgress).toMatchObject([
      { FromPort: 443, ToPort: 443 },
      { FromPort: { Ref: 'NatsPort' }, ToPort: { Ref: 'NatsPort' } },
    ]);
  });
});

it('every parameter that must be filled in is described', () => {
  const asked = Object.entries(template.Parameters).filter(([, { Default }]) => Default === undefined);
  expect(asked.map(([name]) => name)).toEqual([
    ...['Image', 'Cluster', 'VpcId', 'SubnetIds', 'ClientSecurityGroupId', 'AllowedHosts'],
    ...['SdkKeysSecretArn', 'NatsUrl', 'NatsSecretArn', 'Bucket'],
  ]);
  for (const [name, { Description }] of asked) if (name !== 'VpcId') expect(Description, name).toMatch(/\w/);
});

const dockerfile = () => readFile(join(ROOT_DIR, 'agent', 'Dockerfile'), 'utf8');
