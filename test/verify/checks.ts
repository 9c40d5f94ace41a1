// What `npm run verify` proves beyond `npm test`: the same suites against somebody else's S3 and a current nats-server, and
// the template as CloudFormation's own linter sees it.

import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOOPBACK_HOST } from '../../infra/local/http.ts';
import { Part } from '../../infra/local/part.ts';
import { freePorts } from '../../infra/local/ports.ts';
import { startReaper } from '../../infra/local/reaper-client.ts';
import { ROOT_DIR } from '../../infra/local/stack-parts.ts';
import { currentNatsServer, pythonTool, run } from './tools.ts';

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** What to read when something failed; empty otherwise. */
  readonly output: string;
}

export interface Check {
  readonly name: string;
  /** Rejects when it could not be tried at all, which counts as one failure. */
  readonly run: () => Promise<Outcome>;
}

const S3_CONTRACT = 'test/contract/s3.test.ts';
/** Everything that talks to a real bus. */
const BUS_TESTS = [
  'test/e2e',
  'test/functions',
  'test/agent',
  'test/contract/source.test.ts',
  'test/infra/local/nats-server.test.ts',
];
/** The framework itself writes DependsOn beside a GetAtt, which W3005 calls redundant. */
const LINT_ARGS = ['--regions', 'us-east-1', '--ignore-checks', 'W3005'];
const TEMPLATE = '.serverless/cloudformation-template-update-stack.json';

export function checks(env: NodeJS.ProcessEnv): readonly Check[] {
  const foreign = env.S3_ENDPOINT;
  return [
    { name: 'S3 contract against a moto server', run: contractAgainstMoto },
    ...(foreign ? [{ name: `S3 contract against ${foreign}`, run: () => contractAgainst(foreign) }] : []),
    { name: 'bus and end-to-end tests with nats-server 2.12', run: busTestsWithCurrentServer },
    { name: 'cfn-lint on the packaged template', run: lintTemplate },
  ];
}

async function contractAgainstMoto(): Promise<Outcome> {
  const command = await pythonTool('moto_server');
  const port = await freePorts(Math.random).next();
  const endpoint = `http://${LOOPBACK_HOST}:${port}`;
  const reaper = startReaper();
  const readiness = () =>
    fetch(`${endpoint}/moto-api/`).then(
      (response) => response.ok,
      () => false, // Not listening yet.
    );
  const moto = new Part(
    { name: 'moto', command, args: ['-H', LOOPBACK_HOST, '-p', String(port)], readiness },
    reaper,
  );
  try {
    await moto.start();
    return await contractAgainst(endpoint);
  } finally {
    await moto.stop();
    await reaper.close();
  }
}

/** The suite runs for the stand-in too; only the tests of the endpoint are counted. */
const contractAgainst = (endpoint: string): Promise<Outcome> =>
  vitest([S3_CONTRACT, '--testNamePattern', 'S3_ENDPOINT'], { S3_ENDPOINT: endpoint });

async function busTestsWithCurrentServer(): Promise<Outcome> {
  return vitest(BUS_TESTS, { NATS_SERVER: await currentNatsServer() });
}

async function lintTemplate(): Promise<Outcome> {
  const lint = await pythonTool('cfn-lint');
  const packaged = await run('npm', ['run', 'package']);
  if (packaged.code !== 0) throw new Error(`npm run package failed:\n${packaged.output.slice(-2_000)}`);
  const { code, output } = await run(lint, ['--template', TEMPLATE, ...LINT_ARGS]);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, output: code === 0 ? '' : output };
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

async function vitest(args: readonly string[], env: Record<string, string>): Promise<Outcome> {
  const report = join(tmpdir(), `datafile-fanout-verify-${process.pid}.json`);
  const program = join(ROOT_DIR, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { code, output } = await run(process.execPath, [program, 'run', ...args, ...reporters], env);
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(await readFile(report, 'utf8')) as VitestReport;
    if (numPassedTests === 0 && numFailedTests === 0) throw new Error('no test ran');
    // A file that cannot be loaded fails the run without failing a test.
    const failed = numFailedTests === 0 && code !== 0 ? 1 : numFailedTests;
    return { passed: numPassedTests, failed, output: failed === 0 ? '' : output };
  } catch (cause) {
    throw new Error(`The tests did not run to their end (exit code ${code}):\n${output.slice(-3_000)}`, {
      cause,
    });
  } finally {
    await rm(report, { force: true });
  }
}
