import { createHash } from 'node:crypto';
import type { ExistingSeed } from '../aws/existing-seed';
import {
  ENROLLMENT_TAG,
  EXISTING_SEED_FIELD_TAG,
  EXISTING_SEED_TAG,
  LOGICAL_ID_TAG,
  OWN_TAG_KEYS,
  STACK_ID_TAG,
  USER_NAME_TAG,
} from '../contract/own-tags';
import {
  CONSTRUCT_PROPERTIES,
  type EnrollmentEvent,
  type ExistingVirtualMfaDeviceProperties,
  type VirtualMfaDeviceProperties,
  type VirtualMfaDeviceTag,
} from '../contract/properties';
import {
  EXISTING_SERIAL_NUMBER_IN_WORDS,
  PROPERTY_RULES,
  SECRET_ARN,
  SEED_FIELD_RULE,
  TAG_RULES,
} from '../contract/property-rules';
import { partsOfSerialNumber, SERIAL_NUMBER_MAX_LENGTH, serialNumberOf } from '../contract/serial-number';
import { type Failure, failures } from '../failure';
import { isLogicalId, isObject } from './event-members';

const DEFAULT_ISSUER = 'Amazon Web Services';
const MAX_TAGS = TAG_RULES.maxCount - OWN_TAG_KEYS.length;

/** What a custom resource asks for, checked, and with everything computed that depends on the event alone. */
export interface EnrollmentRequest {
  readonly userName: string;
  readonly path: string;
  readonly virtualMfaDeviceName: string;
  readonly serialNumber: string;
  readonly issuer: string;
  readonly accountId: string;
  readonly seedSecretArn: string;
  /** Where the seed is, if the device was there before the resource, and is adopted. */
  readonly existing?: ExistingSeed & {
    /** Whether the device is deleted when it leaves the stack. Otherwise it is left as it was found. */
    readonly isDeleted: boolean;
  };
  /** The user's logical id, if the stack deletes the user's other devices together with the user. */
  readonly otherDevicesGoWith?: string | undefined;
  /** The tags by which the stack's template marks the secret as this resource's. */
  readonly seedSecretTags: readonly VirtualMfaDeviceTag[];
  /** The ownership tags that mark the device as this resource's. */
  readonly ownershipTags: readonly VirtualMfaDeviceTag[];
  /** The ownership tags, and the user's own. */
  readonly tags: readonly VirtualMfaDeviceTag[];
}

/**
 * Reads and checks the properties again: values that were tokens at synth are known only here.
 *
 * @throws Failure naming the property and what is allowed; it does not repeat the value, which may be a secret in the wrong place
 */
export function readEnrollmentRequest(event: EnrollmentEvent): EnrollmentRequest {
  const properties = readProperties(event.ResourceProperties);
  const [, partition = '', , , accountId = ''] = event.StackId.split(':');
  const { UserName: userName, RotationId: rotationId = '', Existing } = properties;
  const existing = Existing && partsOfExisting(Existing, partition, accountId);
  const path = existing?.path ?? properties.Path ?? '/';
  // A retried Create, a Delete whose id CloudFormation had to invent, and a rollback all compute the same name.
  const identity = shortHash([event.StackId, event.LogicalResourceId, userName, path, rotationId]);
  const virtualMfaDeviceName =
    existing?.virtualMfaDeviceName ?? properties.VirtualMFADeviceName ?? `${userName}-${identity}`;
  const serialNumber = serialNumberOf({ partition, accountId, path, virtualMfaDeviceName });
  if (serialNumber.length > SERIAL_NUMBER_MAX_LENGTH) {
    throw failures.serialNumberTooLong(serialNumber.length, SERIAL_NUMBER_MAX_LENGTH);
  }
  const resourceTags = [
    { Key: STACK_ID_TAG, Value: event.StackId },
    { Key: LOGICAL_ID_TAG, Value: event.LogicalResourceId },
  ];
  const ownershipTags = [...resourceTags, { Key: ENROLLMENT_TAG, Value: shortHash([userName, path, rotationId]) }];
  return {
    userName,
    path,
    virtualMfaDeviceName,
    serialNumber,
    issuer: properties.Issuer ?? DEFAULT_ISSUER,
    accountId,
    seedSecretArn: properties.SeedSecretArn,
    ...(Existing && {
      existing: {
        secretArn: Existing.SeedSecretArn,
        field: Existing.SeedField,
        isDeleted: Existing.DeleteDevice === 'true',
      },
    }),
    otherDevicesGoWith: properties.RemoveOtherDevicesWithUser,
    seedSecretTags: [
      ...resourceTags,
      { Key: USER_NAME_TAG, Value: userName },
      ...(Existing
        ? [
            { Key: EXISTING_SEED_TAG, Value: Existing.SeedSecretArn },
            { Key: EXISTING_SEED_FIELD_TAG, Value: Existing.SeedField ?? '' },
          ]
        : []),
    ],
    ownershipTags,
    tags: [...ownershipTags, ...(properties.Tags ?? [])],
  };
}

function readProperties(raw: Readonly<Record<string, unknown>>): VirtualMfaDeviceProperties {
  const optionalText = (name: keyof typeof PROPERTY_RULES): string | undefined => {
    const value = raw[name];
    if (value === undefined) return undefined;
    const rule = PROPERTY_RULES[name];
    if (typeof value !== 'string' || !rule.accepts(value)) throw invalidProperty(name, value, rule.allowed);
    return value;
  };
  const UserName = optionalText('UserName');
  if (UserName === undefined) throw invalidProperty('UserName', undefined, PROPERTY_RULES.UserName.allowed);
  const { SeedSecretArn } = raw;
  if (typeof SeedSecretArn !== 'string' || !SECRET_ARN.test(SeedSecretArn)) {
    throw invalidProperty('SeedSecretArn', SeedSecretArn, 'the ARN of a Secrets Manager secret');
  }
  const { RemoveOtherDevicesWithUser } = raw;
  if (RemoveOtherDevicesWithUser !== undefined && !isLogicalId(RemoveOtherDevicesWithUser)) {
    throw invalidProperty('RemoveOtherDevicesWithUser', RemoveOtherDevicesWithUser, 'the logical id of the user');
  }
  const optionals = {
    RemoveOtherDevicesWithUser,
    VirtualMFADeviceName: optionalText('VirtualMFADeviceName'),
    Path: optionalText('Path'),
    Issuer: optionalText('Issuer'),
    RotationId: optionalText('RotationId'),
    Existing: readExisting(raw.Existing),
    Tags: readTags(raw.Tags),
  };
  const given = Object.entries(optionals).filter(([, value]) => value !== undefined);
  return { UserName, SeedSecretArn, ...(Object.fromEntries(given) as Partial<VirtualMfaDeviceProperties>) };
}

function readExisting(raw: unknown): ExistingVirtualMfaDeviceProperties | undefined {
  if (raw === undefined) return undefined;
  const of = (member: string) => `${CONSTRUCT_PROPERTIES.Existing}.${member}`;
  const { SerialNumber, SeedSecretArn, SeedField, DeleteDevice } = (isObject(raw) ? raw : {}) as Record<
    string,
    unknown
  >;
  if (typeof SerialNumber !== 'string' || partsOfSerialNumber(SerialNumber) === undefined) {
    throw failures.invalidProperty(of('serialNumber'), SerialNumber, EXISTING_SERIAL_NUMBER_IN_WORDS);
  }
  if (typeof SeedSecretArn !== 'string' || !SECRET_ARN.test(SeedSecretArn)) {
    throw failures.invalidProperty(of('seed'), SeedSecretArn, 'the ARN of a Secrets Manager secret');
  }
  if (SeedField !== undefined && (typeof SeedField !== 'string' || !SEED_FIELD_RULE.accepts(SeedField))) {
    throw failures.invalidProperty(of('seedField'), SeedField, SEED_FIELD_RULE.allowed);
  }
  return {
    SerialNumber,
    SeedSecretArn,
    ...(SeedField === undefined ? {} : { SeedField }),
    ...(DeleteDevice === 'true' ? { DeleteDevice } : {}),
  };
}

/** @throws Failure where the device is another account's: the role acts in its own */
function partsOfExisting({ SerialNumber }: ExistingVirtualMfaDeviceProperties, partition: string, accountId: string) {
  const parts = partsOfSerialNumber(SerialNumber);
  if (parts?.partition !== partition || parts.accountId !== accountId) {
    const name = `${CONSTRUCT_PROPERTIES.Existing}.serialNumber`;
    throw failures.invalidProperty(name, SerialNumber, EXISTING_SERIAL_NUMBER_IN_WORDS);
  }
  return parts;
}

function readTags(raw: unknown): readonly VirtualMfaDeviceTag[] | undefined {
  if (raw === undefined) return undefined;
  const { Key: keyRule, Value: valueRule, reservedPrefixes } = TAG_RULES;
  const isTag = (tag: unknown): tag is VirtualMfaDeviceTag => {
    const { Key, Value } = (tag ?? {}) as Record<string, unknown>;
    if (typeof Key !== 'string' || typeof Value !== 'string') return false;
    const isReserved = reservedPrefixes.some((prefix) => Key.toLowerCase().startsWith(prefix));
    return !isReserved && keyRule.accepts(Key) && valueRule.accepts(Value);
  };
  // Here, and not by IAM: it repeats the tags that it refuses.
  if (!Array.isArray(raw) || raw.length > MAX_TAGS || !raw.every(isTag)) {
    const allowed = `a list of up to ${MAX_TAGS} {Key, Value}; a key has ${keyRule.allowed}, and does not begin with ${reservedPrefixes.join(' or ')}; a value has ${valueRule.allowed}`;
    throw invalidProperty('Tags', raw, allowed);
  }
  return raw;
}

function invalidProperty(name: keyof typeof CONSTRUCT_PROPERTIES, got: unknown, allowed: string): Failure {
  return failures.invalidProperty(CONSTRUCT_PROPERTIES[name], got, allowed);
}

function shortHash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 10);
}
