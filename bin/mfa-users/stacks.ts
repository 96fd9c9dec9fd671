import { type App, aws_iam as iam, aws_kms as kms, CfnOutput, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import { kindOf } from '../../lambda/contract/property-rules';
import { VirtualMfaDevice } from '../../lib';
import { DeclarationError } from './declaration-error';
import { type MfaUser } from './document';
import { type StackNumber } from './stack-assignment';

const LONGEST_STACK_NAME = 128;

export interface StacksOptions {
  /** How the CDK CLI calls the first stack; its name too, where it has no other. */
  readonly stackId: string;
  readonly stackName?: string;
  /** For the users who have no RotationId of their own. */
  readonly rotationId?: string;
}

/** Declares the users with their devices, each in its stack. */
export function declareStacks(
  app: App,
  users: readonly MfaUser[],
  stackOf: (user: MfaUser) => StackNumber,
  options: StacksOptions,
): void {
  const stacks = new Map<StackNumber, Stack>();
  for (const user of users) {
    const number = stackOf(user);
    const stack = stacks.get(number) ?? declareStack(app, number, options);
    stacks.set(number, stack);
    declareUser(stack, { ...user, RotationId: user.RotationId ?? options.rotationId });
  }
}

function declareStack(app: App, number: StackNumber, { stackId, stackName: firstName }: StacksOptions): Stack {
  const suffix = number === 1 ? '' : `-${number}`;
  const stackName = suffix === '' ? firstName : `${firstName ?? stackId}${suffix}`;
  if (stackName !== undefined && stackName.length > LONGEST_STACK_NAME) {
    throw new DeclarationError(
      `The name of stack ${number}: got ${kindOf(stackName)}; allowed: ${LONGEST_STACK_NAME} characters with its number. ` +
        'Give a shorter StackName, or a shorter -c stackName=….',
    );
  }
  return new Stack(app, `${stackId}${suffix}`, {
    stackName,
    description: 'IAM users, each with an enabled virtual MFA device',
  });
}

function declareUser(stack: Stack, declared: MfaUser): void {
  const { UserName: userName } = declared;
  const removalPolicy = declared.RemovalPolicy === 'RETAIN' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
  const device = new VirtualMfaDevice(stack, `${userName}Mfa`, {
    user: declared.CreateUser === true ? createdUser(stack, declared) : existingUser(stack, declared),
    virtualMfaDeviceName: declared.VirtualMFADeviceName,
    path: declared.Path,
    issuer: declared.Issuer,
    rotationId: declared.RotationId,
    encryptionKey: declared.EncryptionKeyArn === undefined ? undefined : importedKey(stack, declared.EncryptionKeyArn),
    allowKeyOfAnotherAccount: declared.AllowKeyOfAnotherAccount,
    removalPolicy,
  });
  for (const { Key, Value } of declared.Tags ?? []) {
    Tags.of(device).add(Key, Value);
  }
  declareOutput(device, userName, 'SerialNumber', device.serialNumber);
  declareOutput(device, userName, 'SeedSecretArn', device.seedSecret.secretArn);
}

/**
 * The id of a user's construct. A user by the name of BobMfa would have the id of Bob's device, CDK declares a rule
 * CheckBootstrapVersion itself and leaves Default and Resource out of logical ids, and what every object has, like constructor, it takes for a child that is there already.
 * No other id has a colon.
 */
function idOf(userName: string): string {
  const isTaken = /(?:Mfa|BootstrapVersion|^Default|^Resource)$/.test(userName) || userName in Object.prototype;
  return isTaken ? `${userName}:User` : userName;
}

function createdUser(stack: Stack, { UserName, UserPath, RemovalPolicy: policy }: MfaUser): iam.IUser {
  const user = new iam.User(stack, idOf(UserName), { userName: UserName, path: UserPath });
  if (policy === 'RETAIN') {
    // IAM does not delete a user who has a device.
    user.applyRemovalPolicy(RemovalPolicy.RETAIN);
  }
  return user;
}

function existingUser(stack: Stack, { UserName, UserPath = '/' }: MfaUser): iam.IUser {
  const userArn = stack.formatArn({
    service: 'iam',
    region: '',
    resource: 'user',
    resourceName: `${UserPath.slice(1)}${UserName}`,
  });
  return iam.User.fromUserArn(stack, idOf(UserName), userArn);
}

function importedKey(stack: Stack, keyArn: string): kms.IKey {
  const imported = stack.node.tryFindChild(keyIdOf(keyArn)) as kms.IKey | undefined;
  return imported ?? kms.Key.fromKeyArn(stack, keyIdOf(keyArn), keyArn);
}

/** Ids have no slash; the ARN's colons set it apart from every user's id. */
function keyIdOf(keyArn: string): string {
  return keyArn.replaceAll('/', ':');
}

function declareOutput(device: VirtualMfaDevice, userName: string, name: string, value: string): void {
  const output = new CfnOutput(device, name, { value, description: `${name} of ${userName}'s virtual MFA device` });
  // Logical ids are alphanumeric: without its hash, the one of user a.b would be the one of user ab.
  if (/^[A-Za-z0-9]+$/.test(userName)) {
    output.overrideLogicalId(`${userName}${name}`);
  }
}
