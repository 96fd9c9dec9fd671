import {
  type App,
  aws_iam as iam,
  aws_kms as kms,
  CliCredentialsStackSynthesizer,
  RemovalPolicy,
  Stack,
  Tags,
} from 'aws-cdk-lib';
import { VirtualMfaDevice } from '../../lib';

/** A stack as an organisation might want it: its own key, a boundary for all roles, tags, and the CLI's credentials. */
export function interoperability(app: App): void {
  const stack = new Stack(app, 'VirtualMfaStack', {
    synthesizer: new CliCredentialsStackSynthesizer(),
    terminationProtection: app.node.tryGetContext('protected') !== undefined,
  });
  const boundary = new iam.ManagedPolicy(stack, 'Boundary', {
    statements: [
      new iam.PolicyStatement({ actions: ['iam:*', 'secretsmanager:*', 'kms:*', 'logs:*'], resources: ['*'] }),
    ],
  });
  iam.PermissionsBoundary.of(stack).apply(boundary);

  const bob = new iam.User(stack, 'Bob', { userName: 'Bob', path: '/staff/' });
  new VirtualMfaDevice(stack, 'BobMfa', {
    user: bob,
    path: '/staff/',
    encryptionKey: new kms.Key(stack, 'Key', { enableKeyRotation: true, removalPolicy: RemovalPolicy.DESTROY }),
  });
  Tags.of(app).add('team', (app.node.tryGetContext('team') as string | undefined) ?? 'platform');
}
