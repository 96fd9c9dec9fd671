import { App, aws_iam as iam, Fn, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { MfaEnforcementPolicy, type MfaEnforcementPolicyProps } from '../../lib';
import { newStack, onlyResourceOf, statementsOf, type TemplateStatement } from './templates';

const MANAGED_POLICY_TYPE = 'AWS::IAM::ManagedPolicy';
/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const MAX_POLICY_CHARACTERS = 6_144;

function newPolicy(props?: MfaEnforcementPolicyProps): { stack: Stack; policy: MfaEnforcementPolicy } {
  const stack = newStack();
  return { stack, policy: new MfaEnforcementPolicy(stack, 'Policy', props) };
}

function statementOf(stack: Stack, sid: string): TemplateStatement & Record<string, unknown> {
  const statements = statementsOf(onlyResourceOf(stack, MANAGED_POLICY_TYPE)[1]) as (TemplateStatement &
    Record<string, unknown>)[];
  const found = statements.find(({ Sid }) => Sid === sid);
  if (found === undefined) throw new Error(`No statement ${sid}`);
  return found;
}

const arn = (resource: string) => ({
  'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::', { Ref: 'AWS::AccountId' }, `:${resource}`]],
});
const ONESELF = [arn('user/${aws:username}'), arn('user/*/${aws:username}')];

describe('the policy', () => {
  test('denies, without MFA, what is not named; a request by access key has no such condition key', () => {
    const { stack } = newPolicy();

    expect(statementOf(stack, 'DenyWithoutMfa')).toEqual({
      Sid: 'DenyWithoutMfa',
      Effect: 'Deny',
      NotAction: [
        'iam:GetMFADevice',
        'iam:GetUser',
        'iam:ListMFADevices',
        'iam:ResyncMFADevice',
        'iam:ChangePassword',
        'iam:EnableMFADevice',
        'iam:CreateVirtualMFADevice',
        'iam:GetAccountPasswordPolicy',
        'iam:ListVirtualMFADevices',
        'sts:GetSessionToken',
      ],
      Resource: '*',
      Condition: { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'false' } },
    });
  });

  test('leaves nothing of enrollment open where users do not enroll themselves', () => {
    const { stack } = newPolicy({ selfEnrollment: false });

    expect(statementOf(stack, 'DenyWithoutMfa').NotAction).toEqual([
      'iam:GetMFADevice',
      'iam:GetUser',
      'iam:ListMFADevices',
      'iam:ResyncMFADevice',
      'sts:GetSessionToken',
    ]);
    expect(statementsOf(onlyResourceOf(stack, MANAGED_POLICY_TYPE)[1])).toHaveLength(3);
  });

  test('lets a user with or without a path act on the own user, and denies others, whatever is allowed elsewhere', () => {
    const { stack } = newPolicy();

    const { Action, Resource } = statementOf(stack, 'AllowForOneself');
    expect(Resource).toEqual(ONESELF);
    expect(statementOf(stack, 'DenyForOthersWithoutMfa')).toEqual({
      Sid: 'DenyForOthersWithoutMfa',
      Effect: 'Deny',
      Action,
      NotResource: ONESELF,
      Condition: { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'false' } },
    });
  });

  test('lets a user remove own devices with MFA alone', () => {
    const { stack } = newPolicy();

    const Condition = { Bool: { 'aws:MultiFactorAuthPresent': 'true' } };
    expect(statementOf(stack, 'AllowDeactivatingWithMfa')).toMatchObject({ Resource: ONESELF, Condition });
    expect(statementOf(stack, 'AllowDeletingOwnDevicesWithMfa')).toMatchObject({
      Resource: [arn('mfa/${aws:username}'), arn('mfa/${aws:username}-*')],
      Condition,
    });
  });

  test.each([true, false])('fits a managed policy several times, with self-enrollment %s', (selfEnrollment) => {
    const { stack } = newPolicy({ selfEnrollment });

    const [, { Properties }] = onlyResourceOf(stack, MANAGED_POLICY_TYPE);
    expect(JSON.stringify(Properties.PolicyDocument).length).toBeLessThan(MAX_POLICY_CHARACTERS / 2);
  });
});

test('the description stays, for other words would replace the policies of every stack', () => {
  const { stack } = newPolicy();

  expect(onlyResourceOf(stack, MANAGED_POLICY_TYPE)[1].Properties.Description).toBe(
    'Denies everything but signing in with MFA to users who are not signed in with it',
  );
});

describe('attaching', () => {
  test('takes users and groups, declared and imported, L1 and L2', () => {
    const stack = newStack();
    const policy = new MfaEnforcementPolicy(stack, 'Policy', {
      users: [
        new iam.User(stack, 'Bob'),
        new iam.CfnUser(stack, 'Alice'),
        iam.User.fromUserName(stack, 'Carol', 'carol'),
      ],
      groups: [new iam.Group(stack, 'Operators'), iam.Group.fromGroupName(stack, 'Auditors', 'auditors')],
    });
    policy.attachToUser(new iam.CfnUser(stack, 'Dave'));

    const [, { Properties }] = onlyResourceOf(stack, MANAGED_POLICY_TYPE);
    expect(Properties.Users).toEqual([
      { Ref: expect.stringMatching(/^Bob/) as string },
      { Ref: 'Alice' },
      'carol',
      { Ref: 'Dave' },
    ]);
    expect(Properties.Groups).toEqual([{ Ref: expect.stringMatching(/^Operators/) as string }, 'auditors']);
  });

  test('works from the user’s side as with any managed policy', () => {
    const { stack, policy } = newPolicy({ managedPolicyName: 'enforce-mfa', path: '/security/' });
    new iam.User(stack, 'Bob').addManagedPolicy(policy);

    const [id, { Properties }] = onlyResourceOf(stack, MANAGED_POLICY_TYPE);
    expect(Properties).toMatchObject({ ManagedPolicyName: 'enforce-mfa', Path: '/security/' });
    expect(onlyResourceOf(stack, 'AWS::IAM::User')[1].Properties.ManagedPolicyArns).toEqual([{ Ref: id }]);
  });

  test('refuses a role, which has no MFA of its own', () => {
    const { stack, policy } = newPolicy();
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });

    expect(() => policy.attachToRole(role)).toThrow(
      '[Stack/Policy] attachToRole: got the role Stack/Role; allowed: users and groups, because a role has no MFA of its ' +
        'own. Require MFA of those who assume the role: put the condition aws:MultiFactorAuthPresent into its trust policy.',
    );
  });
});

describe('a policy that IAM would refuse is refused at synthesis', () => {
  test.each<[what: string, props: MfaEnforcementPolicyProps, message: string]>([
    [
      'for its name',
      { managedPolicyName: 'enforce mfa' },
      'managedPolicyName: got a text of 11 characters; allowed: 1 to 128 characters, letters, digits and any of _+=,.@-. ' +
        'Choose such a name, or leave it out to have one made.',
    ],
    [
      'for an empty name',
      { managedPolicyName: '' },
      'managedPolicyName: got an empty text; allowed: 1 to 128 characters',
    ],
    ['for its path', { path: 'security' }, 'path: got a text of 8 characters; allowed: '],
  ])('%s', (_what, props, message) => {
    expect(() => newPolicy(props)).toThrow(`[Stack/Policy] ${message}`);
  });

  test('but not for tokens', () => {
    const { stack } = newPolicy({ managedPolicyName: Fn.importValue('Name'), path: Fn.importValue('Path') });

    expect(onlyResourceOf(stack, MANAGED_POLICY_TYPE)[1].Properties).toHaveProperty('ManagedPolicyName');
  });
});

describe('a policy that is attached to nobody', () => {
  const WARNING = '/Stack/Policy';
  const warnings = (stack: Stack) =>
    Annotations.fromStack(stack)
      .findWarning(WARNING, Match.stringLikeRegexp('attached to nobody'))
      .map(({ entry }) => entry.data);

  test('warns', () => {
    expect(warnings(newPolicy().stack)).toHaveLength(1);
  });

  test.each<[string, (stack: Stack, policy: MfaEnforcementPolicy) => void]>([
    ['it is attached to a user', (stack, policy) => policy.attachToUser(new iam.User(stack, 'Bob'))],
    ['a group takes it', (stack, policy) => new iam.Group(stack, 'Group').addManagedPolicy(policy)],
    [
      'it is attached to a user that the app does not declare',
      (stack, policy) => policy.attachToUser(iam.User.fromUserName(stack, 'Bob', 'bob')),
    ],
  ])('does not warn where %s', (_where, attach) => {
    const { stack, policy } = newPolicy();
    attach(stack, policy);

    expect(warnings(stack)).toEqual([]);
  });
});

test('a policy that a user of another stack takes does not warn', () => {
  const app = new App();
  const stack = new Stack(app, 'Stack');
  const policy = new MfaEnforcementPolicy(stack, 'Policy');
  new iam.User(new Stack(app, 'Other'), 'Bob', { managedPolicies: [policy] });

  expect(Annotations.fromStack(stack).findWarning('/Stack/Policy', Match.anyValue())).toEqual([]);
});

describe('what plain JavaScript may pass', () => {
  test.each<[string, unknown, string]>([
    ['users', 'Bob', 'users: got a text of 3 characters; allowed: an IAM user'],
    ['users', undefined, 'users: got nothing; allowed: an IAM user'],
    ['groups', 'Staff', 'groups: got a text of 5 characters; allowed: an IAM group'],
  ])('is refused in words: %s with %j', (property, value, message) => {
    expect(() => newPolicy({ [property]: [value] })).toThrow(`[Stack/Policy] ${message}`);
  });

  test('is refused in words: a user in place of a group', () => {
    const stack = newStack();
    const bob = new iam.User(stack, 'Bob') as unknown as iam.IGroupRef;

    expect(() => new MfaEnforcementPolicy(stack, 'Policy', { groups: [bob] })).toThrow(
      'groups: got the construct Stack/Bob; allowed: an IAM group',
    );
  });
});
