import { App, aws_iam as iam, aws_kms as kms, CfnParameter, Fn, type Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { describe, expect, test } from 'vitest';
import { MfaEnforcementPolicy, VirtualMfaDevice, type VirtualMfaDeviceProps } from '../../lib';
import { bobWithDevice, devicePropertiesOf, newStack } from './templates';

const ACCOUNT = '123456789012';
/** What somebody might paste into the wrong place. */
const SECRET = 'hunter2: x&';

describe('a property that IAM would refuse is refused at synthesis, with what was got, what is allowed and what to do', () => {
  test.each<[what: string, props: Omit<VirtualMfaDeviceProps, 'user'>, message: string]>([
    [
      'a name with a space',
      { virtualMfaDeviceName: "Bob's phone" },
      `[Stack/BobMfa] virtualMfaDeviceName: got a text of 11 characters; allowed: 1 to 226 characters, letters, digits and any of ` +
        "_+=,.@-. Choose such a name, or leave it out to have one made from the user's name.",
    ],
    [
      'an empty name',
      { virtualMfaDeviceName: '' },
      '[Stack/BobMfa] virtualMfaDeviceName: got an empty text; allowed: 1 to 226',
    ],
    [
      'a path that does not end with a slash',
      { path: '/ops' },
      '[Stack/BobMfa] path: got a text of 4 characters; allowed: 1 to 512 characters, beginning and ending with /, of the characters ' +
        'U+0021 to U+007E, no {{resolve:. Write it like /break-glass/, or leave it out for /.',
    ],
    ['a path with a space', { path: '/my ops/' }, '[Stack/BobMfa] path: got a text of 8 characters; allowed'],
    [
      'an issuer with a colon',
      { issuer: 'Example: Corp' },
      '[Stack/BobMfa] issuer: got a text of 13 characters; allowed: 1 to 128 characters, no colon',
    ],
    ['an issuer too long', { issuer: 'x'.repeat(129) }, '[Stack/BobMfa] issuer: got a text of 129 characters; allowed'],
    [
      'an empty rotation id',
      { rotationId: '' },
      '[Stack/BobMfa] rotationId: got an empty text; allowed: 1 to 256 characters, no control characters, no {{resolve:. ' +
        'Choose such an id',
    ],
    [
      'a path and a name that do not fit one serial number',
      { path: `/${'p'.repeat(200)}/`, virtualMfaDeviceName: 'n'.repeat(26) },
      '[Stack/BobMfa] path and virtualMfaDeviceName: got 228 characters together; allowed: 227, because a serial number has ' +
        'at most 256. Shorten one of them.',
    ],
    [
      'a path that leaves no room for a name',
      { path: `/${'p'.repeat(230)}/` },
      '[Stack/BobMfa] path and virtualMfaDeviceName: got 233 characters together; allowed: 227',
    ],
  ])('%s', (_what, props, message) => {
    expect(() => bobWithDevice(props)).toThrow(message);
  });

  test.each<[what: string, declare: (stack: Stack) => unknown]>([
    ['virtualMfaDeviceName', (stack) => bobWithDevice({ virtualMfaDeviceName: SECRET }, stack)],
    ['path', (stack) => bobWithDevice({ path: SECRET }, stack)],
    ['issuer', (stack) => bobWithDevice({ issuer: SECRET }, stack)],
    ['rotationId', (stack) => bobWithDevice({ rotationId: `${SECRET}\n` }, stack)],
    [
      'the name of a user',
      (stack) => new VirtualMfaDevice(stack, 'Mfa', { user: iam.User.fromUserName(stack, 'Bob', SECRET) }),
    ],
    [
      'the account of a user',
      (stack) => {
        const user = iam.User.fromUserArn(stack, 'Bob', `arn:aws:iam::hunter2 &:user/bob`);
        return new VirtualMfaDevice(stack, 'Mfa', { user });
      },
    ],
    [
      'the account of a key',
      (stack) => {
        const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:hunter2 &:key/x');
        return bobWithDevice({ encryptionKey }, stack);
      },
    ],
    [
      'the region of a key',
      (stack) => {
        const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', `arn:aws:kms:hunter2 &:${ACCOUNT}:key/x`);
        return bobWithDevice({ encryptionKey }, stack);
      },
    ],
    [
      'the path and name of two devices',
      (stack) => {
        const { bob } = bobWithDevice({ path: '/hunter2&/', virtualMfaDeviceName: 'x' }, stack);
        return new VirtualMfaDevice(stack, 'Other', { user: bob, path: '/hunter2&/', virtualMfaDeviceName: 'x' });
      },
    ],
    ['a serial number', (stack) => VirtualMfaDevice.fromSerialNumber(stack, 'Device', SECRET)],
    ['the name of a policy', (stack) => new MfaEnforcementPolicy(stack, 'Policy', { managedPolicyName: SECRET })],
  ])('%s is not repeated, as it may be a secret', (_what, declare) => {
    const stack = newStack({ env: { account: ACCOUNT, region: 'eu-west-1' } });
    const message = /^\[Stack[^\]]*\] (?:(?!hunter2)[^])*; allowed: (?:(?!hunter2)[^])*$/;

    expect(() => declare(stack)).toThrow(message);
  });

  test('the error is named for what it is', () => {
    expect(() => bobWithDevice({ path: 'ops' })).toThrow(expect.objectContaining({ name: 'ValidationError' }));
  });

  test.each<[what: string, user: (stack: Stack) => iam.IUserRef]>([
    ['an L2', (stack) => new iam.User(stack, 'Bob', { userName: 'Bob Smith' })],
    ['an L1', (stack) => new iam.CfnUser(stack, 'Bob', { userName: 'Bob Smith' })],
    ['an import', (stack) => iam.User.fromUserName(stack, 'Bob', 'Bob Smith')],
  ])('the name of %s user', (_what, user) => {
    const stack = newStack();

    expect(() => new VirtualMfaDevice(stack, 'Mfa', { user: user(stack) })).toThrow(
      '[Stack/Mfa] user: got a text of 9 characters; allowed: 1 to 128 characters, letters, digits and any of _+=,.@-. ' +
        'Give the IAM user a name that IAM takes.',
    );
  });

  test('a user of another account', () => {
    const stack = newStack({ env: { account: ACCOUNT, region: 'eu-west-1' } });
    const user = iam.User.fromUserArn(stack, 'Bob', 'arn:aws:iam::999999999999:user/bob');

    expect(() => new VirtualMfaDevice(stack, 'Mfa', { user })).toThrow(
      "[Stack/Mfa] user: got a user of account 999999999999; allowed: users of the stack's own account 123456789012. " +
        'Declare the device in a stack of the account that holds the user.',
    );
  });

  test('a key of another region', () => {
    const stack = newStack({ env: { account: '123456789012', region: 'eu-west-1' } });
    const arn = 'arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012';
    const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', arn);

    expect(() => bobWithDevice({ encryptionKey }, stack)).toThrow(
      "encryptionKey: got a key of us-east-1; allowed: keys of the stack's own region eu-west-1. ",
    );
  });

  test('a key of another account, unless it is allowed', () => {
    const stack = newStack({ env: { account: ACCOUNT, region: 'eu-west-1' } });
    const arn = 'arn:aws:kms:eu-west-1:999999999999:key/12345678-1234-1234-1234-123456789012';
    const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', arn);
    const user = new iam.User(stack, 'Bob');

    expect(() => new VirtualMfaDevice(stack, 'Refused', { user, encryptionKey })).toThrow(
      "[Stack/Refused] encryptionKey: got a key of account 999999999999; allowed: keys of the stack's own account " +
        '123456789012. Give a key of that account, or set allowKeyOfAnotherAccount if you mean the other account.',
    );
    expect(
      () => new VirtualMfaDevice(stack, 'Allowed', { user, encryptionKey, allowKeyOfAnotherAccount: true }),
    ).not.toThrow();
  });

  test.each<[what: string, key: (stack: Stack) => kms.IKey]>([
    ['by name', (stack) => kms.Alias.fromAliasName(stack, 'Alias', 'alias/seeds')],
    ['by ARN', (stack) => kms.Key.fromKeyArn(stack, 'Alias', 'arn:aws:kms:eu-west-1:123456789012:alias/seeds')],
  ])('an alias of a key that the app does not know, %s', (_what, key) => {
    const stack = newStack();

    expect(() => bobWithDevice({ encryptionKey: key(stack) }, stack)).toThrow(
      '[Stack/BobMfa] encryptionKey: got an alias that does not tell its key; allowed: keys, and aliases of keys that the ' +
        'app knows. Give the key with Key.fromKeyArn, or find it with Key.fromLookup.',
    );
  });

  test('a stack that another copy of this package has given a provider', () => {
    const stack = newStack();
    new Construct(stack, 'Custom::IAMVirtualMFADeviceProvider');

    expect(() => bobWithDevice({}, stack)).toThrow('allowed: one copy for an app. ');
  });

  test('a second device of the same name and path in a stack', () => {
    const { stack, bob } = bobWithDevice({ virtualMfaDeviceName: 'phone', path: '/ops/' });

    expect(
      () => new VirtualMfaDevice(stack, 'Other', { user: bob, virtualMfaDeviceName: 'phone', path: '/ops/' }),
    ).toThrow(
      '[Stack/Other] virtualMfaDeviceName: got the name and path of Stack/BobMfa; ' +
        'allowed: one device of a name and path in an account. Choose another name or path.',
    );
  });
});

describe('what IAM takes passes', () => {
  test.each<[what: string, props: Omit<VirtualMfaDeviceProps, 'user'>]>([
    ['the longest name', { virtualMfaDeviceName: 'n'.repeat(226) }],
    ['every character of a name', { virtualMfaDeviceName: 'Az09_+=,.@-' }],
    ['the root path', { path: '/' }],
    ['a nested path', { path: '/a/b!~/' }],
    ['an issuer in any script', { issuer: 'Пример & Co' }],
    ['a rotation id in words', { rotationId: 'after the incident of May' }],
  ])('%s', (_what, props) => {
    expect(() => bobWithDevice(props)).not.toThrow();
  });

  test('the same name under another path', () => {
    const { stack, bob } = bobWithDevice({ virtualMfaDeviceName: 'phone' });

    expect(
      () => new VirtualMfaDevice(stack, 'Other', { user: bob, virtualMfaDeviceName: 'phone', path: '/ops/' }),
    ).not.toThrow();
  });

  test('a user of an account that is known only at deployment', () => {
    const stack = newStack();
    const user = iam.User.fromUserArn(stack, 'Bob', 'arn:aws:iam::999999999999:user/bob');

    expect(() => new VirtualMfaDevice(stack, 'Mfa', { user })).not.toThrow();
  });

  test('tokens, in every property', () => {
    const stack = newStack();
    const token = new CfnParameter(stack, 'Token').valueAsString;
    const user = iam.User.fromUserArn(stack, 'Bob', Fn.importValue('BobArn'));
    const props = { user, virtualMfaDeviceName: token, path: token, issuer: token, rotationId: token };
    new VirtualMfaDevice(stack, 'First', props);
    new VirtualMfaDevice(stack, 'Second', props);

    expect(() => new App().synth()).not.toThrow();
  });

  test('a name with a token inside reaches the template as it is', () => {
    const stack = newStack();
    bobWithDevice({ virtualMfaDeviceName: `phone-${stack.region}` }, stack);

    expect(devicePropertiesOf(stack)).toMatchObject({
      VirtualMFADeviceName: { 'Fn::Join': ['', ['phone-', { Ref: 'AWS::Region' }]] },
    });
  });
});

describe('the room for path and name', () => {
  test.each([
    ['eu-west-1', 227],
    ['cn-north-1', 224],
    ['us-gov-west-1', 220],
  ])('depends on the partition: in %s it is %i characters', (region, room) => {
    const declare = (length: number): void => {
      const stack = newStack({ env: { account: ACCOUNT, region } });
      bobWithDevice({ path: `/${'p'.repeat(length - 7)}/`, virtualMfaDeviceName: 'phone' }, stack);
    };

    expect(() => declare(room)).not.toThrow();
    expect(() => declare(room + 1)).toThrow(`got ${room + 1} characters together; allowed: ${room}`);
  });
});

describe('a user that is none, as plain JavaScript may pass it,', () => {
  test.each<[unknown, string]>([
    ['Bob', 'got a text of 3 characters'],
    [undefined, 'got nothing'],
    [null, 'got null'],
    [{ userName: 'Bob' }, 'got an object'],
  ])('is refused in words: %j', (user, got) => {
    const stack = newStack();

    expect(() => new VirtualMfaDevice(stack, 'Mfa', { user: user as iam.IUserRef })).toThrow(
      `[Stack/Mfa] user: ${got}; allowed: an IAM user, such as iam.User. ` +
        "Refer to a user that exists with iam.User.fromUserName(this, 'Bob', 'Bob').",
    );
  });

  test('is refused in words: a role', () => {
    const stack = newStack();
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.AccountRootPrincipal() });

    expect(() => new VirtualMfaDevice(stack, 'Mfa', { user: role as unknown as iam.IUserRef })).toThrow(
      '[Stack/Mfa] user: got the construct Stack/Role; allowed: an IAM user',
    );
  });
});
