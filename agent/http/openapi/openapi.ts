// GET /openapi.json and .yaml: the document of this API, made of the descriptions by which requests are read. Made when it is
// first asked for.

import type { Exchange } from '../kernel/exchange.ts';
import type { Handlers, OPERATIONS } from '../routes.ts';
import { PROTOCOL_DESCRIPTIONS } from './protocols.ts';
import { ROUTE_DESCRIPTIONS, type RouteDescription } from './routes.ts';
import type { JsonSchema } from './schema.ts';

const JSON_TYPE = 'application/json';
const YAML_TYPE = 'application/x-yaml';
const ERROR: JsonSchema = { type: 'object', properties: { error: { type: 'string' } } };
const SERVICE_HEADERS: readonly (readonly [name: string, description: string])[] = [
  ['X-Optimizely-UPS-Name', 'Chooses a configured user profile service.'],
  ['X-Optimizely-ODP-Cache-Name', 'Chooses a configured cache of segments.'],
];

/** As JSON, and as YAML at the original's path, with its type. */
export function openApiHandlers(
  version: string,
): Pick<Handlers<typeof OPERATIONS>, 'GET /openapi.json' | 'GET /openapi.yaml'> {
  let json: Buffer | null = null;
  let yaml: Promise<Buffer> | null = null;
  const serveJson = (exchange: Exchange): void => {
    json ??= Buffer.from(`${JSON.stringify(openApiDocument(version), null, 2)}\n`);
    exchange.bytes(200, JSON_TYPE, json);
  };
  const serveYaml = async (exchange: Exchange): Promise<void> => {
    yaml ??= toYaml(openApiDocument(version));
    exchange.bytes(200, YAML_TYPE, await yaml);
  };
  return { 'GET /openapi.json': serveJson, 'GET /openapi.yaml': serveYaml };
}

/** The library is loaded when it is first needed. */
async function toYaml(document: JsonSchema): Promise<Buffer> {
  const { default: yaml } = await import('yaml');
  return Buffer.from(yaml.stringify(document, { aliasDuplicateObjects: false }));
}

export function openApiDocument(version: string): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const [route, description] of Object.entries({ ...ROUTE_DESCRIPTIONS, ...PROTOCOL_DESCRIPTIONS })) {
    const [method, path] = route.split(' ') as [string, string];
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation(path, description) };
  }
  return {
    openapi: '3.0.3',
    info: { title: 'Agent API', version: version || '1', license: { name: 'Apache-2.0' } },
    paths,
    components: {
      schemas: { Error: ERROR },
      securitySchemes: { SdkKey: { type: 'apiKey', in: 'header', name: 'X-Optimizely-SDK-Key' } },
    },
  };
}

function operation(path: string, description: RouteDescription): JsonSchema {
  const { operationId, summary, body, bodyType = JSON_TYPE, query = {} } = description;
  const { answer, answerType, withoutSdkKey } = description;
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...Object.entries(query).map(([name, { required = false, description, ...schema }]) => ({
      name,
      in: 'query',
      required,
      description,
      schema,
    })),
    ...(withoutSdkKey ? [] : SERVICE_HEADERS).map(([name, description]) => ({
      name,
      in: 'header',
      required: false,
      description,
      schema: { type: 'string' },
    })),
  ];
  const content = answer === null ? {} : { content: { [answerType ?? JSON_TYPE]: { schema: answer } } };
  return {
    operationId,
    summary,
    parameters,
    ...(body === undefined ? {} : { requestBody: { content: { [bodyType]: { schema: body.json } } } }),
    responses: { '200': { description: 'Done.', ...content }, default: refusal },
    security: withoutSdkKey ? [] : [{ SdkKey: [] }],
  };
}

const refusal: JsonSchema = {
  description: 'Refused; the text says why.',
  content: { [JSON_TYPE]: { schema: { $ref: '#/components/schemas/Error' } } },
};
