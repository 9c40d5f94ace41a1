// What `npm run verify` proves beyond `npm test`: the same suites against another S3 and a current nats-server, and
// the template, images and chart as their own linters see them.

import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT_DIR } from '../../../infra/local/stack/parts.ts';
import { deployToMoto } from './deploy.ts';
import { documentsAgainstMoto } from './documents.ts';
import { checkChart } from './helm.ts';
import { withMoto } from './moto.ts';
import type { CheckOutcome } from './outcome.ts';
import { currentNatsServer, pythonTool, type Ran, run } from './tools.ts';
import { withVersitygw } from './versitygw.ts';

export interface Check {
  readonly name: string;
  /** Rejects when it could not be tried at all, which counts as one failure. */
  readonly run: () => Promise<CheckOutcome>;
}

const S3_CONTRACTS = ['test/contract/s3.test.ts', 'test/contract/record.test.ts'];
/** What needs no part of the stack to be ours: a change's whole way, and a thousand at once. */
const SPINE_TESTS = ['test/e2e/spine.test.ts', 'test/e2e/storm.test.ts'];
/** Everything that talks to a real bus. */
const BUS_TESTS = [
  ...['bad-datafiles', 'faults', 'nats-users', 'spine', 'storm'].map((name) => `test/e2e/${name}.test.ts`),
  'test/functions/bus/bus.test.ts',
  'test/functions/bus/bus-rotation.test.ts',
  'test/agent/agent-bus.test.ts',
  'test/agent/notifications/streams.test.ts',
  'test/agent/datafiles/sources/nats.test.ts',
  'test/contract/bus.test.ts',
  'test/contract/source.test.ts',
  'test/infra/local/tools/nats-server.test.ts',
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

const ATTACKS = join(ROOT_DIR, 'test/lab/attacks/main.ts');
const ECS_TEMPLATE = 'infra/ecs/agents.yml';
const ECS_REGIONS = ['us-east-1', 'eu-central-1'];
const COMPOSE_FILE = 'infra/compose/compose.yaml';

export function checks(env: NodeJS.ProcessEnv): readonly Check[] {
  const foreign = env.S3_ENDPOINT;
  return [
    { name: 'S3 contract against a moto server', run: contractAgainstMoto },
    { name: 'S3 contract against versitygw', run: contractAgainstVersitygw },
    { name: 'spine and storm with versitygw as the record', run: spineOnVersitygw },
    ...(foreign ? checksOf(foreign) : []),
    { name: 'bus and end-to-end tests with nats-server 2.12', run: busTestsWithCurrentServer },
    { name: 'attacks on a running system', run: attack },
    { name: 'cfn-lint on the packaged templates', run: lintTemplates },
    { name: 'osls deploy against a moto server', run: deployToMoto },
    { name: 'commands of the documents against a moto server', run: documentsAgainstMoto },
    { name: 'cfn-lint on the ECS template', run: lintEcsTemplate },
    { name: 'the compose file against the Compose Specification', run: checkComposeFile },
    { name: 'hadolint on the Dockerfiles', run: lintDockerfiles },
    { name: 'helm chart: lint, Kubernetes schemas, rules', run: checkChart },
  ];
}

/** Checks of the store that the environment names, with its credentials. */
const checksOf = (endpoint: string): readonly Check[] => [
  { name: `S3 contract against ${endpoint}`, run: () => contractAgainst(endpoint) },
  {
    name: `spine and storm with ${endpoint} as the record`,
    run: () => vitest(SPINE_TESTS, { S3_ENDPOINT: endpoint }),
  },
];

const contractAgainstMoto = (): Promise<CheckOutcome> => withMoto(contractAgainst);

/** The suite runs for the stand-in too; only the tests of the endpoint are counted. */
const contractAgainst = (
  endpoint: string,
  env: Readonly<Record<string, string>> = {},
): Promise<CheckOutcome> =>
  vitest([...S3_CONTRACTS, '--testNamePattern', 'S3_ENDPOINT'], { ...env, S3_ENDPOINT: endpoint });

const contractAgainstVersitygw = (): Promise<CheckOutcome> =>
  withVersitygw((env) => contractAgainst(env.S3_ENDPOINT ?? '', env));

const spineOnVersitygw = (): Promise<CheckOutcome> => withVersitygw((env) => vitest(SPINE_TESTS, env));

async function busTestsWithCurrentServer(): Promise<CheckOutcome> {
  return vitest(BUS_TESTS, { NATS_SERVER: await currentNatsServer() });
}

/** What held and what did not, one for one. */
async function attack(): Promise<CheckOutcome> {
  const { output } = await run(process.execPath, [ATTACKS, '--json']);
  const line = output.split('\n').find((text) => text.startsWith('{"held"'));
  if (line === undefined) throw new Error(`The attacks did not come to their end:\n${output.slice(-3_000)}`);
  const { held, broken } = JSON.parse(line) as { held: number; broken: number };
  return { passed: held, failed: broken, output: broken === 0 ? '' : output };
}

/** The home region's template, and a further region's. */
async function lintTemplates(): Promise<CheckOutcome> {
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

async function lintDockerfiles(): Promise<CheckOutcome> {
  const lint = await pythonTool('hadolint');
  const results = await Promise.all(DOCKERFILES.map((file) => run(lint, ['--no-color', file])));
  const output = results.map((result) => result.output).join('');
  const failed = results.filter(({ code }) => code !== 0).length;
  return { passed: results.length - failed, failed, output };
}

const lintEcsTemplate = async (): Promise<CheckOutcome> =>
  verdict(await run(await pythonTool('cfn-lint'), ['--template', ECS_TEMPLATE, '--regions', ...ECS_REGIONS]));

/** By the schema that comes with the tool: nothing is downloaded. */
const checkComposeFile = async (): Promise<CheckOutcome> =>
  verdict(
    await run(await pythonTool('check-jsonschema'), [
      '--builtin-schema',
      'vendor.compose-spec',
      COMPOSE_FILE,
    ]),
  );

const verdict = ({ code, output }: Ran): CheckOutcome =>
  code === 0 ? { passed: 1, failed: 0, output: '' } : { passed: 0, failed: 1, output };

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

async function vitest(args: readonly string[], env: Record<string, string>): Promise<CheckOutcome> {
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
