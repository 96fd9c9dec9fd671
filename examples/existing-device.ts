import { App, aws_iam as iam, aws_secretsmanager as secretsmanager, Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice } from 'cdk-iam-virtual-mfa';

// Two devices that a script made before CDK came. Their seeds are in one secret, as JSON: { "alice": "…", "robot": "…" }.
const app = new App();
const stack = new Stack(app, 'ExistingDevices');
const seed = secretsmanager.Secret.fromSecretNameV2(stack, 'Seeds', 'mfa-seeds');

for (const [userName, deviceName] of Object.entries({ alice: 'alice-phone', robot: 'robot-device' })) {
  new VirtualMfaDevice(stack, `${userName}-mfa`, {
    user: iam.User.fromUserName(stack, userName, userName),
    existing: {
      serialNumber: stack.formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName: deviceName }),
      seed,
      seedField: userName,
    },
  });
}

app.synth();
