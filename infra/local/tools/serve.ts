// The entry of every stand-in process: `node serve.ts <s3|sns|cdn> <options as JSON>`. Each is a process of its own so
// that a test can kill it as a machine would. Started by hand it prints its address; started by the stack it reports it.

import { createS3StandIn } from '../aws/s3.ts';
import { createSnsStandIn } from '../aws/sns.ts';
import { createCdnStandIn } from '../optimizely/cdn.ts';
import { reportReady } from '../stack/ready.ts';
import { systemClock } from './clock.ts';
import { atDistance, type Distance } from './distance.ts';
import { type HttpHandler, serveHttp } from './http.ts';

type Options = { port?: number; distance?: Distance } & Record<string, unknown>;

const STAND_INS: Readonly<Record<string, (options: Options) => HttpHandler>> = {
  s3: (options) => createS3StandIn({ dir: options.dir as string | undefined, clock: systemClock }),
  sns: (options) => createSnsStandIn({ clock: systemClock, ...(options as object) }),
  cdn: (options) => createCdnStandIn({ dir: options.dir as string | undefined, clock: systemClock }),
};

const [kind = '', json = '{}'] = process.argv.slice(2);
const create = STAND_INS[kind];
if (create === undefined) {
  process.stderr.write(`Usage: serve.ts ${Object.keys(STAND_INS).join('|')} '{"port": 9000}'\n`);
  process.exit(2);
}
const options = JSON.parse(json) as Options;
const { distance } = options;
const handler = create(options);
const tell = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const placed = distance === undefined ? handler : atDistance(handler, distance, systemClock, tell);
const server = await serveHttp(placed, options.port ?? 0);
reportReady(kind, server.url);
