import { type App, aws_iam as iam, aws_secretsmanager as secretsmanager, Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice } from '../../lib';

/** A person whose phone is enabled already, and a robot of the stack whose device a script has made. */
export function adoption(app: App): void {
  const stack = new Stack(app, 'VirtualMfaStack');
  const seed = secretsmanager.Secret.fromSecretNameV2(stack, 'Seeds', 'phones');
  const existing = (name: string) => ({
    serialNumber: stack.formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName: name }),
    seed,
    seedField: name,
  });
  const alice = iam.User.fromUserName(stack, 'Alice', 'Alice');
  const phone = new VirtualMfaDevice(stack, 'AliceMfa', { user: alice, existing: existing('phone-of-alice') });
  const robot = new iam.User(stack, 'Robot', { userName: 'Robot' });
  const device = new VirtualMfaDevice(stack, 'RobotMfa', { user: robot, existing: existing('device-of-robot') });

  if (app.node.tryGetContext('fails') === 'yes') {
    const nameIsTaken = new iam.CfnUser(stack, 'SecondAlice', { userName: 'Alice' });
    nameIsTaken.node.addDependency(phone, device);
  }
}
