// An SNS for one machine: CreateTopic and Publish as the real SDK sends them, filter by the `kind` attribute, and
// asynchronous delivery to functions. Subscriptions come from the stack, not over the API. Messages that wait are lost
// with the process; SNS itself keeps them.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../../core/clock.ts';
import { answer, answerJson, type HttpHandler, pathOf, readBody } from '../tools/http.ts';
import {
  createDeliveries,
  type Deliveries,
  LAMBDA_RETRY_DELAYS_MS,
  type Subscription,
} from './sns-delivery.ts';
import { type XmlValue, xmlDocument } from './xml.ts';

const NAMESPACE = 'http://sns.amazonaws.com/doc/2010-03-31/';
/** Message and attributes together, docs.aws.amazon.com › SNS › Publish. */
export const MESSAGE_BYTES_MAX = 262_144;
/** A form-encoded message can take three times its bytes. */
const REQUEST_BYTES_MAX = 4 * MESSAGE_BYTES_MAX;
const ACCOUNT = '000000000000';

export const localTopicArn = (name: string): string => `arn:aws:sns:us-east-1:${ACCOUNT}:${name}`;

export interface SnsOptions {
  readonly clock: Clock;
  readonly subscriptions?: readonly Subscription[];
  readonly retryDelaysMs?: readonly number[];
}

interface Message {
  readonly topicArn: string;
  readonly message: string;
  readonly subject: string | null;
  readonly attributes: Readonly<Record<string, { readonly Type: string; readonly Value: string }>>;
}

/**
 * `POST /` speaks SNS. Beside it: `GET /dlq` and `DELETE /dlq`, `GET /stats`, and `PUT /knobs` with `{"copies": n}`
 * to deliver each message n times (0 loses it): SNS promises at least once, and a policy mistake delivers none.
 */
export function createSnsStandIn(options: SnsOptions): HttpHandler {
  const deliveries = createDeliveries(options.clock, options.retryDelaysMs ?? LAMBDA_RETRY_DELAYS_MS);
  const subscriptions = options.subscriptions ?? [];
  let copies = 1;
  let published = 0;
  return async (request, response) => {
    switch (`${request.method} ${pathOf(request)}`) {
      case 'POST /': {
        const form = new URLSearchParams((await readBody(request, REQUEST_BYTES_MAX)).toString());
        const message = answerAction(form, response);
        if (message === undefined) return;
        published++;
        for (let i = 0; i < copies; i++) fanOut(message, subscriptions, deliveries, options.clock);
        return;
      }
      case 'GET /dlq':
        return answerJson(response, 200, deliveries.deadLetters);
      case 'DELETE /dlq':
        deliveries.deadLetters.length = 0;
        return answer(response, 204);
      case 'GET /stats':
        return answerJson(response, 200, {
          published,
          ...deliveries.counts,
          deadLetters: deliveries.deadLetters.length,
        });
      case 'PUT /knobs':
        copies = await readCopies(request);
        return answer(response, 204);
      default:
        return answer(response, 404);
    }
  };
}

/** Answers the caller; returns the message when it was a Publish that is taken. */
function answerAction(form: URLSearchParams, response: ServerResponse): Message | undefined {
  const action = form.get('Action');
  if (action === 'CreateTopic') {
    answerResult(response, action, { TopicArn: localTopicArn(form.get('Name') ?? '') });
    return undefined;
  }
  if (action !== 'Publish') {
    answerError(response, 400, 'InvalidAction', `The action ${action} is not part of the stand-in`);
    return undefined;
  }
  const message = readMessage(form);
  if (!/^arn:aws:sns:[^:]+:\d+:[A-Za-z0-9_-]+$/.test(message.topicArn)) {
    answerError(response, 400, 'InvalidParameter', 'Invalid parameter: TopicArn');
    return undefined;
  }
  if (message.message === '') {
    answerError(response, 400, 'InvalidParameter', 'Invalid parameter: Empty message');
    return undefined;
  }
  if (bytesOf(message) > MESSAGE_BYTES_MAX) {
    answerError(response, 400, 'InvalidParameter', 'Invalid parameter: Message too long');
    return undefined;
  }
  answerResult(response, action, { MessageId: randomUUID() });
  return message;
}

function readMessage(form: URLSearchParams): Message {
  const attributes: Record<string, { Type: string; Value: string }> = {};
  for (let i = 1; form.has(`MessageAttributes.entry.${i}.Name`); i++) {
    const entry = `MessageAttributes.entry.${i}`;
    attributes[form.get(`${entry}.Name`) ?? ''] = {
      Type: form.get(`${entry}.Value.DataType`) ?? 'String',
      Value: form.get(`${entry}.Value.StringValue`) ?? form.get(`${entry}.Value.BinaryValue`) ?? '',
    };
  }
  return {
    topicArn: form.get('TopicArn') ?? form.get('TargetArn') ?? '',
    message: form.get('Message') ?? '',
    subject: form.get('Subject'),
    attributes,
  };
}

function bytesOf({ message, attributes }: Message): number {
  const ofAttributes = Object.entries(attributes).map(([name, { Type, Value }]) =>
    Buffer.byteLength(name + Type + Value),
  );
  return ofAttributes.reduce((sum, bytes) => sum + bytes, Buffer.byteLength(message));
}

function fanOut(
  message: Message,
  subscriptions: readonly Subscription[],
  deliveries: Deliveries,
  clock: Pick<Clock, 'nowMs'>,
): void {
  for (const subscription of subscriptions) {
    if (subscription.kind !== undefined && message.attributes.kind?.Value !== subscription.kind) continue;
    deliveries.deliver(subscription, lambdaEvent(message, subscription, clock.nowMs()));
  }
}

/** The event a function gets from SNS: docs.aws.amazon.com › Lambda › Using Lambda with SNS. */
function lambdaEvent(message: Message, subscription: Subscription, nowMs: number): unknown {
  return {
    Records: [
      {
        EventSource: 'aws:sns',
        EventVersion: '1.0',
        EventSubscriptionArn: `${message.topicArn}:${subscription.functionName}`,
        Sns: {
          Type: 'Notification',
          MessageId: randomUUID(),
          TopicArn: message.topicArn,
          Subject: message.subject,
          Message: message.message,
          Timestamp: new Date(nowMs).toISOString(),
          SignatureVersion: '1',
          Signature: '',
          SigningCertUrl: '',
          UnsubscribeUrl: '',
          MessageAttributes: message.attributes,
        },
      },
    ],
  };
}

async function readCopies(request: IncomingMessage): Promise<number> {
  const { copies } = JSON.parse((await readBody(request, 1_000)).toString()) as { copies?: unknown };
  if (!Number.isSafeInteger(copies) || (copies as number) < 0)
    throw new Error('copies must be a whole number');
  return copies as number;
}

const METADATA = { RequestId: '00000000-0000-0000-0000-000000000000' };

function answerResult(response: ServerResponse, action: string, result: XmlValue): void {
  const value = { [`${action}Result`]: result, ResponseMetadata: METADATA };
  answer(response, 200, { 'content-type': 'text/xml' }, xmlDocument(`${action}Response`, NAMESPACE, value));
}

function answerError(response: ServerResponse, status: number, code: string, message: string): void {
  const value = { Error: { Type: 'Sender', Code: code, Message: message }, ...METADATA };
  answer(response, status, { 'content-type': 'text/xml' }, xmlDocument('ErrorResponse', NAMESPACE, value));
}
