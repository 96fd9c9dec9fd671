import { OWN_TAG_PREFIX } from './own-tags';

/**
 * How a dynamic reference begins. CloudFormation hands one to Secrets Manager to custom resources as it stands, and
 * replaces it by the secret in all other resources: in either case it has no place in a name, a path or a tag.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
 */
export const DYNAMIC_REFERENCE = '{{resolve:';

/**
 * Whether text holds a dynamic reference. AWS documents small letters and no spaces alone, and does not say that it refuses
 * other spellings: none is taken here.
 */
export function holdsDynamicReference(text: string): boolean {
  return /\{\{\s*resolve\s*:/i.test(text);
}

/** Tells what a refused value is without repeating it: it may be a secret that somebody put in the wrong place. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === '') return 'an empty text';
  if (typeof value === 'string') return `a text of ${value.length} character${value.length === 1 ? '' : 's'}`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return value === null || typeof value === 'boolean' ? JSON.stringify(value) : 'a number';
}

/** What a text may hold. */
export interface PropertyRule {
  readonly minLength: number;
  readonly maxLength: number;
  readonly pattern: RegExp;
  /** The rule in words; completes "allowed: …". */
  readonly allowed: string;
  /** Whether a value keeps the rule. */
  accepts(value: string): boolean;
}

function rule(minLength: number, maxLength: number, pattern: RegExp, characters: string): PropertyRule {
  return {
    minLength,
    maxLength,
    pattern,
    allowed: `${minLength === 0 ? 'up' : minLength} to ${maxLength} characters, ${characters}`,
    accepts: (value) =>
      value.length >= minLength && value.length <= maxLength && pattern.test(value) && !holdsDynamicReference(value),
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
  UserName: rule(1, 128, FRIENDLY_NAME, FRIENDLY_NAME_IN_WORDS),
  VirtualMFADeviceName: rule(1, 226, FRIENDLY_NAME, FRIENDLY_NAME_IN_WORDS),
  Path: rule(
    1,
    512,
    // Without DEL, which IAM documents as allowed and refuses.
    /^\/(?:[\u0021-\u007e]+\/)?$/,
    `beginning and ending with /, of the characters U+0021 to U+007E, ${NO_REFERENCE_IN_WORDS}`,
  ),
  Issuer: rule(
    1,
    128,
    /^[^:\p{Cc}]+$/u,
    'no colon and no control characters (a colon ends the issuer in an otpauth label)',
  ),
  RotationId: rule(1, 256, /^[^\p{Cc}]+$/u, `no control characters, ${NO_REFERENCE_IN_WORDS}`),
} as const satisfies Record<string, PropertyRule>;

/**
 * The name of a user to create.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html
 */
export const NEW_USER_NAME_RULE = rule(1, 64, FRIENDLY_NAME, FRIENDLY_NAME_IN_WORDS);

/** @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateGroup.html */
export const GROUP_NAME_RULE = rule(1, 128, FRIENDLY_NAME, FRIENDLY_NAME_IN_WORDS);

const TAG_CHARACTERS_IN_WORDS = 'letters, digits, spaces and any of _.:/=+-@';

/**
 * Tags of a device.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
 */
export const TAG_RULES = {
  /** Of a device, those with OWN_TAG_KEYS included. */
  maxCount: 50,
  /** IAM's conditions on tags ignore the case of keys. */
  reservedPrefixes: ['aws:', OWN_TAG_PREFIX],
  Key: rule(1, 128, /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u, TAG_CHARACTERS_IN_WORDS),
  Value: rule(0, 256, /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u, TAG_CHARACTERS_IN_WORDS),
} as const;

/** What the serial number of a device to adopt must be, in words; completes "allowed: …". */
export const EXISTING_SERIAL_NUMBER_IN_WORDS =
  "the ARN of a virtual MFA device of the stack's account; a hardware token or a passkey cannot be adopted, because nobody can read its seed";

/** The name of a member of a secret's JSON: it is the value of a tag, too. */
export const SEED_FIELD_RULE = rule(1, 256, /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u, TAG_CHARACTERS_IN_WORDS);

/** @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html (a name has 512 characters, a suffix 7) */
export const SECRET_ARN = /^arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]{1,519}$/;
