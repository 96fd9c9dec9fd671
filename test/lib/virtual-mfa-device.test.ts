import {
  App,
  aws_iam as iam,
  aws_kms as kms,
  type aws_secretsmanager as secretsmanager,
  type CfnResource,
  type IPropertyInjector,
  PropertyInjectors,
  RemovalPolicies,
  RemovalPolicy,
  type InjectionContext,
  Stack,
} from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { VirtualMfaDevice, type VirtualMfaDeviceProps } from '../../lib';
import {
  bobWithDevice,
  DEVICE_TYPE,
  devicePropertiesOf,
  newStack,
  onlyResourceOf,
  ownerTagsOf,
  resourcesOf,
  templateTextOf,
} from './templates';

const SECRET_TYPE = 'AWS::SecretsManager::Secret';

describe('the custom resource', () => {
  test('has what was declared and leaves out the rest', () => {
    const { stack } = bobWithDevice();

    const { ServiceToken, ...properties } = devicePropertiesOf(stack);
    const [bob] = onlyResourceOf(stack, 'AWS::IAM::User');
    const [seed] = onlyResourceOf(stack, SECRET_TYPE);
    const [handler] = onlyResourceOf(stack, 'AWS::Lambda::Function');
    expect(ServiceToken).toEqual({ 'Fn::GetAtt': [handler, 'Arn'] });
    expect(properties).toEqual({ ServiceTimeout: '1200', UserName: { Ref: bob }, SeedSecretArn: { Ref: seed } });
  });

  test('carries every property under the name of the wire contract', () => {
    const { stack } = bobWithDevice({
      virtualMfaDeviceName: 'bob-phone',
      path: '/break-glass/',
      issuer: 'Example Corp',
      rotationId: '2026-01',
    });

    expect(devicePropertiesOf(stack)).toMatchObject({
      VirtualMFADeviceName: 'bob-phone',
      Path: '/break-glass/',
      Issuer: 'Example Corp',
      RotationId: '2026-01',
    });
  });

  test('gives out serial number and name, and stands for an IAM virtual MFA device', () => {
    const { stack, device } = bobWithDevice();
    const reference: iam.IVirtualMFADeviceRef = device;

    const [id] = onlyResourceOf(stack, DEVICE_TYPE);
    expect(stack.resolve(device.serialNumber)).toEqual({ Ref: id });
    expect(stack.resolve(reference.virtualMfaDeviceRef)).toEqual({ serialNumber: { Ref: id } });
    expect(stack.resolve(device.virtualMfaDeviceName)).toEqual({ 'Fn::GetAtt': [id, 'VirtualMFADeviceName'] });
  });

  test('is the default child, for escape hatches', () => {
    const { stack, device } = bobWithDevice();

    expect(device.node.defaultChild).toMatchObject({ cfnResourceType: DEVICE_TYPE });
    expect(stack.getLogicalId(device.node.defaultChild as iam.CfnUser)).toBe(onlyResourceOf(stack, DEVICE_TYPE)[0]);
  });

  test('can be used from another region by its explicit name', () => {
    const app = new App();
    const account = '123456789012';
    const { device } = bobWithDevice(
      { virtualMfaDeviceName: 'bob-phone', path: '/ops/' },
      new Stack(app, 'Source', { env: { account, region: 'eu-west-1' } }),
    );
    const target = new Stack(app, 'Target', { env: { account, region: 'us-east-1' } });
    new iam.ManagedPolicy(target, 'Policy', {
      statements: [new iam.PolicyStatement({ actions: ['iam:ListMFADeviceTags'], resources: [device.serialNumber] })],
    });

    expect(templateTextOf(target)).toContain(':iam::123456789012:mfa/ops/bob-phone');
  });
});

describe('the user', () => {
  test('may be an L1', () => {
    const stack = newStack();
    const user = new iam.CfnUser(stack, 'Bob');
    new VirtualMfaDevice(stack, 'Mfa', { user });

    expect(devicePropertiesOf(stack)).toMatchObject({ UserName: { Ref: 'Bob' } });
    expect(onlyResourceOf(stack, DEVICE_TYPE)[1].DependsOn).toContain('Bob');
  });

  test.each<[how: string, imported: (stack: Stack) => iam.IUser, arnEnd: string]>([
    ['by name', (stack) => iam.User.fromUserName(stack, 'Bob', 'bob'), ':user/bob'],
    [
      'by ARN',
      (stack) => iam.User.fromUserArn(stack, 'Bob', 'arn:aws:iam::123456789012:user/ops/bob'),
      'arn:aws:iam::123456789012:user/ops/bob',
    ],
    [
      'by attributes',
      (stack) => iam.User.fromUserAttributes(stack, 'Bob', { userArn: 'arn:aws-cn:iam::123456789012:user/a/b/bob' }),
      'arn:aws-cn:iam::123456789012:user/a/b/bob',
    ],
  ])('may be imported %s', (_how, imported, arnEnd) => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'Mfa', { user: imported(stack) });

    const [, policy] = onlyResourceOf(stack, 'AWS::IAM::ManagedPolicy');
    expect(devicePropertiesOf(stack)).toMatchObject({ UserName: 'bob' });
    expect(JSON.stringify(policy)).toContain(`${arnEnd}"`);
  });
});

describe('the seed secret', () => {
  test('is created empty, marked as the stack’s, and says whose seed it will hold', () => {
    const { stack } = bobWithDevice();

    const [bob] = onlyResourceOf(stack, 'AWS::IAM::User');
    const [device] = onlyResourceOf(stack, DEVICE_TYPE);
    expect(onlyResourceOf(stack, SECRET_TYPE)[1].Properties).toEqual({
      Description: { 'Fn::Join': ['', ['Seed of the virtual MFA device of IAM user ', { Ref: bob }]] },
      Tags: ownerTagsOf(device, { Ref: bob }),
    });
  });

  test.each<[what: string, user: (stack: Stack) => iam.IUserRef, userName: unknown]>([
    ['an L1', (stack) => new iam.CfnUser(stack, 'Bob', { userName: 'bob' }), { Ref: 'Bob' }],
    ['an imported', (stack) => iam.User.fromUserName(stack, 'Bob', 'bob,the=builder'), 'bob,the=builder'],
  ])('is marked with the device and the name of %s user', (_what, user, userName) => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'Mfa', { user: user(stack) });

    const [device, { Properties }] = onlyResourceOf(stack, DEVICE_TYPE);
    expect(onlyResourceOf(stack, SECRET_TYPE)[1].Properties.Tags).toEqual(ownerTagsOf(device, userName));
    expect(Properties.UserName).toEqual(userName);
  });

  test('is marked with the logical id that the device ends up with', () => {
    const { stack, device } = bobWithDevice();
    (device.node.defaultChild as CfnResource).overrideLogicalId('Renamed');

    const [bob] = onlyResourceOf(stack, 'AWS::IAM::User');
    expect(Object.keys(resourcesOf(stack, DEVICE_TYPE))).toEqual(['Renamed']);
    expect(onlyResourceOf(stack, SECRET_TYPE)[1].Properties.Tags).toEqual(ownerTagsOf('Renamed', { Ref: bob }));
  });

  test('is an ISecret that can be granted', () => {
    const { stack, device } = bobWithDevice();
    const reader = new iam.Role(stack, 'Reader', { assumedBy: new iam.AccountRootPrincipal() });
    const secret: secretsmanager.ISecret = device.seedSecret;
    secret.grantRead(reader);

    const [seed] = onlyResourceOf(stack, SECRET_TYPE);
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          {
            Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
            Effect: 'Allow',
            Resource: { Ref: seed },
          },
        ],
      },
      Roles: [stack.resolve(reader.roleName)],
    });
  });

  test('is encrypted under the key given', () => {
    const stack = newStack();
    const key = new kms.Key(stack, 'Key');
    bobWithDevice({ encryptionKey: key }, stack);

    expect(onlyResourceOf(stack, SECRET_TYPE)[1].Properties).toMatchObject({
      KmsKeyId: stack.resolve(key.keyArn) as unknown,
    });
  });
});

describe('removal', () => {
  test('deletes device and seed by default', () => {
    const { stack } = bobWithDevice();

    for (const type of [DEVICE_TYPE, SECRET_TYPE]) {
      expect(onlyResourceOf(stack, type)[1]).toMatchObject({ DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' });
    }
  });

  test.each<[how: string, make: () => Stack]>([
    ['as a property', () => bobWithDevice({ removalPolicy: RemovalPolicy.RETAIN }).stack],
    [
      'afterwards',
      () => {
        const { stack, device } = bobWithDevice();
        device.applyRemovalPolicy(RemovalPolicy.RETAIN);
        return stack;
      },
    ],
  ])('keeps device and seed with RETAIN %s, yet never a replaced device', (_how, make) => {
    const stack = make();

    for (const type of [DEVICE_TYPE, SECRET_TYPE]) {
      expect(onlyResourceOf(stack, type)[1]).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Delete' });
    }
  });

  test('follows RemovalPolicies of a scope', () => {
    const { stack, device } = bobWithDevice();
    RemovalPolicies.of(device).retain();

    expect(onlyResourceOf(stack, DEVICE_TYPE)[1].DeletionPolicy).toBe('Retain');
    expect(onlyResourceOf(stack, SECRET_TYPE)[1].DeletionPolicy).toBe('Retain');
  });

  test('takes the handler’s log group with the stack', () => {
    expect(onlyResourceOf(bobWithDevice().stack, 'AWS::Logs::LogGroup')[1]).toMatchObject({
      DeletionPolicy: 'Delete',
      Properties: { RetentionInDays: 30 },
    });
  });
});

describe('the order', () => {
  test('puts a device after its user, all that the user holds, the role’s policies and the seed', () => {
    const { stack, bob } = bobWithDevice();
    bob.addToPolicy(new iam.PolicyStatement({ actions: ['s3:ListAllMyBuckets'], resources: ['*'] }));
    new iam.AccessKey(bob, 'Key', { user: bob });

    const [, device] = onlyResourceOf(stack, DEVICE_TYPE);
    const before = Object.keys({
      ...resourcesOf(stack, 'AWS::IAM::User'),
      ...resourcesOf(stack, 'AWS::IAM::AccessKey'),
      ...resourcesOf(stack, 'AWS::IAM::Policy'),
      ...resourcesOf(stack, 'AWS::IAM::ManagedPolicy'),
      ...resourcesOf(stack, 'AWS::IAM::Role'),
    });
    expect(before).toHaveLength(6);
    expect([...(device.DependsOn ?? [])].sort()).toEqual(before.sort());
    expect(device.Properties.SeedSecretArn).toEqual({ Ref: onlyResourceOf(stack, SECRET_TYPE)[0] });
  });

  test('has no circle when devices are declared in their user’s scope', () => {
    const stack = newStack();
    const bob = new iam.User(stack, 'Bob');
    new VirtualMfaDevice(bob, 'First', { user: bob });
    new VirtualMfaDevice(bob, 'Second', { user: bob });

    const devices = resourcesOf(stack, DEVICE_TYPE);
    expect(Object.keys(devices)).toHaveLength(2);
    for (const { DependsOn } of Object.values(devices)) {
      expect(DependsOn).not.toEqual(expect.arrayContaining([expect.stringMatching(/First|Second/)]));
    }
  });

  test('has no circle when a policy of the user names the device', () => {
    const { stack, bob, device } = bobWithDevice();
    bob.addToPolicy(new iam.PolicyStatement({ actions: ['iam:ListMFADeviceTags'], resources: [device.serialNumber] }));

    const [, { DependsOn = [] }] = onlyResourceOf(stack, DEVICE_TYPE);
    expect(DependsOn.filter((id) => id.startsWith('BobDefaultPolicy'))).toEqual([]);
  });
});

describe('the function', () => {
  test('is one, whatever the number of devices', () => {
    const { stack, bob } = bobWithDevice();
    new VirtualMfaDevice(stack, 'Second', { user: bob });
    new VirtualMfaDevice(stack, 'Alices', { user: new iam.User(stack, 'Alice') });

    const template = Template.fromStack(stack);
    template.resourceCountIs(DEVICE_TYPE, 3);
    template.resourceCountIs('AWS::Lambda::Function', 1);
    template.resourceCountIs('AWS::IAM::Role', 1);
    template.resourceCountIs('AWS::Logs::LogGroup', 1);
  });

  test('runs on Node.js 24 with JSON logs in its own log group, and has no environment', () => {
    const { stack } = bobWithDevice();

    const [, { Properties }] = onlyResourceOf(stack, 'AWS::Lambda::Function');
    const [logGroup] = onlyResourceOf(stack, 'AWS::Logs::LogGroup');
    expect(Properties).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['x86_64'],
      MemorySize: 512,
      Timeout: 300,
      Handler: 'index.handler',
      LoggingConfig: { LogFormat: 'JSON', LogGroup: { Ref: logGroup } },
    });
    expect(Properties).not.toHaveProperty('Environment');
  });
});

test('property injectors reach the device, so that an organisation can set its defaults', () => {
  const injector: IPropertyInjector = {
    constructUniqueId: VirtualMfaDevice.PROPERTY_INJECTION_ID,
    inject: (props: VirtualMfaDeviceProps, _context: InjectionContext): VirtualMfaDeviceProps => ({
      issuer: 'Example Corp',
      ...props,
    }),
  };
  const stack = newStack();
  PropertyInjectors.of(stack).add(injector);
  bobWithDevice({}, stack);

  expect(devicePropertiesOf(stack)).toMatchObject({ Issuer: 'Example Corp' });
});

test('a template holds no seed, no generated secret, no literal partition and no wildcard action', () => {
  const text = templateTextOf(bobWithDevice({ issuer: 'Example Corp' }).stack);

  expect(text).not.toMatch(/GenerateSecretString|SecretString|otpauth/);
  expect(text).not.toContain('arn:aws:');
  expect(text).not.toContain('AWSLambdaBasicExecutionRole');
  expect(text).not.toMatch(/"[a-z]+:[A-Za-z]*\*"/);
  expect(text).not.toContain('NoEcho');
});
