// What can be asked of a local stack, and the addresses it answers with. Types only, and their defaults.

import type { DatafileJson } from '../optimizely/datafile.ts';
import type { Distance } from '../tools/distance.ts';

export interface StackOptions {
  /** Agents started with the stack; more come with `addAgent`. Default 3. */
  readonly agents?: number;
  /** What the CDN serves from the start; default: 100 generated flags. */
  readonly datafile?: DatafileJson;
  /** Its exact bytes, where they are not to be written anew. */
  readonly datafileBody?: Uint8Array;
  /** Further SDK keys, of this or another project (same secret), for every function and agent. */
  readonly extraDatafiles?: readonly DatafileJson[];
  /** Consecutive ports from here; default: any free ones. */
  readonly portBase?: number;
  /** Use that S3 instead of the stand-in; credentials come from the environment. */
  readonly s3Endpoint?: string;
  /** Waits of Lambda's asynchronous retries. Default 200 and 400 ms; in AWS 1 and 2 minutes. */
  readonly retryDelaysMs?: readonly number[];
  /** Signs with a fresh key pair, and has agents ask for its signatures. */
  readonly signed?: boolean;
  /** How often reconcile runs after its first run at the start; null for never. Default one minute, as deployed. */
  readonly reconcileIntervalMs?: number | null;
  /** Added to every function's settings, by a function when they depend on addresses. */
  readonly lambdaEnv?:
    | Readonly<Record<string, string>>
    | ((parts: PartUrls) => Promise<Record<string, string>> | Record<string, string>);
  /** Added to every agent's settings, by a function when they depend on addresses (a proxy before the bus). */
  readonly agentEnv?: AgentEnv;
  /** Cache folders of agents 0, 1 …, kept by the caller; default: folders of the stack, gone with it. */
  readonly cacheDirs?: readonly string[];
  /** Server's `max_payload`, for datafiles that do not fit a message. Default: the server's 1 MiB. */
  readonly natsPayloadBytesMax?: number;
  /** How far away the stand-ins are, which then tell of each request on standard output. Default: next door, and silent. */
  readonly distances?: Readonly<Record<'s3' | 'sns' | 'cdn', Distance>>;
  /** A folder that gets the output of every process, a file each; default: nothing is kept but the last lines in memory. */
  readonly logsDir?: string;
  /** Added to the server's configuration: users, for example, which `lambdaEnv` and `agentEnv` then name. */
  readonly natsConfig?: string;
  readonly progress?: (line: string) => void;
}

export type AgentEnv =
  | Readonly<Record<string, string>>
  | ((parts: PartUrls, index: number) => Promise<Record<string, string>> | Record<string, string>);

/** Base URLs without a trailing slash. */
export interface PartUrls {
  readonly webhook: string;
  readonly bridge: string;
  readonly reconcile: string;
  readonly cdn: string;
  readonly s3: string;
  readonly sns: string;
  readonly nats: string;
  readonly natsWs: string;
}

/** The line that `npm run up -- --json` prints. */
export interface StackAddresses {
  /** Where Optimizely would send its webhook: the whole URL. */
  readonly webhook: string;
  readonly cdn: string;
  readonly s3: { readonly endpoint: string; readonly bucket: string };
  readonly nats: { readonly url: string; readonly wsUrl: string };
  readonly agents: readonly { readonly api: string; readonly admin: string; readonly pid: number }[];
  readonly projectId: string;
  readonly webhookSecret: string;
  readonly sdkKey: string;
  /** Absent where datafiles are not signed. */
  readonly signingPublicKey?: string;
}

export const AGENTS_DEFAULT = 3;
export const RETRY_DELAYS_MS_LOCAL: readonly number[] = [200, 400];
export const RECONCILE_INTERVAL_MS = 60_000;
export const WEBHOOK_PATH = '/webhooks/optimizely';
