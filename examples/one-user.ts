import { App, aws_iam as iam, CfnOutput, Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice } from 'cdk-iam-virtual-mfa';

// One user with one enabled device. Anyone who can read the secret can add the seed to an authenticator app.
const app = new App();
const stack = new Stack(app, 'OneUser');

const bob = new iam.User(stack, 'Bob', { userName: 'Bob' });
const mfa = new VirtualMfaDevice(stack, 'BobMfa', {
  user: bob,
  issuer: 'Example Corp', // shown in the authenticator app
  rotationId: '2026-01', // change it to give Bob a new device with a new seed
});

new CfnOutput(stack, 'SerialNumber', { value: mfa.serialNumber });
new CfnOutput(stack, 'SeedSecretArn', { value: mfa.seedSecret.secretArn });

app.synth();
