import { type App, aws_iam as iam, aws_kms as kms, CfnOutput, Duration, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import { kindOf } from '../../lambda/contract/property-rules';
import { MfaEnforcementPolicy, VirtualMfaDevice } from '../../lib';
import { DeclarationError } from './declaration-error';
import { type MfaGroup, type MfaUser, type MfaUsersDocument } from './document';
import { type StackNumber } from './stack-assignment';

const LONGEST_STACK_NAME = 128;

/** What the stacks are declared from. */
export interface DeclaredUsers extends Pick<MfaUsersDocument, 'Groups' | 'Enforcement'> {
  /** With all that the document's defaults and the context add. */
  readonly users: readonly MfaUser[];
  readonly stackOf: (user: MfaUser) => StackNumber;
}

export interface StacksOptions {
  /** How the CDK CLI calls the first stack; its name too, where it has no other. */
  readonly stackId: string;
  readonly stackName?: string;
}

/** Declares the users with their devices, each in its stack; the groups in the first stack. */
export function declareStacks(
  app: App,
  { users, stackOf, Groups: groups = [], Enforcement: enforcement }: DeclaredUsers,
  options: StacksOptions,
): void {
  const numbers = [...new Set(users.map(stackOf))].sort((one, other) => one - other);
  const stacks = numbers.map((number) => ({ number, stack: declareStack(app, number, options) }));
  const [first, ...others] = stacks.map(({ stack }) => stack);
  if (first !== undefined && groups.length > 0) {
    groups.forEach((group) => declareGroup(first, group));
    // A user joins a group by its name, so nothing else tells CDK which stack comes first.
    others.forEach((stack) => stack.node.addDependency(first));
  }
  for (const { number, stack } of stacks) {
    const declared = users
      .filter((user) => stackOf(user) === number)
      .map((user) => ({ groups: user.Groups ?? [], ...declareUser(stack, user) }));
    declareMemberships(stack, declared);
    if (enforcement !== undefined) {
      new MfaEnforcementPolicy(stack, ENFORCEMENT_ID, {
        users: declared.map(({ user }) => user),
        selfEnrollment: enforcement.SelfEnrollment ?? false,
      });
    }
    new CfnOutput(stack, 'ListDevices', {
      value: `npx --no virtual-mfa list --stack ${stack.stackName}`,
      description: 'Lists the devices of this stack',
    });
  }
}

/** Ids of users have no colon at their end. */
const ENFORCEMENT_ID = 'Enforcement:';

function declareGroup(stack: Stack, { GroupName: groupName, ManagedPolicyArns: arns = [] }: MfaGroup): void {
  new iam.CfnGroup(stack, groupIdOf(groupName), { groupName, managedPolicyArns: [...arns] });
}

function groupIdOf(groupName: string): string {
  return `Group:${groupName}`;
}

/** One resource for all users of a group: CloudFormation takes 500 in a stack. */
function declareMemberships(
  stack: Stack,
  declared: readonly (DeclaredUser & { readonly groups: readonly string[] })[],
): void {
  for (const groupName of new Set(declared.flatMap(({ groups }) => groups))) {
    const members = declared.filter(({ groups }) => groups.includes(groupName));
    const membership = new iam.CfnUserToGroupAddition(stack, `Members:${groupName}`, {
      groupName,
      users: members.map(({ user }) => user.userName),
    });
    const created = stack.node.tryFindChild(groupIdOf(groupName));
    if (created !== undefined) {
      membership.node.addDependency(created);
    }
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

/** A user with a device. */
interface DeclaredUser {
  readonly user: iam.IUser;
}

function declareUser(stack: Stack, declared: MfaUser): DeclaredUser {
  const { UserName: userName } = declared;
  const removalPolicy = declared.RemovalPolicy === 'RETAIN' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
  const user = declared.CreateUser === true ? createdUser(stack, declared) : existingUser(stack, declared);
  const device = new VirtualMfaDevice(stack, `${userName}Mfa`, {
    user,
    virtualMfaDeviceName: declared.VirtualMFADeviceName,
    path: declared.Path,
    issuer: declared.Issuer,
    rotationId: declared.RotationId,
    rotation:
      declared.RotateAfterDays === undefined
        ? undefined
        : { automaticallyAfter: Duration.days(declared.RotateAfterDays) },
    encryptionKey: declared.EncryptionKeyArn === undefined ? undefined : importedKey(stack, declared.EncryptionKeyArn),
    allowKeyOfAnotherAccount: declared.AllowKeyOfAnotherAccount,
    removalPolicy,
    removeOtherDevicesWithUser: declared.RemoveOtherDevicesWithUser,
  });
  for (const { Key, Value } of declared.Tags ?? []) {
    Tags.of(device).add(Key, Value);
  }
  return { user };
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
