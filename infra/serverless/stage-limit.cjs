// The stage, if names with it fit: read by serverless.yml, so that a stage that is too long is told before anything is made, and
// not by AWS in the middle of a deployment. CommonJS, as that is what osls and Serverless load.

/** Of a Lambda function (AWS Lambda, CreateFunction: FunctionName). All other names of the stack have more room. */
const NAME_LENGTH_MAX = 64;
const LONGEST_FUNCTION = 'reconcile';

module.exports = async ({ resolveVariable }) => {
  const service = await resolveVariable('self:service');
  const stage = await resolveVariable('sls:stage');
  const name = `${service}-${stage}-${LONGEST_FUNCTION}`;
  const stageLengthMax = NAME_LENGTH_MAX - (name.length - stage.length);
  if (stage.length <= stageLengthMax) return stage;
  throw new Error(
    `--stage ${stage} is too long: it may have ${stageLengthMax} characters and has ${stage.length}, or ${name} would be longer than the ${NAME_LENGTH_MAX} characters that AWS allows for the name of a function`,
  );
};
