// What can be said of the chart without helm, which `npm run verify` brings: values, schema, templates and the bus's values
// agree about names. helm itself passes over a value that no template knows, and renders nothing for one that does not exist.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import packageJson from '../../../package.json' with { type: 'json' };

const INFRA = join(import.meta.dirname, '../../../infra');
const CHART = join(INFRA, 'helm/datafile-fanout');
const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');

const parseAll = (text: string): unknown[] => parseAllDocuments(text).map((it) => it.toJS());

interface Schema {
  readonly properties?: Record<string, Schema>;
  readonly additionalProperties?: unknown;
}
type Values = { readonly [name: string]: unknown };

const values = parse(read(CHART, 'values.yaml')) as Values;
const schema = JSON.parse(read(CHART, 'values.schema.json')) as Schema;
const templates = readdirSync(join(CHART, 'templates'), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(yaml|tpl|txt)$/.test(name))
  .map((name) => ({ name, text: read(CHART, 'templates', name) }));
const everything = templates.map(({ text }) => text).join('\n');

const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;

/** `agent.image.tag` and so on. */
const leavesOf = (node: Values, at = ''): string[] =>
  Object.entries(node).flatMap(([name, value]) =>
    // Resources and security contexts are handed on whole.
    isMap(value) && !/^(resources|podSecurityContext|securityContext)$/.test(name)
      ? leavesOf(value, `${at}${name}.`)
      : [`${at}${name}`],
  );

const valueAt = (path: readonly string[]): unknown =>
  path.reduce<unknown>((node, name) => (isMap(node) ? node[name] : undefined), values);

describe('the chart’s values', () => {
  it('the chart’s values are all in the schema, and the schema has no other', () => {
    const compare = (node: Values, part: Schema | undefined, at: string): string[] => {
      if (part?.properties === undefined) return [];
      const here = Object.keys(node);
      const there = Object.keys(part.properties).filter((name) => name !== 'global');
      const different = [...here, ...there].filter((name) => here.includes(name) !== there.includes(name));
      return [
        ...different.map((name) => `${at}${name}`),
        ...(part.additionalProperties === false ? [] : [`${at} takes any name`]),
        ...here.flatMap((name) =>
          isMap(node[name]) ? compare(node[name], part.properties?.[name], `${at}${name}.`) : [],
        ),
      ];
    };
    expect(leavesOf(values).length).toBeGreaterThan(80);
    expect(compare(values, schema, '')).toEqual([]);
  });

  it('the chart’s values are each used by a template', () => {
    const unused = leavesOf(values).filter((path) => {
      const [name = '', holder = ''] = path.split('.').reverse();
      return !everything.includes(`.${name}`) || (holder !== '' && !everything.includes(`.${holder}`));
    });
    expect(unused).toEqual([]);
  });

  it('the chart’s values are the only ones that templates name', () => {
    const named = templates.flatMap(({ name, text }) => {
      const roots = new Map(
        [...text.matchAll(/\$(\w+) := \.Values\.(\w+) \}\}/g)].map((it) => [it[1], it[2]]),
      );
      const direct = [...text.matchAll(/\.Values\.([\w.]+)/g)].map((it) => it[1] as string);
      const through = [...text.matchAll(/\$(agent|receiver|policy)\.([\w.]+)/g)].map(
        (it) => `${roots.get(it[1]) ?? it[1]}.${it[2]}`,
      );
      return [...direct, ...through].map((path) => ({ name, path: path.replace(/\.$/, '') }));
    });
    expect(named.length).toBeGreaterThan(60);
    const free = ['agent.config.sdkKeys'];
    const missing = named.filter(
      ({ path }) => !free.includes(path) && valueAt(path.split('.')) === undefined,
    );
    expect(missing).toEqual([]);
  });

  it('hold no secret, only names of Secrets', () => {
    const secretive = leavesOf(values).filter((path) => /password|token|secret/i.test(path));
    expect(secretive.length).toBeGreaterThan(5);
    for (const path of secretive) expect(path).toMatch(/Secrets?$|Secret\.(name|key)$/);
  });
});

describe('the security contexts of the chart', () => {
  const POD = { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } };
  const CONTAINER = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true };

  it.each(['agent', 'receiver'])(
    'of the %s take all rights, and are values that a cluster may replace',
    (component) => {
      const part = values[component] as {
        readonly podSecurityContext: unknown;
        readonly securityContext: unknown;
      };
      expect(part.podSecurityContext).toMatchObject(POD);
      expect(part.securityContext).toMatchObject({ ...CONTAINER, capabilities: { drop: ['ALL'] } });
      const { text } = templates.find(({ name }) => name === `${component}-deployment.yaml`) ?? { text: '' };
      for (const name of ['podSecurityContext', 'securityContext'])
        expect(text).toContain(`include "fanout.withoutNulls" $${component}.${name} `);
    },
  );

  it('stand in no template: nothing is fixed that a cluster could forbid', () => {
    expect(everything).not.toMatch(/runAs(User|Group|NonRoot)|fsGroup|seccompProfile|capabilities:/);
  });
});

describe('the admin port in the chart', () => {
  const textOf = (wanted: string) => templates.find(({ name }) => name === wanted)?.text ?? '';
  const ports = (probe: string) =>
    [...textOf('agent-deployment.yaml').matchAll(/path: \/health\/\w+, port: (\w+)/g)].map(
      (it) => `${probe} ${it[1]}`,
    );

  it('the admin port in the chart is closed until it is opened, so that probes come to another', () => {
    expect(valueAt(['agent', 'admin', 'open'])).toBe(false);
    expect(valueAt(['agent', 'serviceMonitor', 'enabled'])).toBe(false);
    expect(ports('probed at')).toEqual(['probed at webhook', 'probed at webhook']);
    expect(textOf('_agent-env.tpl')).toContain(
      'value: {{ ternary "0.0.0.0" "127.0.0.1" (eq (include "fanout.agent.adminOpen" .) "true") }}',
    );
  });

  it('the admin port in the chart has a Service of its own, which none of the API shares', () => {
    const [clients = '', admin = ''] = textOf('agent-service.yaml').split('\n---\n');
    expect(clients).not.toContain('targetPort: admin');
    expect(admin).toContain('targetPort: admin');
    expect(clients).toMatch(/\{\{- if eq \(include "fanout\.agent\.adminOpen" \.\) "true" \}\}/);
  });

  it('the admin port is open to the pods that the network policy names, and closed where it names none', () => {
    const policies = textOf('network-policies.yaml');
    expect(policies).toMatch(
      /\{\{- with \$policy\.adminFrom \}\}\n +- ports:\n +- \{ protocol: TCP, port: admin \}\n +from:/,
    );
    expect(policies.match(/port: admin/g)).toHaveLength(1);
  });
});

describe('the chart', () => {
  it('the chart has the version of the package, which is the image’s tag', () => {
    const chart = parse(read(CHART, 'Chart.yaml'));
    expect([chart.version, chart.appVersion]).toEqual([packageJson.version, packageJson.version]);
  });

  it('the chart is not packaged with the value sets of its tests', () => {
    expect(read(CHART, '.helmignore')).toMatch(/^ci\/$/m);
  });
});

describe('what is written of it', () => {
  const walkthrough = read(INFRA, 'kubernetes/WALKTHROUGH.md');
  const own = read(INFRA, 'kubernetes/values.yaml');

  it('sets only values that there are', () => {
    const pages = ['../docs/deploy-aws.md', '../docs/deploy-kubernetes.md'].map((page) => read(INFRA, page));
    const set = [...pages.join('\n').matchAll(/--set '?([\w.]+)=/g)].map((it) => it[1] as string);
    for (const path of ['record.bucket', 'receiver.enabled']) expect(set).toContain(path);
    expect(set.filter((path) => valueAt(path.split('.')) === undefined)).toEqual([]);
  });

  it('makes every Secret that the walkthrough’s values name, in their namespace', () => {
    const names = [...own.matchAll(/(?:\w+Secret: (?:\{ name: )?)([\w-]+)/g)].map((it) => it[1] as string);
    expect(new Set(names).size).toBe(5);
    const made = [...walkthrough.matchAll(/-n fanout create secret generic ([\w-]+)/g)].map((it) => it[1]);
    expect(made.sort()).toEqual([...new Set(names)].sort());
  });

  it('says `S3` by the name and port that the walkthrough gives it', () => {
    const [, service] = parseAll(read(INFRA, 'kubernetes/s3.yaml'));
    const { metadata, spec } = service as { metadata: { name: string }; spec: { ports: { port: number }[] } };
    expect(parse(own).record.endpoint).toBe(`http://${metadata.name}:${spec.ports[0]?.port}`);
    expect(walkthrough).toContain(`http://localhost:${spec.ports[0]?.port}/${parse(own).record.bucket}`);
  });
});

describe('the values of NATS’ official chart', () => {
  const nats = parse(read(INFRA, 'helm/nats-values.yaml'));
  const users = read(INFRA, 'nats/users.conf');

  it('give every password that the shipped users ask for, from a Secret', () => {
    const wanted = [...users.matchAll(/password: \$(\w+)/g)].map(([, name]) => name);
    expect(wanted).toHaveLength(3);
    expect(Object.keys(nats.container.env).sort()).toEqual(wanted.sort());
    for (const variable of Object.values<{ valueFrom?: { secretKeyRef?: object } }>(nats.container.env))
      expect(variable.valueFrom?.secretKeyRef).toMatchObject({ name: 'nats-users' });
  });

  it('include the shipped users and say how to hand them over', () => {
    expect(nats.config.merge.$include).toBe('./users.conf');
    expect(read(INFRA, 'helm/nats-values.yaml')).toContain(
      "--set-file 'configMap.merge.data.users\\.conf=infra/nats/users.conf'",
    );
  });

  it('make three servers that keep the stream on disk and speak wss alone', () => {
    expect(nats.config.cluster).toMatchObject({
      enabled: true,
      replicas: 3,
      tls: { merge: { verify: true } },
    });
    expect(nats.config.jetstream.fileStore.pvc.size).toMatch(/^\d+Gi$/);
    expect(nats.config.websocket).toMatchObject({ enabled: true, tls: { enabled: true } });
    expect(nats.service.ports.nats.enabled).toBe(false);
    const [url] = parse(read(INFRA, 'kubernetes/values.yaml')).bus.urls;
    expect(url).toBe(`wss://nats.nats.svc.cluster.local:${nats.config.websocket.port}`);
  });
});
