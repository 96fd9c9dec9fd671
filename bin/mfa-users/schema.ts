import { OWN_TAG_KEYS } from '../../lambda/contract/own-tags';
import {
  GROUP_NAME_RULE,
  NEW_USER_NAME_RULE,
  PROPERTY_RULES,
  type PropertyRule,
  TAG_RULES,
} from '../../lambda/contract/property-rules';
import { GROUPS_OF_ALL_USERS, USERS_PER_STACK } from './stack-assignment';

/** Parts of a JSON schema. `errorMessage` is what errors say, and what editors show in place of "does not match the pattern". */
interface Described {
  readonly description: string;
  readonly errorMessage: string;
}

const PATH_DESCRIPTION = '/, or text that begins and ends with /';
const TAGS_OF_OTHERS = TAG_RULES.maxCount - OWN_TAG_KEYS.length;
const POLICY_ARN_EXAMPLE = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
const KEY_ARN_EXAMPLE = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

function textByRule(rule: PropertyRule, description: string, example: string) {
  return {
    description,
    type: 'string',
    pattern: rule.pattern.source,
    minLength: rule.minLength,
    maxLength: rule.maxLength,
    errorMessage: `allowed: ${rule.allowed}`,
    examples: [example],
  } as const;
}

function flag(description: string) {
  return {
    description,
    type: 'boolean',
    errorMessage: 'allowed: true or false, without quotes',
    default: false,
    examples: [true],
  } as const;
}

function object<P extends object>(
  { description, errorMessage }: Described,
  required: readonly (keyof P)[],
  properties: P,
) {
  return { description, type: 'object', errorMessage, required, additionalProperties: false, properties } as const;
}

const tag = object(
  { description: 'One tag.', errorMessage: 'allowed: an object with the keys Key and Value' },
  ['Key', 'Value'],
  {
    Key: textByRule(
      TAG_RULES.Key,
      `The tag's key: ${TAG_RULES.Key.allowed}. List each key once; keys that differ by case are different keys.`,
      'team',
    ),
    Value: textByRule(TAG_RULES.Value, `The tag's value: ${TAG_RULES.Value.allowed}.`, 'platform'),
  },
);

/** What a user may have, and the defaults of all users. */
const options = {
  UserPath: textByRule(
    PROPERTY_RULES.Path,
    `IAM path of the user: ${PATH_DESCRIPTION}. For an existing user, give its actual path, which is part of the ARN. If the stack creates the user, it gets this path. Default: /.`,
    '/break-glass/',
  ),
  CreateUser: flag(
    'true: the stack creates the user, and deletes it when you remove the entry. false: the user exists already, and stays. Default: false.',
  ),
  Groups: {
    description:
      'Names of IAM groups that the user belongs to. A group that is not listed in Groups of the document must exist already. A change is made in place. Default: none.',
    type: 'array',
    maxItems: 10,
    errorMessage: 'allowed: a list of up to 10 names of groups, because IAM allows no more for a user',
    items: groupName('Name of a group'),
    examples: [['Everybody']],
  },
  Path: textByRule(
    PROPERTY_RULES.Path,
    `IAM path of the device: ${PATH_DESCRIPTION}. A change replaces the device. Default: /.`,
    '/break-glass/',
  ),
  Issuer: textByRule(
    PROPERTY_RULES.Issuer,
    'The issuer that an authenticator app shows: 1 to 128 characters, no colon. A change is made in place. Default: Amazon Web Services.',
    'Example Corp',
  ),
  RotationId: textByRule(
    PROPERTY_RULES.RotationId,
    'Any text of 1 to 256 characters, such as a date. Any change replaces the device and its seed. Overrides -c rotationId=…. Default: never rotated.',
    '2026-01',
  ),
  RotateAfterDays: {
    description:
      'Gives the device a new seed after so many days, again and again, and keeps its serial number: 1 to 999. For robots, which read the seed whenever they sign in: people would have to scan a QR code each time. For some minutes the user has a second device, whose name ends with -bridge. A change is made in place. Default: no schedule.',
    type: 'integer',
    minimum: 1,
    maximum: 999,
    errorMessage: 'allowed: a whole number of days, from 1 to 999',
    examples: [30],
  },
  EncryptionKeyArn: {
    description:
      "ARN of the KMS key that encrypts the seed. The key must be in the stack's region, and in its account unless AllowKeyOfAnotherAccount is true. A change is made in place. Default: the AWS managed key aws/secretsmanager.",
    type: 'string',
    pattern: '^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$',
    errorMessage: `allowed: the ARN of a KMS key, like ${KEY_ARN_EXAMPLE}`,
    examples: [KEY_ARN_EXAMPLE],
  },
  AllowKeyOfAnotherAccount: flag(
    'true: the key in EncryptionKeyArn may belong to another account. That account can make the seed unreadable, and sees each use of the key. Default: false.',
  ),
  RemovalPolicy: {
    description:
      'What happens when you remove the entry or delete the stack. DESTROY: the device is deactivated and deleted, with its seed. RETAIN: device and seed stay, the device stays enabled, and a user that the stack created stays too. Default: DESTROY.',
    type: 'string',
    enum: ['DESTROY', 'RETAIN'],
    errorMessage: 'allowed: "DESTROY" or "RETAIN"',
    default: 'DESTROY',
    examples: ['DESTROY'],
  },
  RemoveOtherDevicesWithUser: flag(
    'true: when the stack deletes the user, MFA devices that somebody enabled by hand go too: they are deactivated, and virtual ones deleted. Otherwise they keep the user from being deleted. Only for users that the stack creates. Default: false.',
  ),
  Tags: {
    description: `Tags of the device and of the secret that holds its seed: at most ${TAGS_OF_OTHERS}, because IAM allows ${TAG_RULES.maxCount} and ${OWN_TAG_KEYS.length} mark the owner. A change is made in place.`,
    type: 'array',
    maxItems: TAGS_OF_OTHERS,
    errorMessage: `allowed: a list of up to ${TAGS_OF_OTHERS} tags, because IAM allows ${TAG_RULES.maxCount} and ${OWN_TAG_KEYS.length} mark the owner`,
    items: tag,
  },
} as const;

const { UserPath, CreateUser, ...otherOptions } = options;

const user = object(
  { description: 'One IAM user with a device.', errorMessage: 'allowed: an object with the key UserName' },
  ['UserName'],
  {
    UserName: textByRule(
      PROPERTY_RULES.UserName,
      `Name of the IAM user, ${PROPERTY_RULES.UserName.allowed.replace(',', ':')}. At most ${NEW_USER_NAME_RULE.maxLength} characters if the stack creates the user. List each user once; IAM ignores the case of names. A changed name means another user, with another device.`,
      'Bob',
    ),
    UserPath,
    CreateUser,
    VirtualMFADeviceName: textByRule(
      PROPERTY_RULES.VirtualMFADeviceName,
      `Name of the device, ${PROPERTY_RULES.VirtualMFADeviceName.allowed.replace(',', ':')}. Name and Path together must be unique in the account. A device that keeps its name cannot be rotated: change the name together with RotationId. Default: the user's name with a short hash.`,
      'Bob-break-glass',
    ),
    ...otherOptions,
  },
);

const group = object(
  { description: 'One IAM group.', errorMessage: 'allowed: an object with the key GroupName' },
  ['GroupName'],
  {
    GroupName: groupName('Name of the group'),
    ManagedPolicyArns: {
      description:
        'ARNs of managed policies for the users of the group: at most 10. A change is made in place. Default: none.',
      type: 'array',
      maxItems: 10,
      errorMessage: 'allowed: a list of up to 10 ARNs of managed policies, because IAM attaches no more to a group',
      items: {
        description: 'ARN of a managed policy.',
        type: 'string',
        pattern: '^arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/[!-~]+$',
        errorMessage: `allowed: the ARN of a managed policy, like ${POLICY_ARN_EXAMPLE}`,
        examples: [POLICY_ARN_EXAMPLE],
      },
      examples: [[POLICY_ARN_EXAMPLE]],
    },
  },
);

function groupName(description: string) {
  return textByRule(GROUP_NAME_RULE, `${description}, ${GROUP_NAME_RULE.allowed.replace(',', ':')}.`, 'Everybody');
}

/**
 * The JSON schema of mfa-users.json, from the rules that the construct and the handler hold too. `npm run docs` writes it to
 * bin/mfa-users.schema.json, which editors read.
 */
export const MFA_USERS_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Users and their virtual MFA devices',
  ...object(
    {
      description: 'IAM users, each with an enabled virtual MFA device. The CDK app in cdk.json deploys them.',
      errorMessage: 'allowed: an object with the key Users',
    },
    ['Users'],
    {
      $schema: {
        description: 'The location of this schema. Your editor uses it to complete and check the file.',
        type: 'string',
        errorMessage: 'allowed: the path or the URL of the schema, as text',
        examples: ['./node_modules/cdk-iam-virtual-mfa/bin/mfa-users.schema.json'],
      },
      StackName: {
        description:
          'Name of the CloudFormation stack. Further stacks get -2, -3 and so on after it. -c stackName=… overrides it. A new name makes a new stack; the old stack and its devices stay. Default: VirtualMfaStack.',
        type: 'string',
        pattern: '^(?!VirtualMfaUsers)[A-Za-z][A-Za-z0-9-]*$',
        minLength: 1,
        maxLength: 128,
        errorMessage:
          'allowed: 1 to 128 characters, letters, digits and hyphens, beginning with a letter, but not with VirtualMfaUsers, which is for the stacks of -c users',
        examples: ['VirtualMfaStack'],
      },
      Defaults: {
        ...object(
          {
            description:
              'Keys for all users. A key of a user overrides the default. Tags of a user are added; a user tag overrides the default tag with the same key.',
            errorMessage: 'allowed: an object with keys of a user',
          },
          [],
          options,
        ),
        examples: [{ CreateUser: true, Issuer: 'Example Corp' }],
      },
      Groups: {
        description:
          'IAM groups that the first stack creates, and deletes when you remove the entry. Users join them with their own Groups.',
        type: 'array',
        maxItems: GROUPS_OF_ALL_USERS,
        errorMessage: `allowed: a list of up to ${GROUPS_OF_ALL_USERS} groups, which leaves room for ${USERS_PER_STACK} users in a stack`,
        items: group,
        examples: [[{ GroupName: 'Everybody', ManagedPolicyArns: [POLICY_ARN_EXAMPLE] }]],
      },
      Enforcement: {
        ...object(
          {
            description:
              'Requires MFA of all users, with a managed policy in each stack. Hand out the seeds first: from then on, users can do nothing without a code. Default: MFA is not required.',
            errorMessage: 'allowed: an object, such as {}',
          },
          [],
          {
            SelfEnrollment: flag(
              'true: users may enroll devices of their own, which opens a gap for anyone who has the password of a user without a device. Default: false.',
            ),
          },
        ),
        examples: [{ SelfEnrollment: false }],
      },
      Users: {
        description: 'The users. Their order does not matter.',
        type: 'array',
        minItems: 1,
        maxItems: 5000,
        errorMessage: 'allowed: a list of 1 to 5000 users, because an account has no more',
        items: user,
        examples: [
          [
            { UserName: 'Alice', Groups: ['Everybody'] },
            {
              UserName: 'Bob',
              UserPath: '/break-glass/',
              Path: '/break-glass/',
              RotationId: '2026-01',
              RemovalPolicy: 'DESTROY',
              Tags: [{ Key: 'team', Value: 'platform' }],
            },
          ],
        ],
      },
    },
  ),
};
