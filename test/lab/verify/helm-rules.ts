// What must hold of every manifest of the chart, with any values: least privilege, references that lead somewhere, and
// variables that agent and receiver themselves accept. Knows the manifests as plain objects, not helm.

import { loadConfigFile, parseConfig } from '../../../agent/config/config.ts';
import { messageOf } from '../../../core/errors.ts';
import { checkReceiverSettings } from '../../../functions/receiver/settings.ts';
import { newKeys } from '../../support/functions/signing.ts';

export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  // biome-ignore lint/suspicious/noExplicitAny: shapes are Kubernetes' own, which the validator has checked.
  readonly [field: string]: any;
}

type Json = Manifest[string];

const SECRET_PATTERN = /PASSWORD|SECRET|TOKEN|FANOUT_PROJECTS|SIGNING_KEY$/;
const CONFIG_FILE = '/etc/datafile-fanout/config/config.yaml';
const PROJECTS = JSON.stringify([
  { projectId: '1', secrets: ['s'], datafiles: [{ sdkKey: 'AnSdkKey', environment: 'Production' }] },
]);
/** What Secrets would hold. */
const STAND_INS: Readonly<Record<string, string>> = {
  FANOUT_PROJECTS: PROJECTS,
  OPTIMIZELY_SDKKEYS: 'AnSdkKey:t',
  FANOUT_SIGNING_KEY: newKeys().pem,
};
const MACHINE = { cores: 2, memoryBytes: 2 ** 29 };

/** Sentences on what is wrong; none when all is well. */
export async function brokenRules(manifests: readonly Manifest[]): Promise<string[]> {
  const workloads = manifests.filter(({ kind }) => kind === 'Deployment');
  const pods = [
    ...workloads.map((it) => ({ name: it.metadata.name, spec: it.spec.template.spec })),
    ...manifests
      .filter(({ kind }) => kind === 'Pod')
      .map((it) => ({ name: it.metadata.name, spec: it.spec })),
  ];
  const settings = await Promise.all(workloads.map((workload) => settingsProblems(workload, manifests)));
  return [
    ...(workloads.length === 0 ? ['there is no Deployment'] : []),
    ...pods.flatMap(({ name, spec }) => podProblems(spec).map((problem) => `${name}: ${problem}`)),
    ...workloads.flatMap((it) => probeProblems(it).map((problem) => `${it.metadata.name}: ${problem}`)),
    ...referenceProblems(manifests, workloads),
    ...adminProblems(manifests, workloads),
    ...settings.flat(),
  ];
}

function podProblems(spec: Json): string[] {
  const [container] = spec.containers;
  const wanted: readonly [string, boolean][] = [
    [
      'must not run as root',
      // Without a number of its own it is the cluster's, which runAsNonRoot holds to the same.
      spec.securityContext.runAsNonRoot === true && spec.securityContext.runAsUser !== 0,
    ],
    ['must have the default seccomp profile', spec.securityContext.seccompProfile?.type === 'RuntimeDefault'],
    ['must not be given a token of Kubernetes', spec.automountServiceAccountToken === false],
    ['must not get variables of services', spec.enableServiceLinks === false],
    ['must have a read-only root', container.securityContext.readOnlyRootFilesystem === true],
    ['must not gain privileges', container.securityContext.allowPrivilegeEscalation === false],
    ['must drop all capabilities', container.securityContext.capabilities?.drop?.includes('ALL')],
    ['must limit its memory', container.resources.limits?.memory !== undefined],
    ['must leave its CPU unlimited or say so', container.resources.requests?.cpu !== undefined],
  ];
  const volumes = (spec.volumes ?? []).map(({ name }: Json) => name);
  const homeless = (container.volumeMounts ?? []).filter(({ name }: Json) => !volumes.includes(name));
  const bare = (container.env ?? []).filter(
    ({ name, value }: Json) => SECRET_PATTERN.test(name) && value !== undefined,
  );
  return [
    ...wanted.filter(([, holds]) => !holds).map(([problem]) => problem),
    ...homeless.map(({ name }: Json) => `mounts ${name}, which is no volume`),
    ...bare.map(({ name }: Json) => `has ${name} in plain sight`),
  ];
}

function probeProblems({ spec }: Manifest): string[] {
  const { terminationGracePeriodSeconds: graceS, containers } = spec.template.spec;
  const [{ startupProbe, livenessProbe, readinessProbe, lifecycle, env }] = containers;
  const found: string[] = [];
  const adminHost = env.find(({ name }: Json) => name === 'FANOUT_ADMIN_HOST')?.value;
  if (readinessProbe?.httpGet.port === 'admin' && adminHost !== '0.0.0.0')
    found.push('must open the port that it is probed at: the kubelet comes from outside of the pod');
  if (startupProbe?.httpGet.path !== '/health/live' || livenessProbe?.httpGet.path !== '/health/live')
    found.push('must be started and restarted by /health/live: what it serves is no reason for either');
  if (readinessProbe?.httpGet.path !== '/health/ready') found.push('must be ready by /health/ready');
  if (!(graceS - lifecycle.preStop.sleep.seconds >= 30)) found.push('needs 30 s to stop, after its sleep');
  if (spec.template.spec.topologySpreadConstraints?.length !== 2)
    found.push('must spread over zones and nodes');
  return found;
}

/** The admin port asks for no token: it is open to other hosts only where that was asked for, and to those who were named. */
function adminProblems(manifests: readonly Manifest[], workloads: readonly Manifest[]): string[] {
  const isOpen = workloads.some(({ spec }) =>
    spec.template.spec.containers[0].env.some(
      ({ name, value }: Json) => name === 'FANOUT_ADMIN_HOST' && value !== '127.0.0.1',
    ),
  );
  const services = manifests
    .filter(({ kind }) => kind === 'Service')
    .filter(({ spec }) => spec.ports.some(({ targetPort }: Json) => targetPort === 'admin'));
  const rules = manifests
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .flatMap(({ spec }) => spec.ingress ?? [])
    .filter(({ ports }: Json) => ports.some(({ port }: Json) => port === 'admin'));
  return [
    ...(services.length === (isOpen ? 1 : 0) ? [] : ['the admin port must have a Service where it is open']),
    ...(services.some(({ spec }) => spec.ports.length > 1 || spec.type !== 'ClusterIP')
      ? ['the admin port must have a Service of its own, inside the cluster']
      : []),
    ...(rules.every(({ from }: Json) => from?.length > 0) ? [] : ['every pod may connect to the admin port']),
  ];
}

const fits = (selector: Json, labels: Json): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

const labelsOf = ({ metadata }: Manifest): Json => metadata.labels;

function referenceProblems(manifests: readonly Manifest[], workloads: readonly Manifest[]): string[] {
  const named = (kind: string, name: string) =>
    manifests.some((it) => it.kind === kind && it.metadata.name === name);
  return manifests.flatMap((it) => {
    const { kind, spec, metadata } = it;
    const selector =
      kind === 'Service'
        ? spec.selector
        : ((spec?.selector ?? spec?.podSelector)?.matchLabels as Json | undefined);
    if (kind === 'ServiceMonitor') {
      // Selects Services by the labels that they have themselves.
      const service = manifests.find((one) => one.kind === 'Service' && fits(selector, labelsOf(one)));
      const ports = service?.spec.ports.map(({ name }: Json) => name) ?? [];
      return ports.includes(spec.endpoints[0].port) ? [] : [`${kind} ${metadata.name} finds no port`];
    }
    const found: string[] = [];
    if (selector !== undefined) {
      const target = workloads.find((one) => fits(selector, one.spec.template.metadata.labels));
      if (target === undefined) found.push(`${kind} ${metadata.name} selects nothing`);
      const open = target?.spec.template.spec.containers[0].ports.map(({ name }: Json) => name) ?? [];
      for (const { targetPort } of kind === 'Service' ? spec.ports : [])
        if (!open.includes(targetPort)) found.push(`${kind} ${metadata.name} leads to no port ${targetPort}`);
    }
    if (kind === 'HorizontalPodAutoscaler' && !named('Deployment', spec.scaleTargetRef.name))
      found.push(`${kind} scales nothing`);
    if (kind === 'Ingress' && !named('Service', spec.rules[0].http.paths[0].backend.service.name))
      found.push(`${kind} leads nowhere`);
    return found;
  });
}

/** The variables as the program itself judges them: an unknown one, or a wrong value, is a mistake of the chart. */
async function settingsProblems(workload: Manifest, manifests: readonly Manifest[]): Promise<string[]> {
  const [container] = workload.spec.template.spec.containers;
  const env: Record<string, string> = {};
  for (const { name, value } of container.env)
    env[name] = (value ?? STAND_INS[name] ?? 'stand-in').replace('$(POD_IP)', '10.0.0.1');
  const about = (problem: string) => `${workload.metadata.name}: ${problem}`;
  if (container.name === 'receiver') {
    const { problems, warnings } = checkReceiverSettings(env);
    return [...problems, ...warnings].map(about);
  }
  // Certificates are files of a Secret, which does not exist here.
  delete env.OPTIMIZELY_SERVER_CERTFILE;
  delete env.OPTIMIZELY_SERVER_KEYFILE;
  const files = manifests.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
  const readText = (path: string): string => {
    if (path === CONFIG_FILE && files['config.yaml'] !== undefined) return files['config.yaml'];
    throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
  };
  try {
    const file = await loadConfigFile(env.OPTIMIZELY_CONFIG_FILENAME, readText);
    return parseConfig(env, readText, file, MACHINE).warnings.map(about);
  } catch (error) {
    return [about(messageOf(error))];
  }
}
