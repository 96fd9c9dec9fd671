import { type App, aws_iam as iam, aws_kms as kms, RemovalPolicy, SecretValue, Stack, Tags } from 'aws-cdk-lib';
import { VirtualMfaDevice } from '../../lib';

/** A stack with one device, shaped by context: what a team might change from one deployment to the next. */
export function rareCases(app: App): void {
  const stack = new Stack(app, 'VirtualMfaStack');
  const context = (name: string) => app.node.tryGetContext(name) as string | undefined;

  const password = context('password');
  const declared = {
    Bob: new iam.User(stack, 'Bob', {
      userName: 'Bob',
      ...(password === undefined ? {} : { password: SecretValue.unsafePlainText(password) }),
    }),
    Alice: new iam.User(stack, 'Alice', { userName: 'Alice' }),
  };
  const existing = context('existingUser');
  const user =
    existing === undefined
      ? declared[context('user') === 'Alice' ? 'Alice' : 'Bob']
      : iam.User.fromUserName(stack, 'Existing', existing);

  if (context('device') === 'none') return;
  const keyArn = context('keyArn');
  const device = new VirtualMfaDevice(stack, 'Mfa', {
    user,
    encryptionKey: keyArn === undefined ? undefined : kms.Key.fromKeyArn(stack, 'Key', keyArn),
    virtualMfaDeviceName: context('name'),
    rotationId: context('rotationId'),
    issuer: context('issuer'),
    removalPolicy: context('retain') === undefined ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
  });
  const team = context('team');
  if (team !== undefined) Tags.of(device).add('team', team);
}
