import { App, aws_iam as iam, CfnOutput, Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice } from 'cdk-iam-virtual-mfa';

// One user with one enabled device. Whoever may read the secret can add the seed to an authenticator app.
const app = new App();
const stack = new Stack(app, 'OneUser');

const bob = new iam.User(stack, 'Bob', { userName: 'Bob' });
const mfa = new VirtualMfaDevice(stack, 'BobMfa', {
  user: bob,
  issuer: 'Example Corp', // as an authenticator app shows it
  rotationId: '2026-01', // another text gives Bob another device, with another seed
});

new CfnOutput(stack, 'SerialNumber', { value: mfa.serialNumber });
new CfnOutput(stack, 'SeedSecretArn', { value: mfa.seedSecret.secretArn });

app.synth();
