// List prices that the cost page assumes: us-east-1, on demand, without free tiers or discounts, in US dollars, as of
// November 2026. Prices only: what is used of each is model.ts's business.

export const REGION = 'us-east-1';
export const AS_OF = 'November 2026';
export const HOURS_PER_MONTH = 730;

export interface Price {
  readonly usd: number;
  readonly unit: string;
}

export const PRICES = {
  lambdaGbSecond: { usd: 0.000_013_333_4, unit: 'GB-second of Lambda on arm64' },
  lambdaRequest: { usd: 0.2e-6, unit: 'Lambda request' },
  httpApiRequest: { usd: 1e-6, unit: 'HTTP API request' },
  s3Put: { usd: 5e-6, unit: 'S3 PUT' },
  s3Get: { usd: 0.4e-6, unit: 'S3 GET; one answered 304 costs the same' },
  s3GbMonth: { usd: 0.023, unit: 'GB-month in S3 Standard' },
  snsPublish: { usd: 0.5e-6, unit: 'SNS publish; delivery to Lambda is free' },
  secretMonth: { usd: 0.4, unit: 'secret per month' },
  secretRead: { usd: 5e-6, unit: 'read of a secret' },
  metricMonth: { usd: 0.3, unit: 'custom metric per month, of the hours in which it is sent' },
  alarmMonth: { usd: 0.1, unit: 'metric that an alarm looks at, per month' },
  dashboardMonth: { usd: 3, unit: 'dashboard per month' },
  logGb: { usd: 0.53, unit: 'GB of logs taken in and kept for a month' },
  smallServerHour: { usd: 0.0168, unit: 'hour of a t4g.small (2 vCPU, 2 GB)' },
  mediumServerHour: { usd: 0.0336, unit: 'hour of a t4g.medium (2 vCPU, 4 GB)' },
  diskGbMonth: { usd: 0.08, unit: 'GB-month of gp3 disk' },
  loadBalancerHour: { usd: 0.0225, unit: 'hour of a Network Load Balancer' },
  loadBalancerUnitHour: { usd: 0.006, unit: 'capacity unit of it per hour: 1 GB, or 100,000 connections' },
  zoneCrossingGb: { usd: 0.02, unit: 'GB from one availability zone to another, both sides' },
  agentHour: { usd: 0.009_875, unit: 'hour of an agent on Fargate arm64 with 0.25 vCPU and 0.5 GB' },
} as const satisfies Record<string, Price>;
