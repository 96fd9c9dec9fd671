import { aws_iam as iam, aws_kms as kms, aws_secretsmanager as secretsmanager, Fn, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import recommendedFlags from 'aws-cdk-lib/recommended-feature-flags.json';
import { describe, expect, test } from 'vitest';
import { VirtualMfaDevice } from '../../lib';
import { newStack, resourcesOf, statementsOf, type TemplateResource, userPoliciesOf } from './templates';

const USERS = 160;
const LONGEST: Readonly<Record<string, string>> = {
  'AWS::AccountId': '123456789012',
  'AWS::Partition': 'aws-us-gov',
  'AWS::Region': 'us-gov-west-1',
  'AWS::StackId': `arn:aws-us-gov:cloudformation:us-gov-west-1:123456789012:stack/${'s'.repeat(128)}/${'0'.repeat(36)}`,
  'AWS::URLSuffix': 'amazonaws.com.cn',
};
const LONGEST_LOG_GROUP_ARN = `arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:${'g'.repeat(255)}:*`;

/** The document's size with every token at its longest; IAM does not count white space. */
function sizeOf(policy: TemplateResource, resources: Readonly<Record<string, TemplateResource>>): number {
  const arnOf = (id = ''): string => {
    const { Type, Properties = {} } = resources[id] ?? {};
    const { Path = '/', UserName = 'n'.repeat(64) } = Properties as { Path?: string; UserName?: string };
    return Type === 'AWS::IAM::User'
      ? `arn:aws-us-gov:iam::123456789012:user${Path}${UserName}`
      : LONGEST_LOG_GROUP_ARN;
  };
  const longest = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(longest);
    if (typeof value !== 'object' || value === null) return value;
    const intrinsic = value as { Ref?: string; 'Fn::GetAtt'?: string[]; 'Fn::Join'?: [string, unknown[]] };
    if (intrinsic.Ref !== undefined) return LONGEST[intrinsic.Ref] ?? intrinsic.Ref;
    if (intrinsic['Fn::GetAtt']) return arnOf(intrinsic['Fn::GetAtt'][0]);
    if (intrinsic['Fn::Join']) return intrinsic['Fn::Join'][1].map(longest).join('');
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, longest(inner)]));
  };
  return JSON.stringify(longest(policy.Properties.PolicyDocument)).replaceAll(/\s/g, '').length;
}

type PolicyType = 'AWS::IAM::ManagedPolicy' | 'AWS::IAM::Policy';

/** The policies of a role, by logical id, each with its size; by default of the handler's role. */
function policiesOf(stack: Stack, type: PolicyType, role = 'MFADeviceProviderRole'): Map<string, number> {
  const resources = Template.fromStack(stack).toJSON().Resources as Record<string, TemplateResource>;
  const ofRole = Object.entries(resourcesOf(stack, type)).filter(([, { Properties }]) =>
    JSON.stringify(Properties.Roles ?? []).includes(role),
  );
  return new Map(ofRole.map(([id, policy]) => [id, sizeOf(policy, resources)]));
}

interface Population {
  readonly context: Record<string, unknown>;
  readonly path?: string;
  /** How many of the users have a key of their own. */
  readonly keys: number;
  readonly generation: string;
  /** Whether the devices exist already, and their seeds are in as many secrets as a stack takes. */
  readonly adopts?: boolean;
}

function stackOf({ context, path, keys, generation, adopts = false }: Population): Stack {
  const stack = newStack({}, context);
  const secrets = Array.from({ length: 10 }, (_, index) => {
    const name = `${generation}-${index}`.padEnd(180, 's');
    const secretArn = `arn:aws:secretsmanager:us-gov-west-1:123456789012:secret:${name}-1a2b3c`;
    return secretsmanager.Secret.fromSecretCompleteArn(stack, `ExistingSeed${index}`, secretArn);
  });
  for (let index = 0; index < USERS; index++) {
    const user = new iam.User(stack, `User${index}`, {
      userName: `${generation}${index}`.padEnd(64, 'n'),
      ...(path === undefined ? {} : { path }),
    });
    const keyId = `${generation}-${index}`.padStart(36, '0');
    const keyArn = `arn:aws:kms:us-gov-west-1:123456789012:key/${keyId}`;
    const encryptionKey = index < keys ? { encryptionKey: kms.Key.fromKeyArn(stack, `Key${index}`, keyArn) } : {};
    const seed = secrets[index % secrets.length] as secretsmanager.ISecret;
    const existing = { serialNumber: `arn:aws:iam::123456789012:mfa/phone${index}`, seed };
    new VirtualMfaDevice(stack, `Mfa${index}`, { user, ...encryptionKey, ...(adopts ? { existing } : {}) });
  }
  return stack;
}

describe.each<[what: string, population: Omit<Population, 'generation'>]>([
  ['25 of them with a key, as many as can be named', { context: {}, keys: 25 }],
  ['without paths or keys', { context: {}, keys: 0 }],
  ['whose devices exist already, in ten secrets with names of 180 characters', { context: {}, keys: 0, adopts: true }],
  ['with a path and a key each', { context: {}, path: `/${'p'.repeat(62)}/`, keys: USERS }],
  [
    'with a path and a key each, and policies minimized',
    { context: recommendedFlags, path: `/${'p'.repeat(62)}/`, keys: USERS },
  ],
])('the limits of IAM hold for 160 users with names of 64 characters, %s', (_what, population) => {
  const before = stackOf({ ...population, generation: 'old' });
  const after = stackOf({ ...population, generation: 'new' });

  test('when they are created', () => {
    const managed = policiesOf(before, 'AWS::IAM::ManagedPolicy');
    const inline = policiesOf(before, 'AWS::IAM::Policy');
    const named = Object.values(userPoliciesOf(before))
      .flatMap(statementsOf)
      .flatMap(({ Resource }) => Resource);

    expect(new Set(named.map((arn) => JSON.stringify(arn))).size).toBe(USERS);
    expect(managed.size).toBeLessThanOrEqual(10);
    expect(Math.max(...managed.values())).toBeLessThanOrEqual(6_144);
    expect(sum(inline.values())).toBeLessThanOrEqual(10_240);
  });

  test('at the peak of an update that changes all users and keys, while the old policies are still there', () => {
    const atPeak = (type: PolicyType): Map<string, number> =>
      new Map([...policiesOf(before, type), ...policiesOf(after, type)]);

    expect(atPeak('AWS::IAM::ManagedPolicy').size).toBe(2 * policiesOf(after, 'AWS::IAM::ManagedPolicy').size);
    expect(atPeak('AWS::IAM::ManagedPolicy').size).toBeLessThanOrEqual(10);
    expect(sum(atPeak('AWS::IAM::Policy').values())).toBeLessThanOrEqual(10_240);
  });
});

test('CloudFormation’s limits hold for 160 users with a device each', () => {
  const stack = newStack();
  for (let index = 0; index < USERS; index++) {
    new VirtualMfaDevice(stack, `Mfa${index}`, { user: new iam.User(stack, `User${index}`) });
  }

  const template = Template.fromStack(stack).toJSON();
  // docs/performance.md states this headroom: 12 resources beside AWS::CDK::Metadata, and seven tenths of the characters.
  expect(Object.keys(template.Resources as object)).toHaveLength(500 - 1 - 12);
  expect(JSON.stringify(template, undefined, 1).length).toBeLessThan(300_000);
});

test.each([{}, recommendedFlags])(
  'the role of the code function has small policies, however many devices it serves',
  (context) => {
    const unlimited = { ...context, '@aws-cdk/core:stackResourceLimit': '1000' };
    const stack = stackOf({ context: unlimited, path: `/${'p'.repeat(62)}/`, keys: USERS, generation: 'new' });
    for (const device of stack.node.findAll()) {
      if (device instanceof VirtualMfaDevice) device.grantCode(new iam.AccountPrincipal('111111111111'));
    }

    expect(policiesOf(stack, 'AWS::IAM::ManagedPolicy', 'MFADeviceCodesRole')).toEqual(new Map());
    const inline = policiesOf(stack, 'AWS::IAM::Policy', 'MFADeviceCodesRole');
    expect(inline.size).toBe(2);
    expect(sum(inline.values())).toBeLessThan(4_000);
  },
);

describe('an error at synthesis says so', () => {
  test('when the users are more than fit the role’s policies', () => {
    const stack = newStack();
    const declare = (): void => {
      for (let index = 0; index < 200; index++) {
        const user = iam.User.fromUserArn(stack, `User${index}`, Fn.importValue(`User${index}`));
        new VirtualMfaDevice(stack, `Mfa${index}`, { user });
      }
    };

    expect(declare).toThrow(
      /^\[Stack\/.*\] the users with devices in stack Stack are too many for one role: got more than \d+ of them; allowed: as many as fit 5 managed policies\. Split the users over several stacks\.$/,
    );
  });

  test.each<[how: string, attach: (stack: Stack, role: iam.Role) => void]>([
    [
      'named by the role',
      (_stack, role) => role.addManagedPolicy(iam.ManagedPolicy.fromAwsManagedPolicyName('ReadOnlyAccess')),
    ],
    [
      'that names the role',
      (stack, role) => {
        const statements = [new iam.PolicyStatement({ actions: ['s3:ListAllMyBuckets'], resources: ['*'] })];
        new iam.ManagedPolicy(stack, 'Organisation', { roles: [role], statements });
      },
    ],
    [
      'that the CDK makes of a large inline policy',
      (_stack, role) => {
        for (let index = 0; index < 100; index++) {
          const resources = [`arn:aws:s3:::${String(index).padStart(63, 'b')}`];
          role.addToPolicy(new iam.PolicyStatement({ actions: [`s3:Action${index}`], resources }));
        }
      },
    ],
  ])('when an eleventh managed policy would be attached during an update, %s', (_how, attach) => {
    const stack = stackOf({ context: {}, path: `/${'p'.repeat(62)}/`, keys: 0, generation: 'new' });
    attach(stack, stack.node.findAll().find((construct) => construct instanceof iam.Role) as iam.Role);

    expect(() => Template.fromStack(stack)).toThrow(
      /UserPolicies\] the function's role has 1\d managed policies while users change, \d of them from elsewhere; allowed: 10\. Split the users/,
    );
  });

  test('when the keys of other accounts are more than can be named', () => {
    const stack = newStack();
    const user = new iam.User(stack, 'Bob');
    const declare = (index: number): void => {
      const encryptionKey = kms.Key.fromKeyArn(stack, `Key${index}`, `arn:aws:kms:eu-west-1:999999999999:key/${index}`);
      new VirtualMfaDevice(stack, `Mfa${index}`, { user, encryptionKey, allowKeyOfAnotherAccount: true });
    };

    Array.from({ length: 25 }, (_, index) => index).forEach(declare);
    expect(() => declare(25)).toThrow(
      /SeedKeys\] encryptionKey: got more than 25 keys with allowKeyOfAnotherAccount in stack Stack; allowed: 25\. Share keys/,
    );
  });
});

function sum(sizes: Iterable<number>): number {
  return [...sizes].reduce((total, size) => total + size, 0);
}
