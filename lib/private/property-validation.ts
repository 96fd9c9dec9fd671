import {
  ArnFormat,
  type aws_iam as iam,
  type aws_kms as kms,
  region_info,
  Stack,
  Token,
  TokenComparison,
} from 'aws-cdk-lib';
import { Construct, type IConstruct } from 'constructs';
import { CONSTRUCT_PROPERTIES } from '../../lambda/contract/properties';
import {
  EXISTING_SERIAL_NUMBER_IN_WORDS,
  holdsDynamicReference,
  kindOf,
  PROPERTY_RULES,
  type PropertyRule,
  SEED_FIELD_RULE,
  TAG_RULES,
} from '../../lambda/contract/property-rules';
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

/** What says the same as the serial number of an existing device, or what such a device cannot have. */
const EXCLUDED_BY_EXISTING = ['virtualMfaDeviceName', 'path', 'rotationId'] as const;

function validateExisting(
  scope: IConstruct,
  { serialNumber, seed, seedField }: Partial<ExistingVirtualMfaDevice>,
  device: DeclaredDevice,
): void {
  if (typeof serialNumber !== 'string' || !isOwnSerialNumber(scope, serialNumber)) {
    throw new ValidationError(
      scope,
      `existing.serialNumber: got ${kindOf(serialNumber)}; allowed: ${EXISTING_SERIAL_NUMBER_IN_WORDS}. ` +
        'Copy it from the output of `aws iam list-virtual-mfa-devices`; it looks like arn:aws:iam::123456789012:mfa/name.',
    );
  }
  if (seed?.secretArn === undefined) {
    throw new ValidationError(
      scope,
      `existing.seed: got ${constructInWords(seed)}; allowed: a secret that holds the seed, such as secretsmanager.Secret. ` +
        "Refer to a secret that exists with secretsmanager.Secret.fromSecretNameV2(this, 'BobSeed', 'bob-seed').",
    );
  }
  const { region } = seed.env;
  if (Token.compareStrings(region, Stack.of(scope).region) === TokenComparison.DIFFERENT) {
    throw new ValidationError(
      scope,
      `existing.seed: got a secret of ${shown(region, REGION)}; allowed: secrets of the stack's own region ${Stack.of(scope).region}. ` +
        'Replicate the secret to that region, and refer to the replica.',
    );
  }
  const { secretArn } = seed;
  if (!Token.isUnresolved(secretArn) && !TAG_RULES.Value.accepts(secretArn)) {
    throw new ValidationError(
      scope,
      `existing.seed: got a secret whose ARN has ${secretArn.length} characters; allowed: ${TAG_RULES.Value.allowed}, because a tag names it. ` +
        'Put the seed into a secret with a shorter name.',
    );
  }
  validate(scope, 'existing.seedField', SEED_FIELD_RULE, seedField, 'Name a member of the JSON in the secret.');
  const excluded = EXCLUDED_BY_EXISTING.find((property) => device[property] !== undefined);
  if (excluded !== undefined) {
    throw new ValidationError(
      scope,
      `${excluded}: got ${kindOf(device[excluded])} beside existing; allowed: one of the two, because existing.serialNumber ` +
        'has the name and the path, and a device keeps its seed as long as it lives. Remove one of them.',
    );
  }
}

function isOwnSerialNumber(scope: IConstruct, serialNumber: string): boolean {
  if (Token.isUnresolved(serialNumber)) {
    return true;
  }
  const { account } = Stack.of(scope);
  const accountId = partsOfSerialNumber(serialNumber)?.accountId;
  return accountId !== undefined && (Token.isUnresolved(account) || accountId === account);
}

/** @throws ValidationError for what is no IAM user: plain JavaScript has no compiler that refuses it. */
export function validateUser(scope: IConstruct, name: string, user: Partial<iam.IUserRef> | undefined): void {
  if (user?.userRef === undefined) {
    throw new ValidationError(
      scope,
      `${name}: got ${constructInWords(user)}; allowed: an IAM user, such as iam.User. ` +
        "Refer to a user that exists with iam.User.fromUserName(this, 'Bob', 'Bob').",
    );
  }
}

/** @throws ValidationError for what is no IAM group */
export function validateGroup(scope: IConstruct, name: string, group: Partial<iam.IGroupRef> | undefined): void {
  if (group?.groupRef === undefined) {
    throw new ValidationError(
      scope,
      `${name}: got ${constructInWords(group)}; allowed: an IAM group, such as iam.Group. ` +
        "Refer to a group that exists with iam.Group.fromGroupName(this, 'Staff', 'Staff').",
    );
  }
}

function constructInWords(value: unknown): string {
  return Construct.isConstruct(value) ? `the construct ${value.node.path}` : kindOf(value);
}

/** @throws ValidationError for a name or a path that IAM would refuse for a managed policy; tokens pass. */
export function validatePolicy(
  scope: IConstruct,
  managedPolicyName: string | undefined,
  path: string | undefined,
): void {
  // IAM has one rule for the names of policies and of existing users.
  validate(
    scope,
    'managedPolicyName',
    PROPERTY_RULES.UserName,
    managedPolicyName,
    'Choose such a name, or leave it out to have one made.',
  );
  validate(scope, 'path', PROPERTY_RULES.Path, path, 'Write it like /security/, or leave it out for /.');
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

function validateProperty(
  scope: IConstruct,
  property: keyof typeof PROPERTY_RULES,
  value: string | undefined,
  remedy: string,
): void {
  validate(scope, CONSTRUCT_PROPERTIES[property], PROPERTY_RULES[property], value, remedy);
}

function validate(
  scope: IConstruct,
  name: string,
  rule: PropertyRule,
  value: string | undefined,
  remedy: string,
): void {
  if (value === undefined) {
    return;
  }
  if (holdsDynamicReference(value)) {
    throw new ValidationError(scope, dynamicReferenceProblem(name));
  }
  if (numbersIn(value).some((number) => Token.isUnresolved(number))) {
    throw new ValidationError(
      scope,
      `${name}: got text with a number that is known only at deployment; allowed: text, and tokens as text. ` +
        'Turn the number into text with Token.asString.',
    );
  }
  if (Token.isUnresolved(value) || rule.accepts(value)) {
    return;
  }
  throw new ValidationError(scope, `${name}: got ${kindOf(value)}; allowed: ${rule.allowed}. ${remedy}`);
}

/** A token that is a number reads like -1.8881545897087626e+289. */
function numbersIn(text: string): number[] {
  return (text.match(/-\d\.\d+e\+\d+/g) ?? []).map(Number);
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

const ACCOUNT_ID = /^\d{12}$/;
const REGION = /^[a-z]{2,3}(?:-[a-z]+)+-\d$/;

/** A part of an ARN, if it is what it should be: an ARN may have any text in its place. */
function shown(part: string, pattern: RegExp): string {
  return pattern.test(part) ? part : kindOf(part);
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
