// Notices over SNS: metadata only, with the kind as a message attribute for the subscriptions' filters.

import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { encodeNotice, NOTICE_KIND_ATTRIBUTE } from '../../core/bus/notice.ts';
import { FanoutError } from '../../core/errors.ts';
import { awsLimits, FUNCTION_LIMITS } from '../../io/aws-limits.ts';
import type { Topic } from '../ports.ts';

export interface TopicSettings {
  readonly topicArn: string;
  /** Another endpoint than AWS's, for local use. */
  readonly endpoint?: string | undefined;
}

/** @param client instead of one that the settings make */
export function createTopic({ topicArn, endpoint }: TopicSettings, client = topicClientOf(endpoint)): Topic {
  return {
    publish: async (notice) => {
      try {
        await client.send(
          new PublishCommand({
            TopicArn: topicArn,
            Message: encodeNotice(notice),
            MessageAttributes: {
              [NOTICE_KIND_ATTRIBUTE]: { DataType: 'String', StringValue: notice.kind },
            },
          }),
        );
      } catch (cause) {
        throw new FanoutError({
          code: 'TOPIC_UNAVAILABLE',
          message: `A ${notice.kind} notice for ${notice.sdkKey} could not be sent`,
          remedy:
            "Check the SNS topic's ARN, its policy and the function's role; reconcile heals what was missed.",
          retryable: true,
          fields: { sdkKey: notice.sdkKey, kind: notice.kind },
          cause,
        });
      }
    },
  };
}

export const topicClientOf = (endpoint: string | undefined): SNSClient =>
  new SNSClient({ ...(endpoint === undefined ? {} : { endpoint }), ...awsLimits(FUNCTION_LIMITS, endpoint) });
