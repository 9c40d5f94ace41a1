// Runs one Logs Insights query to its end: starts it, waits, and gives its rows. Stops it when its
// caller is interrupted, since a query is paid for by the bytes it scans. Knows nothing of the question.

import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { FanoutError } from '../../../core/errors.ts';
import { proxyAgentOptions } from '../../../io/http/proxy.ts';
import { awsError } from '../aws-errors.ts';
import { printableName } from '../printable.ts';
import { pause, type Shell } from '../shell.ts';

/** A row as field names and texts; what a line does not have is absent. */
export type Row = Readonly<Record<string, string>>;

export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Insights {
  /** @throws FanoutError NOTHING_FOUND (no such log group), REMOTE_REFUSED, REMOTE_UNAVAILABLE, CONFIG_INVALID */
  run(query: string, window: Window): Promise<Row[]>;
}

export interface InsightsOptions {
  readonly logGroups: readonly string[];
  /** Empty for that of the environment or profile. */
  readonly region: string;
  readonly onProgress: (line: string) => void;
}

const FIRST_LOOK_MS = 250;
const LOOK_INTERVAL_MS = 1_000;
const WAIT_MAX_MS = 120_000;
const ENDED_BADLY = new Set(['Failed', 'Cancelled', 'Timeout', 'Unknown']);

export async function createInsights(shell: Shell, options: InsightsOptions): Promise<Insights> {
  // A quarter of a second to load, and most commands need none of it.
  const aws = await import('@aws-sdk/client-cloudwatch-logs');
  const client = new aws.CloudWatchLogsClient({
    requestHandler: { httpAgent: proxyAgentOptions(), httpsAgent: proxyAgentOptions() },
    ...(options.region === '' ? {} : { region: options.region }),
  });
  return {
    run: async (query, window) => {
      const queryId = await start(client, aws, query, window, options);
      try {
        return await wait(shell, client, aws, queryId, options);
      } catch (error) {
        // It may have ended by itself; then there is nothing to stop, and the first failure is what matters.
        await client.send(new aws.StopQueryCommand({ queryId })).catch(() => {});
        throw error;
      }
    },
  };
}

type Aws = typeof import('@aws-sdk/client-cloudwatch-logs');

async function start(
  client: CloudWatchLogsClient,
  { StartQueryCommand, ResourceNotFoundException }: Aws,
  query: string,
  { fromMs, toMs }: Window,
  { logGroups }: InsightsOptions,
): Promise<string> {
  try {
    const { queryId } = await client.send(
      new StartQueryCommand({
        logGroupNames: [...logGroups],
        startTime: Math.floor(fromMs / 1000),
        endTime: Math.ceil(toMs / 1000),
        queryString: query,
      }),
    );
    if (queryId !== undefined) return queryId;
    throw new Error('the answer names no query');
  } catch (error) {
    if (error instanceof ResourceNotFoundException) throw noSuchLogGroup(logGroups, error);
    throw awsError(error, 'starting a query in CloudWatch Logs');
  }
}

async function wait(
  shell: Shell,
  client: CloudWatchLogsClient,
  { GetQueryResultsCommand }: Aws,
  queryId: string,
  { onProgress }: InsightsOptions,
): Promise<Row[]> {
  const startedAtMs = shell.clock.nowMs();
  for (let looks = 0; ; looks += 1) {
    await pause(shell, looks === 0 ? FIRST_LOOK_MS : LOOK_INTERVAL_MS);
    const answer = await client
      .send(new GetQueryResultsCommand({ queryId }), { abortSignal: shell.interrupted })
      .catch((error: unknown) => {
        throw awsError(error, 'reading the results of a query in CloudWatch Logs');
      });
    if (answer.status === 'Complete') return (answer.results ?? []).map(rowOf);
    const waitedMs = shell.clock.nowMs() - startedAtMs;
    if (ENDED_BADLY.has(answer.status ?? '')) throw ended(`ended as "${answer.status}"`);
    if (waitedMs > WAIT_MAX_MS) throw ended(`took longer than ${WAIT_MAX_MS / 1000} s`);
    const megabytes = ((answer.statistics?.bytesScanned ?? 0) / 1e6).toFixed(0);
    onProgress(`CloudWatch searches … ${Math.round(waitedMs / 1000)} s, ${megabytes} MB`);
  }
}

/** Lines quote what strangers have sent. */
const rowOf = (cells: readonly { field?: string | undefined; value?: string | undefined }[]): Row =>
  Object.fromEntries(cells.map(({ field, value }) => [field ?? '', printableName(value ?? '')]));

const noSuchLogGroup = (logGroups: readonly string[], cause: unknown) =>
  new FanoutError({
    code: 'NOTHING_FOUND',
    message: `At least one of these log groups does not exist here: ${logGroups.join(', ')}`,
    remedy:
      'Check --stage, --region and the account (`aws sts get-caller-identity`), or name the groups by --log-group.',
    retryable: false,
    cause,
  });

const ended = (how: string) =>
  new FanoutError({
    code: 'REMOTE_UNAVAILABLE',
    message: `The query in CloudWatch Logs ${how}`,
    remedy: 'Try again with a shorter --since.',
    retryable: true,
  });
