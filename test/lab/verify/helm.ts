// The chart as helm renders it: linted, held against Kubernetes' own schemas and the project's rules (helm-rules.ts), and
// refused with a sentence where values cannot work.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ROOT_DIR } from '../../../infra/local/stack/parts.ts';
import { brokenRules, type Manifest } from './helm-rules.ts';
import type { CheckOutcome } from './outcome.ts';
import { helm, pythonTool, run } from './tools.ts';

const CHART = join(ROOT_DIR, 'infra', 'helm', 'datafile-fanout');
/** Value sets that are rendered; the walkthrough's own is one of them. */
const VALUE_SETS = join(CHART, 'ci');
const WALKTHROUGH_VALUES = join(ROOT_DIR, 'infra', 'kubernetes', 'values.yaml');
const WALKTHROUGH_MANIFESTS = join(ROOT_DIR, 'infra', 'kubernetes', 's3.yaml');
/** The oldest that Chart.yaml allows, and the newest that the validator knows. */
const KUBERNETES_VERSIONS = ['1.30.0', '1.37.0'];
/** Helm built from source reports Kubernetes 1.20; the chart asks for 1.30. */
const ANSWERING_AS = ['--kube-version', KUBERNETES_VERSIONS[0] as string];
/** Of the Prometheus operator, so that Kubernetes has no schema for it: helm-rules.ts looks at it instead. */
const FOREIGN_KINDS = ['ServiceMonitor'];

/** Values that cannot work, and what helm must say. */
const REFUSALS: readonly { readonly set: readonly string[]; readonly says: RegExp }[] = [
  { set: [], says: /agent\.sdkKeys or agent\.sdkKeysSecret\.name must say which SDK keys/ },
  { set: ['agent.sdkKeys={a:token}'], says: /does not match pattern/ },
  { set: ['agent.replica=2'], says: /additional properties 'replica' not allowed/ },
  { set: ['bus.urls={nats://nats:4222}'], says: /does not match pattern/ },
  {
    set: ['agent.sdkKeys={a}', 'agent.busSecret=s', 'bus.urls={ws://nats:8080}'],
    says: /use wss:\/\/, or set bus\.allowPlaintext/,
  },
  { set: ['agent.sdkKeys={a}', 'receiver.enabled=true'], says: /record\.bucket must name the bucket/ },
  {
    set: ['agent.sdkKeys={a}', 'receiver.enabled=true', 'record.bucket=b'],
    says: /receiver\.projectsSecret\.name must name a Secret/,
  },
  {
    set: ['agent.sdkKeys={a}', 'receiver.enabled=true', 'record.bucket=b', 'receiver.projectsSecret.name=p'],
    says: /bus\.urls must name the NATS servers/,
  },
];

export async function checkChart(): Promise<CheckOutcome> {
  const command = await helm();
  const validator = await pythonTool('kubernetes-validate');
  const sets = (await readdir(VALUE_SETS)).map((name) => join(VALUE_SETS, name));
  const problems: string[] = [];
  let passed = 0;
  const note = (what: string, found: readonly string[]): void => {
    if (found.length === 0) passed += 1;
    else problems.push(`${what}:`, ...found.map((line) => `  ${line}`));
  };
  for (const set of [...sets, WALKTHROUGH_VALUES]) {
    const name = relative(ROOT_DIR, set);
    const lint = await run(command, ['lint', '--strict', CHART, '--values', set, ...ANSWERING_AS]);
    note(`helm lint, ${name}`, lint.code === 0 ? [] : [lint.output]);
    const rendered = await render(command, ['--values', set]);
    note(`Kubernetes schemas, ${name}`, await invalid(validator, rendered.output));
    note(`rules, ${name}`, await brokenRules(manifestsOf(rendered.output)));
  }
  const shipped = await readFile(WALKTHROUGH_MANIFESTS, 'utf8');
  note('Kubernetes schemas, the walkthrough', await invalid(validator, shipped));
  for (const { set, says } of REFUSALS) {
    const { code, output } = await render(
      command,
      set.flatMap((value) => ['--set', value]),
    );
    const asWanted = code !== 0 && says.test(output);
    note(`refusal of "${set.join(' ')}"`, asWanted ? [] : [output.slice(0, 500)]);
  }
  const failed = problems.filter((line) => !line.startsWith(' ')).length;
  return { passed, failed, output: problems.join('\n') };
}

const render = (command: string, args: readonly string[]) =>
  run(command, ['template', 'flags', CHART, '--namespace', 'shop', ...ANSWERING_AS, ...args]);

const manifestsOf = (text: string): Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);

/** What the validator says against them, for each version of Kubernetes. */
async function invalid(validator: string, text: string): Promise<string[]> {
  const manifests = manifestsOf(text).filter(({ kind }) => !FOREIGN_KINDS.includes(kind));
  if (manifests.length === 0) return [`nothing was rendered: ${text.slice(0, 500)}`];
  const folder = await mkdtemp(join(tmpdir(), 'datafile-fanout-chart-'));
  try {
    const files = await Promise.all(
      manifests.map(async (manifest, i) => {
        const file = join(folder, `${i}-${manifest.kind}.json`);
        await writeFile(file, JSON.stringify(manifest));
        return file;
      }),
    );
    const found: string[] = [];
    for (const version of KUBERNETES_VERSIONS) {
      const { code, output } = await run(validator, [
        '--strict',
        '--quiet',
        '--kubernetes-version',
        version,
        ...files,
      ]);
      // A kind that it does not know is a warning to the validator; to us it was not validated.
      if (code !== 0 || output.trim() !== '') found.push(`Kubernetes ${version}: ${output.trim()}`);
    }
    return found;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
