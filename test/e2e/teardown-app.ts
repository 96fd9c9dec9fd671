import { type App, aws_iam as iam, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice } from '../../lib';

/** A user who is to leave, shaped by context, and one who stays. */
export function teardown(app: App): void {
  const stack = new Stack(app, 'VirtualMfaStack');
  const context = (name: string) => app.node.tryGetContext(name) as string | undefined;

  const alice = new iam.User(stack, 'Alice', { userName: 'Alice' });
  new VirtualMfaDevice(stack, 'AliceMfa', { user: alice });

  if (context('user') === 'none') return;
  const bob = new iam.User(stack, 'Bob', { userName: context('userName') ?? 'Bob' });
  if (context('retainUser') === 'yes') bob.applyRemovalPolicy(RemovalPolicy.RETAIN);

  if (context('device') === 'none') return;
  const mfa = new VirtualMfaDevice(stack, 'BobMfa', {
    user: bob,
    rotationId: context('rotationId'),
    removeOtherDevicesWithUser: context('others') === 'go',
  });
  if (context('fails') === 'yes') {
    const nameIsTaken = new iam.CfnUser(stack, 'SecondAlice', { userName: 'Alice' });
    nameIsTaken.node.addDependency(mfa);
  }
}
