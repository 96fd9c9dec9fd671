import {
  ArnFormat,
  type aws_iam as iam,
  type aws_kms as kms,
  region_info,
  Stack,
  Token,
  TokenComparison,
} from 'aws-cdk-lib';
import { type IConstruct } from 'constructs';
import { holdsDynamicReference, kindOf, PROPERTY_RULES } from '../../lambda/contract/property-rules';
import {
  BRIDGE_SUFFIX,
  bridged,
  bridgeOf,
  partsOfSerialNumber,
  SERIAL_NUMBER_MAX_LENGTH,
  serialNumberOf,
} from '../../lambda/contract/serial-number';
import { cfnUserOf } from './cfn-user';
import { dynamicReferenceProblem } from './dynamic-references';
import { validateExisting } from './existing-validation';
import { ACCOUNT_ID, REGION, shown, validateProperty, validateUser } from './property-validation';
import { targetKeyOf } from './target-key';
import { ValidationError } from './validation-error';
import { type ExistingVirtualMfaDevice, type VirtualMfaDeviceRotation } from '../virtual-mfa-device-options';

/** What is known of a device before it is deployed. */
export interface DeclaredDevice {
  readonly user: iam.IUserRef;
  readonly virtualMfaDeviceName?: string;
  readonly path?: string;
  readonly issuer?: string;
  readonly rotationId?: string;
  readonly existing?: ExistingVirtualMfaDevice;
  readonly rotation?: VirtualMfaDeviceRotation;
  readonly encryptionKey?: kms.IKey;
  readonly allowKeyOfAnotherAccount?: boolean;
  readonly removeOtherDevicesWithUser?: boolean;
}

/** @throws ValidationError for the first property that IAM, or the handler, would refuse; tokens pass. */
export function validateDevice(scope: IConstruct, device: DeclaredDevice): void {
  validateUser(scope, 'user', device.user);
  const userName = nameOf(device.user);
  if (holdsDynamicReference(device.user.userRef.userArn)) {
    throw new ValidationError(scope, dynamicReferenceProblem('user'));
  }
  validateProperty(scope, 'UserName', userName, 'Give the IAM user a name that IAM takes.');
  validateProperty(
    scope,
    'VirtualMFADeviceName',
    device.virtualMfaDeviceName,
    "Choose such a name, or leave it out to have one made from the user's name.",
  );
  validateProperty(scope, 'Path', device.path, 'Write it like /break-glass/, or leave it out for /.');
  validateProperty(scope, 'Issuer', device.issuer, 'Choose such an issuer, or leave it out.');
  validateProperty(scope, 'RotationId', device.rotationId, 'Choose such an id, for example a date.');
  if (device.existing !== undefined) {
    validateExisting(scope, device.existing, device);
  }
  const existing = device.existing && partsOfSerialNumber(device.existing.serialNumber);
  const { path, virtualMfaDeviceName } = existing ?? device;
  // Without an explicit name, the handler makes one that begins with the user's.
  validateSerialNumberLength(scope, path, virtualMfaDeviceName ?? userName);
  if (device.rotation !== undefined) {
    validateRotation(scope, device.rotation, path, virtualMfaDeviceName);
  }
  validateAccount(scope, device.user);
  validateKey(scope, device);
  validateRemoval(scope, device);
}

/** @throws ValidationError for text that is not the serial number of a virtual device; tokens pass. */
export function validateSerialNumber(scope: IConstruct, serialNumber: string): void {
  if (Token.isUnresolved(serialNumber)) {
    return;
  }
  if (partsOfSerialNumber(serialNumber) === undefined) {
    throw new ValidationError(
      scope,
      `serialNumber: got ${kindOf(serialNumber)}; allowed: the ARN of a virtual MFA device, ` +
        `up to ${SERIAL_NUMBER_MAX_LENGTH} characters. ` +
        'Copy it from the output of `aws iam list-virtual-mfa-devices`; it looks like arn:aws:iam::123456789012:mfa/name.',
    );
  }
}

function nameOf(user: iam.IUserRef): string | undefined {
  const { userName } = user.userRef;
  return Token.isUnresolved(userName) ? cfnUserOf(user)?.userName : userName;
}

/** What is not known yet is taken at its shortest, so that only what cannot fit is refused here; the handler checks again. */
function validateSerialNumberLength(scope: IConstruct, path = '/', virtualMfaDeviceName = '?'): void {
  const shortestPath = Token.isUnresolved(path) ? '/' : path;
  const shortestName = Token.isUnresolved(virtualMfaDeviceName) ? '?' : virtualMfaDeviceName;
  const serialNumber = serialNumberOf({
    partition: shortestPartition(scope),
    accountId: '123456789012',
    path: shortestPath,
    virtualMfaDeviceName: shortestName,
  });
  if (serialNumber.length > SERIAL_NUMBER_MAX_LENGTH) {
    const got = shortestPath.length + shortestName.length;
    const allowed = SERIAL_NUMBER_MAX_LENGTH - (serialNumber.length - got);
    throw new ValidationError(
      scope,
      `path and virtualMfaDeviceName: got ${got} characters together; allowed: ${allowed}, ` +
        `because a serial number has at most ${SERIAL_NUMBER_MAX_LENGTH}. Shorten one of them.`,
    );
  }
}

function shortestPartition(scope: IConstruct): string {
  const { region } = Stack.of(scope);
  return (Token.isUnresolved(region) ? undefined : region_info.RegionInfo.get(region).partition) ?? 'aws';
}

/** @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html */
const ROTATION_HOURS = { min: 4, maxHours: 999, maxDays: 999 } as const;

function validateRotation(
  scope: IConstruct,
  { automaticallyAfter }: VirtualMfaDeviceRotation,
  path: string | undefined,
  virtualMfaDeviceName: string | undefined,
): void {
  const { min, maxHours, maxDays } = ROTATION_HOURS;
  const hours = automaticallyAfter.isUnresolved() ? NaN : automaticallyAfter.toHours({ integral: false });
  const isRate = hours % 24 === 0 ? hours <= maxDays * 24 : Number.isInteger(hours) && hours <= maxHours;
  if (!isRate || hours < min) {
    throw new ValidationError(
      scope,
      `rotation.automaticallyAfter: got ${Number.isNaN(hours) ? 'a token' : automaticallyAfter.toHumanString()}; ` +
        `allowed: ${min} to ${maxHours} whole hours, or 1 to ${maxDays} whole days. Give such a duration, for example Duration.days(30).`,
    );
  }
  if (virtualMfaDeviceName === undefined || Token.isUnresolved(virtualMfaDeviceName)) {
    return;
  }
  const { VirtualMFADeviceName: rule } = PROPERTY_RULES;
  if (bridged(virtualMfaDeviceName) !== undefined || !rule.accepts(bridgeOf(virtualMfaDeviceName))) {
    throw new ValidationError(
      scope,
      `virtualMfaDeviceName: got ${kindOf(virtualMfaDeviceName)}, and the device is rotated; allowed then: up to ` +
        `${rule.maxLength - BRIDGE_SUFFIX.length} characters that do not end with ${BRIDGE_SUFFIX}, ` +
        'because a second device with this ending serves the user meanwhile. Give another name.',
    );
  }
  validateSerialNumberLength(scope, path, bridgeOf(virtualMfaDeviceName));
}

/** IAM finds a user by name in the caller's account: a user of another account would silently be another user. */
function validateAccount(scope: IConstruct, user: iam.IUserRef): void {
  const stack = Stack.of(scope);
  const { userArn } = user.userRef;
  const userAccount = Token.isUnresolved(userArn)
    ? user.env.account
    : stack.splitArn(userArn, ArnFormat.SLASH_RESOURCE_NAME).account;
  if (userAccount === undefined || Token.isUnresolved(userAccount) || Token.isUnresolved(stack.account)) {
    return;
  }
  if (userAccount !== stack.account) {
    throw new ValidationError(
      scope,
      `user: got a user of account ${shown(userAccount, ACCOUNT_ID)}; allowed: users of the stack's own account ${stack.account}. ` +
        'Declare the device in a stack of the account that holds the user.',
    );
  }
}

/** A stack deletes only the users that it declares. */
function validateRemoval(scope: IConstruct, { user, removeOtherDevicesWithUser = false }: DeclaredDevice): void {
  if (!removeOtherDevicesWithUser) {
    return;
  }
  const cfnUser = cfnUserOf(user);
  const allowed = "allowed: users that the device's own stack declares, because it deletes no others";
  if (cfnUser === undefined) {
    throw new ValidationError(
      scope,
      `removeOtherDevicesWithUser: got the imported user ${user.node.path}; ${allowed}. Leave the option out for this user.`,
    );
  }
  if (Stack.of(cfnUser) !== Stack.of(scope)) {
    throw new ValidationError(
      scope,
      `removeOtherDevicesWithUser: got ${cfnUser.node.path}, a user of another stack; ${allowed}. ` +
        "Declare the device in the user's stack, or leave the option out.",
    );
  }
}

function validateKey(scope: IConstruct, { encryptionKey, allowKeyOfAnotherAccount = false }: DeclaredDevice): void {
  if (encryptionKey === undefined) {
    return;
  }
  const own = Stack.of(scope);
  const { account, region } = targetKeyOf(scope, encryptionKey).env;
  // A secret is encrypted by a key of its own region alone.
  if (Token.compareStrings(region, own.region) === TokenComparison.DIFFERENT) {
    throw new ValidationError(
      scope,
      `encryptionKey: got a key of ${shown(region, REGION)}; allowed: keys of the stack's own region ${own.region}. ` +
        'Give a key of that region; a mixin with a key is for the stacks of one region.',
    );
  }
  // Who holds the key can make the seed unreadable, and sees each use of it.
  if (!allowKeyOfAnotherAccount && Token.compareStrings(account, own.account) === TokenComparison.DIFFERENT) {
    throw new ValidationError(
      scope,
      `encryptionKey: got a key of account ${shown(account, ACCOUNT_ID)}; allowed: keys of the stack's own account ${own.account}. ` +
        'Give a key of that account, or set allowKeyOfAnotherAccount if you mean the other account.',
    );
  }
}
