// A plugin of the framework: takes out of the template what says nothing. Conditions that compare nothing but params are
// constants by then and are decided; a DependsOn beside a GetAtt or Ref of the same resource, as the framework writes it, goes.
// What is deployed stays the same, and linters that take warnings (W8003, W3005) for errors, as moto's CloudFormation does, let
// it pass. Conditions over CloudFormation's own parameters stay.

interface Entry {
  readonly Condition?: string;
  readonly DependsOn?: string | readonly string[];
  readonly [field: string]: unknown;
}

export interface RawTemplate {
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Resources?: Readonly<Record<string, Entry>>;
  readonly Outputs?: Readonly<Record<string, Entry>>;
  readonly [section: string]: unknown;
}

interface Serverless {
  readonly service: { readonly provider: { compiledCloudFormationTemplate: RawTemplate } };
}

export default class LeanTemplate {
  readonly hooks: Readonly<Record<string, () => void>>;

  constructor({ service }: Serverless) {
    this.hooks = {
      'after:aws:package:finalize:mergeCustomProviderResources': () => {
        const { provider } = service;
        provider.compiledCloudFormationTemplate = withoutRepeatedDependencies(
          withoutConstantConditions(provider.compiledCloudFormationTemplate),
        );
      },
    };
  }
}

/** What cannot be decided here. */
const OPEN = Symbol('open');
const GONE = Symbol('gone');
const NO_VALUE = { Ref: 'AWS::NoValue' };

type Decided = ReadonlyMap<unknown, boolean>;

/** The template with every constant condition decided. */
export function withoutConstantConditions(template: RawTemplate): RawTemplate {
  const { Conditions = {}, Resources, Outputs, ...rest } = template;
  const decided = decideAll(Conditions);
  const keepUnlessFalse = (entries: Readonly<Record<string, Entry>>) =>
    Object.fromEntries(
      Object.entries(entries)
        .filter(([, { Condition }]) => decided.get(Condition) !== false)
        .map(([name, entry]) => [name, withoutCondition(entry, decided)]),
    );
  const open = Object.entries(Conditions).filter(([name]) => !decided.has(name));
  const sections = {
    ...rest,
    ...(Resources !== undefined && { Resources: keepUnlessFalse(Resources) }),
    ...(Outputs !== undefined && { Outputs: keepUnlessFalse(Outputs) }),
  };
  const resolved = resolve(sections, decided) as RawTemplate;
  return open.length === 0 ? resolved : { ...resolved, Conditions: Object.fromEntries(open) };
}

/** The template without dependencies that a GetAtt or Ref makes already. */
export function withoutRepeatedDependencies(template: RawTemplate): RawTemplate {
  const entries = Object.entries(template.Resources ?? {}).map(([name, { DependsOn, ...resource }]) => {
    const made = referencesOf(resource.Properties);
    const needed = [DependsOn ?? []].flat().filter((dependency) => !made.has(dependency));
    return [name, needed.length === 0 ? resource : { ...resource, DependsOn: needed }];
  });
  return { ...template, Resources: Object.fromEntries(entries) };
}

function referencesOf(node: unknown, found = new Set<unknown>()): ReadonlySet<unknown> {
  if (typeof node !== 'object' || node === null) return found;
  const { Ref: ref, 'Fn::GetAtt': attribute } = node as Record<string, unknown>;
  if (ref !== undefined) found.add(ref);
  // Either ['Name', 'Arn'] or 'Name.Arn'.
  const [attributeOf] = [attribute ?? []].flat();
  if (attributeOf !== undefined) found.add(String(attributeOf).split('.')[0]);
  for (const child of Object.values(node)) referencesOf(child, found);
  return found;
}

function withoutCondition(entry: Entry, decided: Decided): Entry {
  const { Condition, ...rest } = entry;
  return decided.has(Condition) ? rest : entry;
}

/** Name → true or false, for what is constant. */
function decideAll(conditions: Readonly<Record<string, unknown>>): Decided {
  const entries = Object.entries(conditions).map(([name, condition]) => [name, evaluate(condition)] as const);
  return new Map(entries.flatMap(([name, value]) => (typeof value === 'boolean' ? [[name, value]] : [])));
}

const FUNCTIONS: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  'Fn::Equals': ([a, b]) => a === b,
  'Fn::Not': ([a]) => a !== true,
  'Fn::And': (all) => all.every((each) => each === true),
  'Fn::Or': (all) => all.some((each) => each === true),
  'Fn::Split': ([separator, text]) => String(text).split(String(separator)),
  'Fn::Select': ([index, list]) => (list as readonly unknown[])[Number(index)],
};

function evaluate(expression: unknown): unknown {
  if (Array.isArray(expression)) {
    const values = expression.map(evaluate);
    return values.includes(OPEN) ? OPEN : values;
  }
  if (typeof expression !== 'object' || expression === null) return expression;
  const [only, ...more] = Object.entries(expression);
  const decide = only === undefined || more.length > 0 ? undefined : FUNCTIONS[only[0]];
  if (only === undefined || decide === undefined) return OPEN;
  const values = evaluate(only[1]);
  return values === OPEN ? OPEN : decide(values as readonly unknown[]);
}

/** Every Fn::If over a decided condition is what it comes to. */
function resolve(node: unknown, decided: Decided): unknown {
  if (Array.isArray(node)) return node.map((each) => resolve(each, decided)).filter((each) => each !== GONE);
  if (typeof node !== 'object' || node === null) return node;
  const { 'Fn::If': choice, Ref: ref } = node as Record<string, unknown>;
  if (choice !== undefined) return choose(choice as Choice, decided);
  if (ref === NO_VALUE.Ref) return GONE;
  const entries = Object.entries(node).map(([key, value]) => [key, resolve(value, decided)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== GONE));
}

type Choice = readonly [name: string, yes: unknown, no: unknown];

function choose([name, yes, no]: Choice, decided: Decided): unknown {
  const known = decided.get(name);
  if (known !== undefined) return resolve(known ? yes : no, decided);
  const [then, otherwise] = [yes, no].map((branch) => {
    const value = resolve(branch, decided);
    return value === GONE ? NO_VALUE : value;
  });
  return { 'Fn::If': [name, then, otherwise] };
}
