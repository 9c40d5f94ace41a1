// A stand-in for what AWS says of a deployed stack: CloudFormation's outputs, the functions' variables, secrets by name, and
// calls that the caller may not make when a test wants that.

import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  answer,
  answerJson,
  type HttpServer,
  pathOf,
  readBody,
  serveHttp,
} from '../../../../infra/local/tools/http.ts';

const BODY_BYTES_MAX = 64 * 1024;
const XML = { 'content-type': 'text/xml' };
const FUNCTION_PATH = /^\/2015-03-31\/functions\/([^/]+)\/configuration$/;

export class ControlPlane {
  /** Stacks by name: their outputs. */
  readonly stacks = new Map<string, Readonly<Record<string, string>>>();
  /** Functions by name: their variables. */
  readonly functions = new Map<string, Readonly<Record<string, string>>>();
  readonly secrets = new Map<string, string>();
  /** `lambda`, `secrets`: answered with a refusal. */
  readonly refusing = new Set<string>();
  #server: HttpServer | null = null;

  async start(): Promise<this> {
    this.#server = await serveHttp((request, response) => this.#handle(request, response), 0);
    return this;
  }

  async stop(): Promise<void> {
    await this.#server?.close();
  }

  /** What makes the SDK come here. */
  get env(): Record<string, string> {
    return { AWS_ENDPOINT_URL: this.#server?.url ?? '' };
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await readBody(request, BODY_BYTES_MAX)).toString();
    const target = String(request.headers['x-amz-target'] ?? '');
    const [, functionName] = FUNCTION_PATH.exec(pathOf(request)) ?? [];
    if (target === 'secretsmanager.GetSecretValue') this.#secret(JSON.parse(body).SecretId, response);
    else if (functionName !== undefined) this.#function(functionName, response);
    else this.#stack(new URLSearchParams(body).get('StackName') ?? '', response);
  }

  #stack(name: string, response: ServerResponse): void {
    const outputs = this.stacks.get(name);
    if (outputs === undefined) {
      const said = `<Code>ValidationError</Code><Message>Stack with id ${name} does not exist</Message>`;
      answer(response, 400, XML, `<ErrorResponse><Error>${said}</Error></ErrorResponse>`);
      return;
    }
    const members = Object.entries(outputs).map(
      ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
    );
    const stack = `<member><StackName>${name}</StackName><Outputs>${members.join('')}</Outputs></member>`;
    const result = `<DescribeStacksResult><Stacks>${stack}</Stacks></DescribeStacksResult>`;
    answer(response, 200, XML, `<DescribeStacksResponse>${result}</DescribeStacksResponse>`);
  }

  #function(name: string, response: ServerResponse): void {
    const variables = this.functions.get(name);
    if (this.refusing.has('lambda')) refuse(response, 403, 'AccessDeniedException');
    else if (variables === undefined) refuse(response, 404, 'ResourceNotFoundException');
    else answerJson(response, 200, { FunctionName: name, Environment: { Variables: variables } });
  }

  #secret(name: string, response: ServerResponse): void {
    const text = this.secrets.get(name);
    if (this.refusing.has('secrets')) refuse(response, 400, 'AccessDeniedException');
    else if (text === undefined) refuse(response, 400, 'ResourceNotFoundException');
    else answerJson(response, 200, { Name: name, SecretString: text });
  }
}

const refuse = (response: ServerResponse, status: number, type: string): void =>
  answer(
    response,
    status,
    { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': type },
    JSON.stringify({ __type: type, message: 'as the test wants it' }),
  );
