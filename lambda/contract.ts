/**
 * The wire contract between the construct (lib/) and the custom resource's handler (lambda/): names and limits, as they
 * travel through a CloudFormation template. Both sides compile against this file; it imports nothing.
 */

/** The type of the custom resource, as templates and the CloudFormation console show it. */
export const VIRTUAL_MFA_DEVICE_RESOURCE_TYPE = 'Custom::IAMVirtualMFADevice';

/** The custom resource's properties. CloudFormation delivers every scalar as a string. */
export interface VirtualMfaDeviceProperties {
  /** Friendly name of the IAM user the device is enabled for. A change replaces the device. */
  readonly UserName: string;
  /** ARN of the secret that stores the seed. A change is made in place only together with a replacement of the device. */
  readonly SeedSecretArn: string;
  /** Explicit device name; without it the handler computes one. A change replaces the device. */
  readonly VirtualMFADeviceName?: string;
  /** IAM path of the device, `/` without it. A change replaces the device. */
  readonly Path?: string;
  /** Issuer in the otpauth label. Changed in place. */
  readonly Issuer?: string;
  /** Any text; a change replaces the device, and with it the seed. */
  readonly RotationId?: string;
  /** Tags of the device, besides the ownership tags. Changed in place. */
  readonly Tags?: readonly VirtualMfaDeviceTag[];
}

/** A tag, as IAM spells it. */
export interface VirtualMfaDeviceTag {
  readonly Key: string;
  readonly Value: string;
}

/** The attributes that `Fn::GetAtt` can read, none of them secret. */
export interface VirtualMfaDeviceAttributes {
  readonly SerialNumber: string;
  readonly UserName: string;
  readonly VirtualMFADeviceName: string;
}

/** The secret's value: a JSON document with these members. */
export interface StoredSeed {
  /** The device's serial number (its ARN). */
  readonly serialNumber: string;
  /** The user the device was made for. */
  readonly userName: string;
  /** The Base32StringSeed of CreateVirtualMFADevice, as base32 text. */
  readonly seed: string;
  /** Key URI for authenticator apps. */
  readonly otpauthUri: string;
}

/** What the keys of the tags that this library sets begin with; nobody else may use such keys on a device. */
export const OWN_TAG_PREFIX = 'cdk-iam-virtual-mfa:';
/** Tag with the id of the owning stack. It marks devices and seed secrets, and the role's policy is conditioned on it. */
export const STACK_ID_TAG = `${OWN_TAG_PREFIX}stack-id`;
/** Tag with the logical id of the owning resource in its stack, on devices and seed secrets. */
export const LOGICAL_ID_TAG = `${OWN_TAG_PREFIX}logical-id`;
/** Tag of the seed secret, with the name of the user whose device's seed it is made for. */
export const USER_NAME_TAG = `${OWN_TAG_PREFIX}user-name`;
/** Tag with a hash of what the device was enrolled for (user, path, rotation): tells a replacement from a change in place. */
export const ENROLLMENT_TAG = `${OWN_TAG_PREFIX}enrollment`;

/** Tag with the version id under which the device's seed is stored: a device made anew under the same name has another. */
export const SEED_VERSION_TAG = `${OWN_TAG_PREFIX}seed-version`;

/** Tag of the seed secret, with the time of the latest request to delete a device: an earlier request that runs late makes none. */
export const RETIRED_TAG = `${OWN_TAG_PREFIX}retired`;

/** The tags that the handler puts on every device, of the 50 that IAM takes. */
export const OWN_TAG_KEYS = [STACK_ID_TAG, LOGICAL_ID_TAG, ENROLLMENT_TAG, SEED_VERSION_TAG] as const;

/**
 * How a dynamic reference begins. CloudFormation hands one to Secrets Manager to custom resources as it stands, and
 * replaces it by the secret in all other resources: in either case it has no place in a name, a path or a tag.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
 */
export const DYNAMIC_REFERENCE = '{{resolve:';

/** What a property may hold: the rule in words, and its check. */
export interface PropertyRule {
  /** Completes "allowed: …". */
  readonly allowed: string;
  /** Whether the value keeps the rule. */
  accepts(value: string): boolean;
}

function lengthAndPattern(min: number, max: number, pattern: RegExp, allowed: string): PropertyRule {
  return {
    allowed: `${min} to ${max} characters, ${allowed}`,
    accepts: (value) =>
      value.length >= min && value.length <= max && pattern.test(value) && !value.includes(DYNAMIC_REFERENCE),
  };
}

const FRIENDLY_NAME = /^[\w+=,.@-]+$/;
const FRIENDLY_NAME_IN_WORDS = 'letters, digits and any of _+=,.@-';
const NO_REFERENCE_IN_WORDS = `no ${DYNAMIC_REFERENCE}`;

/**
 * Limits of IAM by property.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html (names of existing users: up to 128)
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
 */
export const PROPERTY_RULES = {
  UserName: lengthAndPattern(1, 128, FRIENDLY_NAME, FRIENDLY_NAME_IN_WORDS),
  VirtualMFADeviceName: lengthAndPattern(1, 226, FRIENDLY_NAME, FRIENDLY_NAME_IN_WORDS),
  Path: lengthAndPattern(
    1,
    512,
    // DEL included: U+0021 to U+007F is how IAM itself states the range.
    /^\/(?:[\u0021-\u007f]+\/)?$/,
    `beginning and ending with /, of the characters U+0021 to U+007F, ${NO_REFERENCE_IN_WORDS}`,
  ),
  Issuer: lengthAndPattern(
    1,
    128,
    /^[^:\p{Cc}]+$/u,
    'no colon and no control characters (a colon ends the issuer in an otpauth label)',
  ),
  RotationId: lengthAndPattern(1, 256, /^[^\p{Cc}]+$/u, `no control characters, ${NO_REFERENCE_IN_WORDS}`),
} as const satisfies Record<string, PropertyRule>;

/** The longest serial number IAM takes; it begins with `arn:<partition>:iam::<account>:mfa`, so path and name share the rest. */
export const SERIAL_NUMBER_MAX_LENGTH = 256;

/** The serial number (ARN) of a virtual device: what CreateVirtualMFADevice will answer for this path and name. */
export function serialNumberOf(
  partition: string,
  accountId: string,
  path: string,
  virtualMfaDeviceName: string,
): string {
  return `arn:${partition}:iam::${accountId}:mfa${path}${virtualMfaDeviceName}`;
}
