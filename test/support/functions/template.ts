// A packaged CloudFormation template as AWS would see it once its conditions are decided: they only compare what
// serverless.yml's params say, so that everything but references to other resources is known.

import * as packaged from './packaged.ts';

export interface Resource {
  readonly Type: string;
  readonly Condition?: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
}

export interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
}

export interface Template {
  readonly resources: Readonly<Record<string, Resource>>;
  properties(logicalId: string): Record<string, unknown>;
  ofType(type: string): Resource[];
  /** Of a role's policies. */
  statementsOf(logicalId: string): Statement[];
  environmentOf(lambda: string): Record<string, unknown>;
}

export const arnOf = (logicalId: string) => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });

/** Packages the bundles in dist/ with these params, for example `role=bus-only`. */
export async function packagedTemplate(
  params: readonly string[] = [],
  osls: readonly string[] = [],
): Promise<Template> {
  const args = [...osls, ...params.map((param) => `--param=${param}`)];
  const template = await packaged.packagedTemplate(args);
  const holds = (name: string): boolean => decide(template.Conditions[name], holds) === true;
  const entries = Object.entries(template.Resources as Record<string, Resource>)
    .filter(([, { Condition }]) => Condition === undefined || holds(Condition))
    .map(([logicalId, resource]) => [logicalId, decide(resource, holds) as Resource] as const);
  const resources = Object.fromEntries(entries);
  const properties = (logicalId: string) => resources[logicalId]?.Properties ?? {};
  return {
    resources,
    properties,
    ofType: (type) => Object.values(resources).filter((resource) => resource.Type === type),
    statementsOf: (logicalId) =>
      (properties(logicalId).Policies as { PolicyDocument: { Statement: Statement[] } }[]).flatMap(
        (policy) => policy.PolicyDocument.Statement,
      ),
    environmentOf: (lambda) =>
      (properties(`${lambda}LambdaFunction`).Environment as { Variables: Record<string, unknown> }).Variables,
  };
}

type Holds = (condition: string) => boolean;
type Deciders = Readonly<Record<string, (args: never, holds: Holds) => unknown>>;

/** Functions whose arguments are known. Fn::Sub, Fn::GetAtt and Ref stay as they are. */
const DECIDERS: Deciders = {
  'Fn::If': ([name, yes, no]: [string, unknown, unknown], holds) => decide(holds(name) ? yes : no, holds),
  'Fn::Equals': ([a, b]: unknown[], holds) => decide(a, holds) === decide(b, holds),
  'Fn::Not': ([condition]: unknown[], holds) => decide(condition, holds) !== true,
  'Fn::And': (conditions: unknown[], holds) => conditions.every((one) => decide(one, holds) === true),
  'Fn::Split': ([by, text]: [string, string]) => text.split(by),
  'Fn::Select': ([i, list]: [number, unknown], holds) => (decide(list, holds) as unknown[])[i],
  'Fn::Join': ([by, list]: [string, unknown], holds) => {
    const parts = decide(list, holds) as unknown[];
    return parts.every((part) => typeof part === 'string') ? parts.join(by) : { 'Fn::Join': [by, parts] };
  },
};

const isNoValue = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (value as { Ref?: string }).Ref === 'AWS::NoValue';

function decide(value: unknown, holds: Holds): unknown {
  if (Array.isArray(value)) return value.map((one) => decide(one, holds)).filter((one) => !isNoValue(one));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [name = '', args] = entries[0] ?? [];
  const decider = entries.length === 1 ? DECIDERS[name] : undefined;
  if (decider !== undefined) return decider(args as never, holds);
  return Object.fromEntries(
    entries.map(([key, one]) => [key, decide(one, holds)]).filter(([, one]) => !isNoValue(one)),
  );
}
