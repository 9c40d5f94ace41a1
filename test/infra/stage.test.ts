// How long the name of a stage may be: what is too long is told before anything is packaged, and what is not makes no name that
// AWS would refuse.

import { expect, it } from 'vitest';
import { packageService } from '../../infra/package.ts';
import { ofType, packagedResources } from '../support/functions/packaged.ts';

/** Of AWS::Lambda::Function FunctionName; of a CloudWatch alarm and a dashboard 255. */
const FUNCTION_NAME_MAX = 64;
const ALARM_NAME_MAX = 255;
const LONGEST = 'a-stage-with-as-many-characters-as-fit';

it('of 38 characters is packaged, and its longest name is as long as AWS allows', async () => {
  const resources = await packagedResources(['--stage', LONGEST]);
  const lengths = ofType(resources, 'AWS::Lambda::Function').map(
    ([, { Properties }]) => Properties.FunctionName.length,
  );
  expect(Math.max(...lengths)).toBe(FUNCTION_NAME_MAX);
  const alarms = ofType(resources, 'AWS::CloudWatch::Alarm').map(
    ([, { Properties }]) => Properties.AlarmName,
  );
  expect(alarms.length).toBeGreaterThan(10);
  expect(alarms.filter((name) => name.length > ALARM_NAME_MAX)).toEqual([]);
  // All other resources get their names from CloudFormation, which cuts them to fit.
  const named = Object.values(resources).filter(({ Properties }) =>
    ['RoleName', 'QueueName', 'TopicName', 'BucketName'].some((name) => name in (Properties ?? {})),
  );
  expect(named).toEqual([]);
});

it('of one more is refused with a sentence that says how long it may be', async () => {
  await expect(packageService({ built: true, osls: ['--stage', `${LONGEST}x`] })).rejects.toThrow(
    `--stage ${LONGEST}x is too long: it may have 38 characters and has 39`,
  );
});
