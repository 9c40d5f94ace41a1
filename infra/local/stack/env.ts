// The settings of every process of the stack: the same words as in a deployment (docs/configuration.md), with local
// addresses. The one place that maps addresses to environment variables.

import { localTopicArn } from '../aws/sns.ts';
import { type DatafileJson, LOCAL_ENVIRONMENT, LOCAL_SDK_KEY } from '../optimizely/datafile.ts';
import { LOOPBACK_HOST } from '../tools/http.ts';
import type { PartUrls } from './options.ts';

export const LOCAL_TOPIC = 'datafile-fanout';

export interface StackFacts {
  readonly urls: PartUrls;
  readonly bucket: string;
  readonly webhookSecret: string;
  readonly datafiles: readonly DatafileJson[];
  /** True where the environment's own AWS credentials are to be used. */
  readonly usesForeignS3: boolean;
  /** Absent where datafiles are not signed. */
  readonly signing?: SigningPair | undefined;
}

export interface SigningPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

export const LAMBDAS = ['webhook', 'bridge', 'reconcile'] as const;
export type LambdaName = (typeof LAMBDAS)[number];

export type Env = Record<string, string>;

/** Old datafiles do not name their SDK key. */
export const sdkKeyOf = (datafile: DatafileJson): string => datafile.sdkKey ?? LOCAL_SDK_KEY;
export const environmentOf = (datafile: DatafileJson): string => datafile.environmentKey ?? LOCAL_ENVIRONMENT;

/** As deployed, the bridge has no key to sign with. */
export function lambdaEnv(facts: StackFacts, parent: NodeJS.ProcessEnv, name?: LambdaName): Env {
  const { urls, signing } = facts;
  const signs = signing !== undefined && name !== 'bridge' && { FANOUT_SIGNING_KEY: signing.privateKey };
  const trusts = signing !== undefined && { FANOUT_SIGNING_PUBLIC_KEYS: signing.publicKey };
  return {
    ...sharedEnv(facts, parent),
    ...signs,
    ...trusts,
    FANOUT_PROJECTS: JSON.stringify(projectTable(facts)),
    FANOUT_TOPIC_ARN: localTopicArn(LOCAL_TOPIC),
    FANOUT_SNS_ENDPOINT: urls.sns,
    FANOUT_CDN_URL_TEMPLATE: `${urls.cdn}/datafiles/%s.json`,
    FANOUT_ORIGIN_URL_TEMPLATE: `${urls.cdn}/origin/datafiles/%s.json`,
    FANOUT_CDN_AUTH_URL_TEMPLATE: `${urls.cdn}/datafiles/auth/%s.json`,
  };
}

/** What `fanout` needs to work on this stack as on a deployment. The credentials of another S3 stay the operator's. */
export function operatorEnv(facts: StackFacts): Env {
  const [datafile] = facts.datafiles;
  const foreign = /^AWS_/;
  const env = Object.entries(lambdaEnv(facts, {}, 'reconcile'));
  return {
    ...(Object.fromEntries(env.filter(([name]) => !(facts.usesForeignS3 && foreign.test(name)))) as Env),
    FANOUT_WEBHOOK_SECRET: facts.webhookSecret,
    OPTIMIZELY_PROJECT_ID: datafile?.projectId ?? '',
  };
}

export interface AgentPlace {
  readonly name: string;
  readonly apiPort: number;
  readonly adminPort: number;
  readonly cacheDir: string;
}

export function agentEnv(facts: StackFacts, place: AgentPlace, parent: NodeJS.ProcessEnv): Env {
  return {
    ...sharedEnv(facts, parent),
    FANOUT_NAME: place.name,
    OPTIMIZELY_SDKKEYS: facts.datafiles.map(sdkKeyOf).join(','),
    OPTIMIZELY_SERVER_HOST: LOOPBACK_HOST,
    OPTIMIZELY_API_PORT: String(place.apiPort),
    OPTIMIZELY_ADMIN_PORT: String(place.adminPort),
    // Any free one: the stack's webhooks go to the functions.
    OPTIMIZELY_WEBHOOK_PORT: '0',
    OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: `${facts.urls.cdn}/datafiles/%s.json`,
    OPTIMIZELY_CLIENT_EVENTURL: `${facts.urls.cdn}/events`,
    FANOUT_CACHE_DIR: place.cacheDir,
    ...(facts.signing !== undefined && { FANOUT_SIGNING_KEYS: facts.signing.publicKey }),
    // Ten agents on two cores are many processes already.
    AGENT_WORKERS: '1',
  };
}

function sharedEnv({ urls, bucket, usesForeignS3 }: StackFacts, parent: NodeJS.ProcessEnv): Env {
  return {
    ...ownEnv(parent, usesForeignS3),
    FANOUT_BUCKET: bucket,
    FANOUT_S3_ENDPOINT: urls.s3,
    FANOUT_NATS_URL: urls.natsWs,
  };
}

/** Settings of another deployment in the shell that starts the stack must not reach its parts. */
const FOREIGN = /^(FANOUT_|OPTIMIZELY_|AWS_|NODE_OPTIONS$|npm_)/;

function ownEnv(parent: NodeJS.ProcessEnv, usesForeignS3: boolean): Env {
  const own = Object.entries(parent).filter(([name, value]) => value !== undefined && !FOREIGN.test(name));
  return { ...(Object.fromEntries(own) as Env), ...awsEnv(parent, usesForeignS3) };
}

/** Credentials and region of the S3 in use, as the SDK reads them. */
export function awsEnv(parent: NodeJS.ProcessEnv, usesForeignS3: boolean): Env {
  const foreign = usesForeignS3 ? Object.entries(parent).filter(([name]) => name.startsWith('AWS_')) : [];
  return {
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_REGION: 'us-east-1',
    ...(Object.fromEntries(foreign) as Env),
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

function projectTable({ datafiles, webhookSecret }: StackFacts): unknown {
  const projectIds = [...new Set(datafiles.map(({ projectId }) => projectId))];
  return projectIds.map((projectId) => ({
    projectId,
    secrets: [webhookSecret],
    datafiles: datafiles
      .filter((datafile) => datafile.projectId === projectId)
      .map((datafile) => ({ sdkKey: sdkKeyOf(datafile), environment: environmentOf(datafile) })),
  }));
}
