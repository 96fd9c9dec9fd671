import { App, Aspects, aws_iam as iam, NestedStack, Shims, Stack, Stage } from 'aws-cdk-lib';
import { beforeEach, describe, expect, test } from 'vitest';
import { MfaCoverage, type MfaCoverageOptions, MfaEnforcementPolicy, VirtualMfa, VirtualMfaDevice } from '../../lib';

const NO_DEVICE = 'has no MFA device';
const NO_POLICY = 'is under no policy that requires MFA';

describe('an app whose users must be covered', () => {
  let app: App;
  let stack: Stack;
  beforeEach(() => {
    app = new App();
    stack = new Stack(app, 'Staff');
  });

  function gaps(options?: MfaCoverageOptions, scope: App | Stack = app): string {
    MfaCoverage.of(scope).require(options);
    try {
      app.synth();
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  }

  test('does not synthesize with a user without device and policy, and gets both lines that mend it', () => {
    new iam.User(stack, 'Bob-1');

    const message = gaps();

    expect(message).toContain(
      "The user Staff/Bob-1 has no MFA device. Add one: new VirtualMfaDevice(this, 'Bob-1Mfa', { user: bob1 }); " +
        "or say why not: MfaCoverage.of(bob1).exempt('the reason');",
    );
    expect(message).toContain(
      'The user Staff/Bob-1 is under no policy that requires MFA. Attach one to the user or to a group of the user: ' +
        "new MfaEnforcementPolicy(this, 'MfaEnforcement', { users: [bob1], selfEnrollment: false }); " +
        "or say why not: MfaCoverage.of(bob1).exempt('the reason');",
    );
  });

  test('names every user, an L1 too, in every stage, stack and nested stack, and each once', () => {
    new iam.User(stack, 'Alice');
    new iam.CfnUser(stack, 'Bob');
    new iam.User(new NestedStack(stack, 'Nested'), 'Carol');
    new iam.User(new Stack(new Stage(app, 'Production'), 'Staff'), 'Dora');

    const message = gaps({ enforcement: false });

    for (const path of ['Staff/Alice', 'Staff/Bob', 'Staff/Nested/Carol', 'Production/Staff/Dora']) {
      expect(message.split(`The user ${path} ${NO_DEVICE}`)).toHaveLength(2);
    }
    expect(message).not.toContain(NO_POLICY);
  });

  test('has no gap where a device is declared by hand, or made by the mixin or by an aspect', () => {
    const [alice, bob] = [new iam.User(stack, 'Alice'), new iam.User(stack, 'Bob')];
    new VirtualMfaDevice(stack, 'AliceMfa', { user: alice });
    bob.with(new VirtualMfa());
    const later = new Stack(app, 'Later');
    Aspects.of(later).add(Shims.asAspect(new VirtualMfa()));
    new iam.User(later, 'Carol');

    expect(gaps({ enforcement: false })).toBe('');
  });

  describe('finds the policy that requires MFA', () => {
    const attachments: [string, (user: iam.User, policy: MfaEnforcementPolicy) => void][] = [
      ['attached to the user', (user, policy) => policy.attachToUser(user)],
      ['among the policies of the user', (user, policy) => user.addManagedPolicy(policy)],
      [
        'attached to a group that the user is added to',
        (user, policy) => {
          const group = new iam.Group(stack, 'Group');
          group.addUser(user);
          policy.attachToGroup(group);
        },
      ],
      [
        'among the policies of a group of the user',
        (user, policy) => user.addToGroup(new iam.Group(stack, 'Group', { managedPolicies: [policy] })),
      ],
      [
        'attached to a group by name',
        (user, policy) => {
          user.addToGroup(iam.Group.fromGroupName(stack, 'Reference', 'everybody'));
          new iam.Group(stack, 'Group', { groupName: 'Everybody', managedPolicies: [policy] });
        },
      ],
      [
        'attached to an L1 group that an L1 membership names',
        (user, policy) => {
          const group = new iam.CfnGroup(stack, 'Group', { managedPolicyArns: [policy.managedPolicyArn] });
          new iam.CfnUserToGroupAddition(stack, 'Membership', { groupName: group.ref, users: [user.userName] });
        },
      ],
    ];

    test.each(attachments)('%s', (_where, attach) => {
      attach(new iam.User(stack, 'Bob'), new MfaEnforcementPolicy(stack, 'Policy'));

      expect(gaps({ devices: false })).toBe('');
    });

    test('in another stack', () => {
      const policies = new Stack(app, 'Policies');
      const group = new iam.Group(policies, 'Group');
      new MfaEnforcementPolicy(policies, 'Policy', { groups: [group] });
      new iam.User(stack, 'Bob', { groups: [group] });

      expect(gaps({ devices: false })).toBe('');
    });

    test('where it is one of your own', () => {
      const own = iam.ManagedPolicy.fromManagedPolicyArn(stack, 'Own', 'arn:aws:iam::123456789012:policy/RequireMfa');
      new iam.User(stack, 'Bob', { managedPolicies: [own] });

      expect(gaps({ devices: false, enforcementPolicies: [own] })).toBe('');
    });
  });

  test.each<[string, (user: iam.User) => void]>([
    [
      'another policy',
      (user) => user.addManagedPolicy(iam.ManagedPolicy.fromAwsManagedPolicyName('AdministratorAccess')),
    ],
    [
      'a policy of another user',
      () => new MfaEnforcementPolicy(stack, 'Policy', { users: [new iam.User(stack, 'Eve')] }),
    ],
    [
      'a policy of a group of others',
      () => new MfaEnforcementPolicy(stack, 'Policy', { groups: [new iam.Group(stack, 'Group')] }),
    ],
  ])('has a gap for all that %s does', (_what, declare) => {
    const bob = new iam.User(stack, 'Bob');
    declare(bob);

    expect(gaps({ devices: false })).toContain(`The user Staff/Bob ${NO_POLICY}`);
  });

  test('does not take the user of another account for the one of the same name', () => {
    const elsewhere = new Stack(app, 'Elsewhere', { env: { account: '210987654321', region: 'us-east-1' } });
    new iam.User(elsewhere, 'Bob', { userName: 'bob' });
    new iam.CfnManagedPolicy(stack, 'Own', { policyDocument: { Statement: [] }, users: ['bob'] });
    const [own] = stack.node.children.filter((child) => child instanceof iam.CfnManagedPolicy);

    expect(gaps({ devices: false, enforcementPolicies: own ? [own] : [] })).toContain(`Elsewhere/Bob ${NO_POLICY}`);
  });

  test('leaves out the users of an exempt scope, and keeps the reason in its metadata', () => {
    const metrics = new iam.User(stack, 'Metrics');
    MfaCoverage.of(metrics).exempt('An access key that may only put metrics');
    new iam.User(stack, 'Bob');

    const message = gaps();

    expect(message).toContain('Staff/Bob');
    expect(message).not.toContain('Staff/Metrics');
    expect(metrics.node.metadata).toContainEqual(
      expect.objectContaining({ type: 'cdk-iam-virtual-mfa:exempt', data: 'An access key that may only put metrics' }),
    );
  });

  test('takes no exemption without a reason', () => {
    expect(() => MfaCoverage.of(stack).exempt(' ')).toThrow('[Staff] exempt: got no reason; allowed: any text.');
  });

  test('is held to it in one of its stacks alone, if that is asked', () => {
    new iam.User(new Stack(app, 'Other'), 'Eve');
    new iam.User(stack, 'Bob');

    const message = gaps({}, stack);

    expect(message).toContain('Staff/Bob');
    expect(message).not.toContain('Other/Eve');
  });
});
