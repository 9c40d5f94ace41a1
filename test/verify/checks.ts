// What `npm run verify` proves beyond `npm test`: the same suites against somebody else's S3 and a current nats-server, and
// the template, images and chart as their own linters see them.

import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT_DIR } from '../../infra/local/stack-parts.ts';
import { deployToMoto } from './deploy.ts';
import { checkChart } from './helm.ts';
import { withMoto } from './moto.ts';
import { currentNatsServer, pythonTool, type Ran, run } from './tools.ts';

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
  'test/infra/nats.test.ts',
];
const LINT_REGIONS = ['us-east-1', 'eu-west-1'];
const FURTHER_REGION = [
  '--param=role=bus-only',
  '--param=homeBucket=home-bucket',
  '--param=homeTopicArn=arn:aws:sns:us-east-1:123456789012:home-topic',
];
const DOCKERFILES = ['agent/Dockerfile', 'infra/receiver/Dockerfile'];
const TEMPLATE = '.serverless/cloudformation-template-update-stack.json';

const ECS_TEMPLATE = 'infra/ecs/agents.yml';
const ECS_REGIONS = ['us-east-1', 'eu-central-1'];
const COMPOSE_FILE = 'infra/compose/compose.yaml';

export function checks(env: NodeJS.ProcessEnv): readonly Check[] {
  const foreign = env.S3_ENDPOINT;
  return [
    { name: 'S3 contract against a moto server', run: contractAgainstMoto },
    ...(foreign ? [{ name: `S3 contract against ${foreign}`, run: () => contractAgainst(foreign) }] : []),
    { name: 'bus and end-to-end tests with nats-server 2.12', run: busTestsWithCurrentServer },
    { name: 'cfn-lint on the packaged templates', run: lintTemplates },
    { name: 'osls deploy against a moto server', run: deployToMoto },
    { name: 'cfn-lint on the ECS template', run: lintEcsTemplate },
    { name: 'the compose file against the Compose Specification', run: checkComposeFile },
    { name: 'hadolint on the Dockerfiles', run: lintDockerfiles },
    { name: 'helm chart: lint, Kubernetes schemas, rules', run: checkChart },
  ];
}

const contractAgainstMoto = (): Promise<Outcome> => withMoto(contractAgainst);

/** The suite runs for the stand-in too; only the tests of the endpoint are counted. */
const contractAgainst = (endpoint: string): Promise<Outcome> =>
  vitest([S3_CONTRACT, '--testNamePattern', 'S3_ENDPOINT'], { S3_ENDPOINT: endpoint });

async function busTestsWithCurrentServer(): Promise<Outcome> {
  return vitest(BUS_TESTS, { NATS_SERVER: await currentNatsServer() });
}

/** The home region's template, and a further region's. */
async function lintTemplates(): Promise<Outcome> {
  const lint = await pythonTool('cfn-lint');
  const results: Ran[] = [];
  for (const params of [[], FURTHER_REGION]) {
    const packaged = await run('npm', ['run', 'package', '--', ...params]);
    if (packaged.code !== 0) throw new Error(`npm run package failed:\n${packaged.output.slice(-2_000)}`);
    results.push(await run(lint, ['--template', TEMPLATE, '--regions', ...LINT_REGIONS]));
  }
  const failed = results.filter(({ code }) => code !== 0);
  const output = failed.map((result) => result.output).join('');
  return { passed: results.length - failed.length, failed: failed.length, output };
}

async function lintDockerfiles(): Promise<Outcome> {
  const lint = await pythonTool('hadolint');
  const results = await Promise.all(DOCKERFILES.map((file) => run(lint, ['--no-color', file])));
  const output = results.map((result) => result.output).join('');
  const failed = results.filter(({ code }) => code !== 0).length;
  return { passed: results.length - failed, failed, output };
}

const lintEcsTemplate = async (): Promise<Outcome> =>
  verdict(await run(await pythonTool('cfn-lint'), ['--template', ECS_TEMPLATE, '--regions', ...ECS_REGIONS]));

/** By the schema that comes with the tool: nothing is downloaded. */
const checkComposeFile = async (): Promise<Outcome> =>
  verdict(
    await run(await pythonTool('check-jsonschema'), [
      '--builtin-schema',
      'vendor.compose-spec',
      COMPOSE_FILE,
    ]),
  );

const verdict = ({ code, output }: Ran): Outcome =>
  code === 0 ? { passed: 1, failed: 0, output: '' } : { passed: 0, failed: 1, output };

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
