// `fanout doctor`: looks at everything that a change has to pass, and says of each whether it is right and what to do.
// Changes nothing anywhere, apart from a marker in another maker's S3.

import type { Command } from 'commander';
import type { DatafileSource } from '../../../core/projects.ts';
import type { Call, Host } from '../command.ts';
import { type DeploymentOptions, runsOn } from '../deployment/deployment.ts';
import { examine, type Finding, fail, type Judgement, ok, type Standing } from '../doctor/finding.ts';
import { loadSetup, type Setup } from '../doctor/setup.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type Output, type Style, table } from '../output.ts';
import type { Shell } from '../shell.ts';

interface Options extends DeploymentOptions {
  readonly probe?: boolean;
}

export function registerDoctor(program: Command, host: Host): void {
  runsOn<Options>(
    program
      .command('doctor')
      .description('check credentials, clock, bucket, topic, bus, datafiles and webhooks; changes nothing')
      .option('--probe', 'also try to publish: each key once, with what agents know already')
      .addHelpText('after', HELP),
    host,
    doctor,
  );
}

const HELP = `
Looks at the deployment of --stage or --local, or at that of the functions' own variables (FANOUT_BUCKET, FANOUT_TOPIC_ARN,
FANOUT_NATS_URL, FANOUT_PROJECTS or FANOUT_PROJECTS_SECRET and so on), with the credentials of the AWS SDK, and
OPTIMIZELY_API_TOKEN for the webhooks.
Whether another maker's S3 (FANOUT_S3_ENDPOINT) honours conditions on writes is tried on the object
datafiles/.conditions. Exits 1 if anything is found to fail.`;

async function doctor({ shell, output, options }: Call<Options>): Promise<ExitCode> {
  const findings: Finding[] = [];
  let setup: Setup | undefined;
  const settings = await examine('settings', async () => {
    setup = await loadSetup(shell.env);
    return describeSetup(setup);
  });
  findings.push(settings);
  if (setup !== undefined) findings.push(...(await examineAll(shell, output, setup, options.probe === true)));
  const counts = countOf(findings);
  output.result({ ok: counts.fail === 0, counts, findings }, () => report(findings, counts, output));
  return counts.fail === 0 ? EXIT.ok : EXIT.finding;
}

function describeSetup({ projects, settings }: Setup): Judgement {
  const keys = [...projects.values()].reduce((sum, { datafiles }) => sum + datafiles.length, 0);
  if (keys === 0) return fail('the project table is empty', 'Put the projects into it.');
  return ok(`projects: ${projects.size}, SDK keys: ${keys}, role ${settings.role}`);
}

async function examineAll(
  shell: Shell,
  output: Output,
  setup: Setup,
  isProbing: boolean,
): Promise<Finding[]> {
  // Loaded when needed: what these bring along costs more than the rest of the command line.
  const [aws, keys, { checkWebhook }, parts] = await Promise.all([
    import('../doctor/aws-checks.ts'),
    import('../doctor/key-checks.ts'),
    import('../doctor/webhook-check.ts'),
    partsOf(shell, setup),
  ]);
  output.progress('Looking at the account …');
  const account = await Promise.all([
    examine('credentials', () => aws.checkCredentials(setup)),
    examine('clock', () => aws.checkClock(shell, setup)),
    examine('bucket', () => aws.checkBucket(setup)),
    examine('conditions', () => aws.checkConditions(shell, setup)),
    examine('topic', () => aws.checkTopic(shell, setup)),
    examine('bus', () => keys.checkBus(parts.bus)),
  ]);
  output.progress('Looking at the datafiles …');
  const perKey: Finding[] = [];
  const isHome = setup.settings.role === 'home';
  for (const { projectId, datafiles } of setup.projects.values()) {
    for (const source of datafiles) {
      perKey.push(...(await examineKey(keys, parts, source, projectId, isHome)));
      if (setup.trusted.length > 0) {
        const look = () => keys.checkSignatures(parts, source, setup.trusted);
        perKey.push(await examine(`signature ${source.sdkKey}`, look));
      }
      if (isProbing)
        perKey.push(await examine(`publish ${source.sdkKey}`, () => keys.checkPublish(parts, source)));
    }
  }
  parts.bus.reset();
  output.progress('Looking at the webhooks …');
  const webhooks: Finding[] = [];
  for (const projectId of isHome ? setup.projects.keys() : [])
    webhooks.push(
      await examine(`webhook ${projectId}`, () => checkWebhook(shell, projectId, output.progress)),
    );
  return [...account, ...perKey, ...webhooks];
}

type KeyChecks = typeof import('../doctor/key-checks.ts');
type KeyParts = Parameters<KeyChecks['checkRecord']>[0];

/** One after the other: an answer is what the next is compared with. */
async function examineKey(
  keys: KeyChecks,
  parts: KeyParts,
  source: DatafileSource,
  projectId: string,
  isHome: boolean,
): Promise<Finding[]> {
  const { sdkKey } = source;
  return [
    await examine(`record ${sdkKey}`, () => keys.checkRecord(parts, source)),
    // A further region leaves Optimizely to the home region.
    ...(isHome ? [await examine(`cdn ${sdkKey}`, () => keys.checkCdn(parts, source, projectId))] : []),
    await examine(`bus ${sdkKey}`, () => keys.checkBusKey(parts, source)),
  ];
}

async function partsOf(shell: Shell, { settings, credentials }: Setup): Promise<KeyParts> {
  const [{ createBucket }, { NatsBus }, { createCdn }, { unchanging }, { sdkCheck }] = await Promise.all([
    import('../../../functions/record/bucket.ts'),
    import('../../../functions/bus/bus.ts'),
    import('../../../functions/cdn/cdn.ts'),
    import('../../../functions/settings/refreshing-secret.ts'),
    import('../../../functions/publish/sdk-check.ts'),
  ]);
  return {
    record: createBucket(settings.bucket),
    bus: new NatsBus(settings.bus, shell.clock, unchanging(credentials)),
    cdn: createCdn(settings.templates),
    sdkCheck,
    nowMs: shell.clock.nowMs,
  };
}

const STYLES: Readonly<Record<Standing, Style>> = {
  ok: 'green',
  warn: 'yellow',
  fail: 'red',
  skipped: 'dim',
};

const countOf = (findings: readonly Finding[]): Record<Standing, number> => {
  const counts = { ok: 0, warn: 0, fail: 0, skipped: 0 };
  for (const { standing } of findings) counts[standing] += 1;
  return counts;
};

function report(
  findings: readonly Finding[],
  counts: Readonly<Record<Standing, number>>,
  { paint }: Output,
): string {
  const rows = findings.map(({ standing, check, detail }) => [standing, check, detail]);
  // Coloured after aligning: colours are characters too.
  const lines = (rows.length === 0 ? [] : table(rows).split('\n')).flatMap((line, i) => {
    const { standing, remedy } = findings[i] as Finding;
    const painted = paint(STYLES[standing], standing) + line.slice(standing.length);
    return remedy === '' ? [painted] : [painted, `         → ${remedy}`];
  });
  const summary = Object.entries(counts).map(([standing, count]) => `${count} ${standing}`);
  return [...lines, summary.join(', ')].join('\n');
}
