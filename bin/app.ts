import { App, aws_iam as iam, CfnOutput, Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice } from '../lib';

const app = new App();
const stackName = textFromContext('stackName');
const rotationId = textFromContext('rotationId');

const stack = new Stack(app, 'VirtualMfaStack', {
  stackName,
  description: 'IAM users, each with an enabled virtual MFA device',
});

for (const userName of userNames(textFromContext('users') ?? 'Bob')) {
  const user = new iam.User(stack, userName, { userName });
  const device = new VirtualMfaDevice(stack, `${userName}Mfa`, { user, rotationId });
  new CfnOutput(stack, `${userName}SerialNumber`, { value: device.serialNumber });
  new CfnOutput(stack, `${userName}SeedSecretArn`, { value: device.seedSecret.secretArn });
}

app.synth();

function textFromContext(key: string): string | undefined {
  const value: unknown = app.node.tryGetContext(key);
  if (value === undefined || typeof value === 'string') {
    return value;
  }
  throw new Error(`Context ${key}: got ${JSON.stringify(value)}; allowed: text. Pass it like -c ${key}=text.`);
}

function userNames(list: string): string[] {
  const names = list.split(',').map((name) => name.trim());
  for (const name of names) {
    if (!/^[\w+=.@-]{1,64}$/.test(name)) {
      throw new Error(
        `Context users: got the name "${name}"; allowed: 1 to 64 characters, letters, digits and any of _+=.@-. ` +
          'Pass IAM user names with commas between them, like -c users=Bob,Alice.',
      );
    }
  }
  const inLowerCase = names.map((name) => name.toLowerCase());
  const twice = names.find((_name, index) => inLowerCase.indexOf(inLowerCase[index] ?? '') !== index);
  if (twice !== undefined) {
    throw new Error(
      `Context users: got "${twice}" twice; allowed: each user once, for IAM ignores the case of names. Remove one.`,
    );
  }
  return names;
}
