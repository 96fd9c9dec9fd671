import {
  App,
  AspectPriority,
  Aspects,
  aws_iam as iam,
  aws_kms as kms,
  CfnResource,
  ConstructSelector,
  type IAspect,
  Mixins,
  NestedStack,
  RemovalPolicy,
  Shims,
  Stack,
  Stage,
  Tags,
} from 'aws-cdk-lib';
import recommendedFlags from 'aws-cdk-lib/recommended-feature-flags.json';
import { Template } from 'aws-cdk-lib/assertions';
import { Construct, type IConstruct } from 'constructs';
import { describe, expect, test } from 'vitest';
import { VirtualMfa, VirtualMfaDevice } from '../../lib';
import { DEVICE_TYPE, devicePropertiesOf, newStack, onlyResourceOf, resourcesOf, statementsOf } from './templates';

/** Each way to say "a device for every user in this scope". */
const WAYS: readonly (readonly [way: string, apply: (scope: IConstruct, mixin: VirtualMfa) => void])[] = [
  ['as a mixin', (scope, mixin) => Mixins.of(scope).apply(mixin)],
  ['as an aspect', (scope, mixin) => Aspects.of(scope).add(Shims.asAspect(mixin))],
];

/** An app with flags that decide how aspects go through the tree. */
const newApp = (context: Record<string, unknown> = recommendedFlags): App => new App({ context });

function devicesIn(stack: Stack): string[] {
  return Object.keys(resourcesOf(stack, DEVICE_TYPE));
}

describe('with', () => {
  test('gives a user a device, whose secret can be granted', () => {
    const stack = newStack();
    const bob = new iam.User(stack, 'Bob');
    bob.with(new VirtualMfa());
    VirtualMfa.deviceOf(bob)?.seedSecret.grantRead(bob);

    const [user] = onlyResourceOf(stack, 'AWS::IAM::User');
    expect(devicePropertiesOf(stack)).toMatchObject({ UserName: { Ref: user } });
    const [, policy] = onlyResourceOf(stack, 'AWS::IAM::ManagedPolicy');
    expect(statementsOf(policy)[0]?.Resource).toEqual({ 'Fn::GetAtt': [user, 'Arn'] });
  });

  test('makes what VirtualMfaDevice beside the user makes', () => {
    const declared = newStack();
    const user = new iam.User(declared, 'Bob');
    new VirtualMfaDevice(declared, 'BobVirtualMfa', { user });
    const mixedIn = newStack();
    new iam.User(mixedIn, 'Bob').with(new VirtualMfa());

    expect(Template.fromStack(mixedIn).toJSON()).toEqual(Template.fromStack(declared).toJSON());
  });

  test('makes the device wait for the user’s policies, as IAM wants it', () => {
    const stack = newStack();
    const bob = new iam.User(stack, 'Bob');
    bob.addToPolicy(new iam.PolicyStatement({ actions: ['s3:ListAllMyBuckets'], resources: ['*'] }));
    bob.with(new VirtualMfa());

    const policies = Object.keys(resourcesOf(stack, 'AWS::IAM::Policy'));
    const ofBob = policies.find((id) => id.startsWith('BobDefaultPolicy'));
    expect(onlyResourceOf(stack, DEVICE_TYPE)[1].DependsOn).toContain(ofBob);
  });

  test('gives an L1 user one too', () => {
    const stack = newStack();
    const bob = new iam.CfnUser(stack, 'Bob');
    bob.with(new VirtualMfa());

    expect(VirtualMfa.deviceOf(bob)).toBeInstanceOf(VirtualMfaDevice);
    expect(devicePropertiesOf(stack)).toMatchObject({ UserName: { Ref: 'Bob' } });
  });

  test('gives one to a user who is hidden in a construct of somebody else', () => {
    const stack = newStack();
    class Robot extends Construct {
      public constructor(scope: Construct, id: string) {
        super(scope, id);
        this.node.defaultChild = new iam.CfnUser(this, 'Account');
      }
    }
    new Robot(stack, 'Robot').with(new VirtualMfa());

    expect(devicesIn(stack)).toHaveLength(1);
  });

  test('carries its options to the device', () => {
    const stack = newStack();
    new iam.User(stack, 'Bob').with(
      new VirtualMfa({
        path: '/robots/',
        issuer: 'Example Corp',
        rotationId: '2026-01',
        encryptionKey: new kms.Key(stack, 'Key'),
        removalPolicy: RemovalPolicy.RETAIN,
      }),
    );

    expect(devicePropertiesOf(stack)).toMatchObject({
      Path: '/robots/',
      Issuer: 'Example Corp',
      RotationId: '2026-01',
    });
    expect(onlyResourceOf(stack, DEVICE_TYPE)[1].DeletionPolicy).toBe('Retain');
    expect(onlyResourceOf(stack, 'AWS::SecretsManager::Secret')[1].Properties).toHaveProperty('KmsKeyId');
  });

  test('refuses bad options at the user it is applied to', () => {
    const bob = new iam.User(newStack(), 'Bob');

    expect(() => bob.with(new VirtualMfa({ path: 'robots' }))).toThrow(
      /^\[Stack\/BobVirtualMfa] path: got a text of 6 characters/,
    );
  });

  test('passes an imported user over, as the app does not declare it', () => {
    const stack = newStack();
    new iam.Group(stack, 'Operators');
    const bob = iam.User.fromUserName(stack, 'Bob', 'bob');
    bob.with(new VirtualMfa());

    expect(VirtualMfa.deviceOf(bob)).toBeUndefined();
    expect(devicesIn(stack)).toEqual([]);
  });

  test('applied by force to what is no user says what it takes', () => {
    const group = new iam.Group(newStack(), 'Operators');

    expect(new VirtualMfa().supports(group)).toBe(false);
    expect(() => new VirtualMfa().applyTo(group)).toThrow(
      '[Stack/Operators] VirtualMfa: got a construct of another kind; allowed: users that the app declares, User and CfnUser. ',
    );
  });
});

describe('beside other constructs', () => {
  test('closes no circle with what depends on the user, in the user’s scope and out of it', () => {
    const stack = newStack();
    const bob = new iam.User(stack, 'Bob');
    const accessKey = new iam.CfnAccessKey(bob, 'AccessKey', { userName: bob.userName });
    accessKey.node.addDependency(bob);
    const encryptionKey = new kms.Key(stack, 'Key');
    encryptionKey.node.addDependency(bob);
    bob.with(new VirtualMfa({ encryptionKey }));

    expect(() => Template.fromStack(stack)).not.toThrow();
    expect(onlyResourceOf(stack, DEVICE_TYPE)[1].DependsOn).toContain(stack.getLogicalId(accessKey));
  });

  test.each([
    ['policy', iam.Policy],
    ['managed policy', iam.ManagedPolicy],
  ])('closes no circle with a %s of the user that names the device', (_kind, Policy) => {
    const stack = newStack();
    const bob = new iam.User(stack, 'Bob');
    bob.with(new VirtualMfa());
    const resources = [VirtualMfa.deviceOf(bob)?.serialNumber ?? ''];
    const statements = [new iam.PolicyStatement({ actions: ['iam:ListMFADeviceTags'], resources })];
    new Policy(bob, 'OwnDevice', { users: [bob], statements });

    expect(() => Template.fromStack(stack)).not.toThrow();
  });

  test('says so when the name of the device is taken', () => {
    const stack = newStack();
    new Construct(stack, 'BobVirtualMfa');

    expect(() => new iam.User(stack, 'Bob').with(new VirtualMfa())).toThrow(
      '[Stack/Bob] VirtualMfa: got Stack/BobVirtualMfa, which already exists and is not a device of this user; ',
    );
  });

  test('passes over a resource of the type that is no user of CDK', () => {
    const stack = newStack();
    new CfnResource(stack, 'Untyped', { type: 'AWS::IAM::User' });
    Mixins.of(stack).apply(new VirtualMfa());

    expect(devicesIn(stack)).toEqual([]);
  });

  test.each([
    ['by the path of what is in a scope', ConstructSelector.byPath('**/Staff/**'), 3],
    ['by id', ConstructSelector.byId('Bob'), 1],
    ['by type', ConstructSelector.resourcesOfType('AWS::IAM::User'), 4],
  ])('takes what CDK’s selectors select, %s', (_how, selector, devices) => {
    const stack = newStack();
    const staff = new Construct(stack, 'Staff');
    new iam.User(staff, 'Bob');
    new iam.CfnUser(staff, 'Alice');
    new iam.User(new Construct(staff, 'Night'), 'Carol');
    new iam.User(stack, 'Dave');
    Mixins.of(stack, selector).requireAny().apply(new VirtualMfa());

    expect(devicesIn(stack)).toHaveLength(devices);
  });
});

describe.each(WAYS)('to a whole scope, %s', (_way, apply) => {
  test('gives a device to each L1 and L2 user, and none to anything else', () => {
    const stack = newStack({}, recommendedFlags);
    new iam.User(stack, 'Bob');
    new iam.CfnUser(stack, 'Alice');
    new iam.Group(stack, 'Operators');
    iam.User.fromUserName(stack, 'Existing', 'existing');
    apply(stack, new VirtualMfa());

    const users = Object.values(resourcesOf(stack, DEVICE_TYPE)).map(({ Properties }) => Properties.UserName);
    expect(users).toEqual(
      expect.arrayContaining(Object.keys(resourcesOf(stack, 'AWS::IAM::User')).map((Ref) => ({ Ref }))),
    );
    expect(users).toHaveLength(2);
  });

  test('passes over users who have a device, in this stack or in another', () => {
    const app = newApp();
    const stack = new Stack(app, 'Stack');
    const bob = new iam.User(stack, 'Bob');
    const alice = new iam.CfnUser(stack, 'Alice');
    const devices = new Stack(app, 'Devices');
    new VirtualMfaDevice(stack, 'BobMfa', { user: bob });
    new VirtualMfaDevice(devices, 'AliceMfa', { user: alice });
    apply(app, new VirtualMfa());

    expect(devicesIn(stack)).toHaveLength(1);
    expect(devicesIn(devices)).toHaveLength(1);
  });

  test('twice, and in two scopes, is as good as once: the first one’s options hold', () => {
    const app = newApp();
    const stack = new Stack(app, 'Stack');
    new iam.User(stack, 'Bob');
    apply(stack, new VirtualMfa({ issuer: 'First' }));
    apply(stack, new VirtualMfa({ issuer: 'Second' }));
    apply(stack.node.tryFindChild('Bob') as iam.User, new VirtualMfa({ issuer: 'Third' }));

    expect(devicePropertiesOf(stack)).toMatchObject({ Issuer: 'First' });
  });

  test('passes over what is excluded, be it a user or a scope', () => {
    const stack = newStack({}, recommendedFlags);
    const robots = new Construct(stack, 'Robots');
    new iam.User(robots, 'One');
    new iam.User(robots, 'Two');
    VirtualMfa.exclude(robots);
    VirtualMfa.exclude(new iam.User(stack, 'Alice'));
    VirtualMfa.exclude(new iam.CfnUser(stack, 'Carol'));
    VirtualMfa.exclude(new iam.User(stack, 'Dave').node.defaultChild as iam.CfnUser);
    const bob = new iam.User(stack, 'Bob');
    apply(stack, new VirtualMfa());

    expect(devicesIn(stack)).toHaveLength(1);
    expect(VirtualMfa.deviceOf(bob)).toBeDefined();
  });

  test('rotates the device of one user, and keeps the other options', () => {
    const stack = newStack({}, recommendedFlags);
    const bob = new iam.User(stack, 'Bob', { userName: 'Bob' });
    new iam.User(stack, 'Alice', { userName: 'Alice' });
    VirtualMfa.configure(bob, { rotationId: '2026-01' });
    apply(stack, new VirtualMfa({ issuer: 'Example Corp' }));

    const properties = Object.values(resourcesOf(stack, DEVICE_TYPE)).map((resource) => resource.Properties);
    expect(properties).toHaveLength(2);
    expect(properties).toContainEqual(expect.objectContaining({ Issuer: 'Example Corp', RotationId: '2026-01' }));
    expect(properties).toContainEqual(expect.not.objectContaining({ RotationId: '2026-01' }));
    expect(properties).not.toContainEqual(expect.not.objectContaining({ Issuer: 'Example Corp' }));
  });

  test('takes each option from the innermost scope that has it', () => {
    const stack = newStack({}, recommendedFlags);
    const robots = new Construct(stack, 'Robots');
    const one = new iam.User(robots, 'One');
    VirtualMfa.configure(one.node.defaultChild as iam.CfnUser, { path: '/one/' });
    VirtualMfa.configure(robots, { path: '/robots/', issuer: 'Robots' });
    VirtualMfa.configure(robots, { rotationId: '2', issuer: undefined });
    VirtualMfa.configure(stack, { path: '/all/', rotationId: '1' });
    apply(stack, new VirtualMfa({ issuer: 'Example Corp' }));

    expect(devicePropertiesOf(stack)).toMatchObject({ Issuer: 'Robots', Path: '/one/', RotationId: '2' });
  });

  test('reaches nested stacks, where the device is its user’s neighbour', () => {
    const parent = newStack({}, recommendedFlags);
    const nested = new NestedStack(parent, 'Nested');
    new iam.User(nested, 'Bob');
    apply(parent, new VirtualMfa());

    expect(devicesIn(parent)).toEqual([]);
    expect(devicesIn(nested)).toHaveLength(1);
    expect(resourcesOf(nested, 'AWS::Lambda::Function')).not.toEqual({});
  });

  test('reaches the stacks of a stage', () => {
    const app = newApp();
    const stacks = ['Beta', 'Production'].map((id) => {
      const stage = new Stage(app, id);
      const stack = new Stack(stage, 'Stack');
      new iam.User(stack, 'Bob');
      apply(stage, new VirtualMfa());
      return stack;
    });

    app.synth();
    expect(stacks.map(devicesIn)).toEqual([[expect.any(String)], [expect.any(String)]]);
  });

  test('leaves its devices to the tags and permissions boundaries of the scope', () => {
    const app = newApp();
    const stack = new Stack(app, 'Stack');
    new iam.User(stack, 'Bob');
    apply(app, new VirtualMfa());
    Tags.of(app).add('team', 'platform');
    iam.PermissionsBoundary.of(app).apply(iam.ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary'));

    expect(devicePropertiesOf(stack)).toMatchObject({ Tags: [{ Key: 'team', Value: 'platform' }] });
    expect(onlyResourceOf(stack, 'AWS::IAM::Role')[1].Properties).toHaveProperty('PermissionsBoundary');
  });
});

describe('as a mixin', () => {
  test('reaches the stacks of a stage from the app', () => {
    const app = newApp();
    const stack = new Stack(new Stage(app, 'Beta'), 'Stack');
    new iam.User(stack, 'Bob');
    Mixins.of(app).apply(new VirtualMfa());

    app.synth();
    expect(devicesIn(stack)).toHaveLength(1);
  });
});

describe('as an aspect', () => {
  test('gives a device to users that are declared later', () => {
    const stack = newStack({}, recommendedFlags);
    Aspects.of(stack).add(Shims.asAspect(new VirtualMfa()));
    const bob = new iam.User(stack, 'Bob');
    expect(VirtualMfa.deviceOf(bob)).toBeUndefined();

    expect(devicesIn(stack)).toHaveLength(1);
    expect(VirtualMfa.deviceOf(bob)).toBeDefined();
  });

  test.each([
    ['first', 0],
    ['last', AspectPriority.READONLY - 1],
  ])('run %s gives a device to a user that another aspect makes', (_when, priority) => {
    const stack = newStack({}, recommendedFlags);
    const makingAlice: IAspect = {
      visit: (node) => {
        if (node === stack && stack.node.tryFindChild('Alice') === undefined) new iam.User(stack, 'Alice');
      },
    };
    Aspects.of(stack).add(Shims.asAspect(new VirtualMfa()), { priority });
    Aspects.of(stack).add(makingAlice, { priority: AspectPriority.MUTATING });

    expect(devicesIn(stack)).toHaveLength(1);
  });

  test('works without any feature flag', () => {
    const stack = newStack();
    new iam.User(stack, 'Bob');
    Aspects.of(stack).add(Shims.asAspect(new VirtualMfa()));

    expect(devicesIn(stack)).toHaveLength(1);
  });
});

describe('the order of a mixin and what is declared beside it', () => {
  test('is told, not guessed: a device declared after the mixin’s is refused', () => {
    const stack = newStack();
    const bob = new iam.User(stack, 'Bob');
    bob.with(new VirtualMfa());

    expect(() => new VirtualMfaDevice(stack, 'BobMfa', { user: bob })).toThrow(
      '[Stack/BobMfa] user: got Stack/Bob/Resource, whom VirtualMfa has given the device Stack/BobVirtualMfa already; ' +
        'allowed: users without a device of a mixin. Declare this device before the mixin is applied, or apply the ' +
        'mixin as an aspect, and it passes the user over.',
    );
  });

  test('is told, not guessed: a scope excluded after the mixin made a device in it is refused', () => {
    const stack = newStack();
    const bob = new iam.User(stack, 'Bob');
    bob.with(new VirtualMfa());

    expect(() => VirtualMfa.exclude(bob.node.defaultChild as iam.CfnUser)).toThrow('exclude: got a scope with a user');
    expect(() => VirtualMfa.exclude(stack)).toThrow(
      '[Stack] exclude: got a scope with a user to whom VirtualMfa has already given the device Stack/BobVirtualMfa; ' +
        'allowed: scopes to which it has not been applied. Exclude the scope before you apply the mixin.',
    );
  });

  test('is told, not guessed: options set after the mixin made a device in the scope are refused', () => {
    const stack = newStack();
    new iam.User(stack, 'Bob').with(new VirtualMfa());

    expect(() => {
      VirtualMfa.configure(stack, { rotationId: '2026-01' });
    }).toThrow(
      '[Stack] configure: got a scope with a user to whom VirtualMfa has already given the device Stack/BobVirtualMfa; ' +
        'allowed: scopes to which it has not been applied. Set the options before you apply the mixin.',
    );
  });

  test('does not matter for users who were declared with two devices', () => {
    const stack = newStack();
    const bob = new iam.User(stack, 'Bob');
    const first = new VirtualMfaDevice(stack, 'Phone', { user: bob });
    new VirtualMfaDevice(stack, 'Backup', { user: bob });
    bob.with(new VirtualMfa());

    expect(devicesIn(stack)).toHaveLength(2);
    expect(VirtualMfa.deviceOf(bob)).toBe(first);
  });
});
