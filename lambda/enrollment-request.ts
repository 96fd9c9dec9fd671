import { createHash } from 'node:crypto';
import {
  ENROLLMENT_TAG,
  LOGICAL_ID_TAG,
  OWN_TAG_PREFIX,
  PROPERTY_RULES,
  SERIAL_NUMBER_MAX_LENGTH,
  serialNumberOf,
  STACK_ID_TAG,
  type VirtualMfaDeviceProperties,
  type VirtualMfaDeviceTag,
} from './contract';
import { failures } from './failure';

const DEFAULT_ISSUER = 'Amazon Web Services';

/** The part of a CloudFormation event that an enrolment is computed from. */
export interface EnrollmentEvent {
  readonly StackId: string;
  readonly LogicalResourceId: string;
  readonly ResourceProperties: Readonly<Record<string, unknown>>;
}

/** What a custom resource asks for, checked, and with everything computed that depends on the event alone. */
export interface EnrollmentRequest {
  readonly userName: string;
  readonly path: string;
  readonly virtualMfaDeviceName: string;
  readonly serialNumber: string;
  readonly issuer: string;
  readonly accountId: string;
  readonly seedSecretArn: string;
  /** The ownership tags that mark the device as this resource's. */
  readonly ownershipTags: readonly VirtualMfaDeviceTag[];
  /** The ownership tags, and the user's own. */
  readonly tags: readonly VirtualMfaDeviceTag[];
}

/**
 * Reads and checks the properties again: values that were tokens at synth are known only here.
 *
 * @throws Failure naming the property, the value and what is allowed
 */
export function readEnrollmentRequest(event: EnrollmentEvent): EnrollmentRequest {
  const properties = readProperties(event.ResourceProperties);
  const [, partition = '', , , accountId = ''] = event.StackId.split(':');
  const { UserName: userName, Path: path = '/', RotationId: rotationId = '' } = properties;
  // A retried Create, a Delete whose id CloudFormation had to invent, and a rollback all compute the same name.
  const identity = shortHash([event.StackId, event.LogicalResourceId, userName, path, rotationId]);
  const virtualMfaDeviceName = properties.VirtualMFADeviceName ?? `${userName}-${identity}`;
  const serialNumber = serialNumberOf(partition, accountId, path, virtualMfaDeviceName);
  if (serialNumber.length > SERIAL_NUMBER_MAX_LENGTH) {
    throw failures.serialNumberTooLong(serialNumber, SERIAL_NUMBER_MAX_LENGTH);
  }
  const ownershipTags = [
    { Key: STACK_ID_TAG, Value: event.StackId },
    { Key: LOGICAL_ID_TAG, Value: event.LogicalResourceId },
    { Key: ENROLLMENT_TAG, Value: shortHash([userName, path, rotationId]) },
  ];
  return {
    userName,
    path,
    virtualMfaDeviceName,
    serialNumber,
    issuer: properties.Issuer ?? DEFAULT_ISSUER,
    accountId,
    seedSecretArn: properties.SeedSecretArn,
    ownershipTags,
    tags: [...ownershipTags, ...(properties.Tags ?? [])],
  };
}

function readProperties(raw: Readonly<Record<string, unknown>>): VirtualMfaDeviceProperties {
  const optionalText = (name: keyof typeof PROPERTY_RULES): string | undefined => {
    const value = raw[name];
    if (value === undefined) return undefined;
    const rule = PROPERTY_RULES[name];
    if (typeof value !== 'string' || !rule.accepts(value)) throw failures.invalidProperty(name, value, rule.allowed);
    return value;
  };
  const UserName = optionalText('UserName');
  if (UserName === undefined) throw failures.invalidProperty('UserName', undefined, PROPERTY_RULES.UserName.allowed);
  const { SeedSecretArn } = raw;
  if (typeof SeedSecretArn !== 'string' || !/^arn:[\w-]+:secretsmanager:/.test(SeedSecretArn)) {
    throw failures.invalidProperty('SeedSecretArn', SeedSecretArn, 'the ARN of a Secrets Manager secret');
  }
  const optionals = {
    VirtualMFADeviceName: optionalText('VirtualMFADeviceName'),
    Path: optionalText('Path'),
    Issuer: optionalText('Issuer'),
    RotationId: optionalText('RotationId'),
    Tags: readTags(raw.Tags),
  };
  const given = Object.entries(optionals).filter(([, value]) => value !== undefined);
  return { UserName, SeedSecretArn, ...(Object.fromEntries(given) as Partial<VirtualMfaDeviceProperties>) };
}

function readTags(raw: unknown): readonly VirtualMfaDeviceTag[] | undefined {
  if (raw === undefined) return undefined;
  const isTag = (tag: unknown): tag is VirtualMfaDeviceTag => {
    const { Key, Value } = (tag ?? {}) as Record<string, unknown>;
    return typeof Key === 'string' && typeof Value === 'string' && !Key.startsWith(OWN_TAG_PREFIX);
  };
  if (!Array.isArray(raw) || !raw.every(isTag)) {
    throw failures.invalidProperty('Tags', raw, `a list of {Key, Value}, no key beginning with ${OWN_TAG_PREFIX}`);
  }
  return raw;
}

function shortHash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 10);
}
