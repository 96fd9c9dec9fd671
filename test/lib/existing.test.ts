import {
  App,
  aws_iam as iam,
  aws_kms as kms,
  aws_secretsmanager as secretsmanager,
  Duration,
  RemovalPolicies,
  RemovalPolicy,
  SecretValue,
  Stack,
  Token,
  Validations,
} from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { VirtualMfaDevice, type VirtualMfaDeviceProps, VirtualMfaWatch } from '../../lib';
import {
  bobWithDevice,
  DEVICE_TYPE,
  devicePropertiesOf,
  newStack,
  onlyResourceOf,
  roleStatementsOf,
} from './templates';

const ACCOUNT = '123456789012';
const SERIAL_NUMBER = `arn:aws:iam::${ACCOUNT}:mfa/phones/bob-phone`;
const SECRET_ARN = `arn:aws:secretsmanager:us-east-1:${ACCOUNT}:secret:bob-phone-1a2b3c`;
const SECRET_TYPE = 'AWS::SecretsManager::Secret';

afterEach(() => vi.unstubAllEnvs());

/** Bob, whose phone is there already. */
function bobWithPhone(props: Omit<VirtualMfaDeviceProps, 'user'> = {}, stack = newStack()) {
  const seed = secretsmanager.Secret.fromSecretCompleteArn(stack, 'BobPhoneSeed', SECRET_ARN);
  return bobWithDevice({ existing: { serialNumber: SERIAL_NUMBER, seed }, ...props }, stack);
}

describe('an existing device', () => {
  test('is named to the function with its secret, and no seed is in the template', () => {
    const { stack } = bobWithPhone();

    expect(devicePropertiesOf(stack)).toMatchObject({
      Existing: { SerialNumber: SERIAL_NUMBER, SeedSecretArn: SECRET_ARN },
    });
    expect(devicePropertiesOf(stack)).not.toHaveProperty('VirtualMFADeviceName');
    expect(devicePropertiesOf(stack)).not.toHaveProperty('Path');
  });

  test('may have its seed in a member of JSON', () => {
    const stack = newStack();
    const seed = secretsmanager.Secret.fromSecretCompleteArn(stack, 'Seed', SECRET_ARN);
    bobWithDevice({ existing: { serialNumber: SERIAL_NUMBER, seed, seedField: 'totp' } }, stack);

    expect(devicePropertiesOf(stack)).toMatchObject({ Existing: { SeedField: 'totp' } });
  });

  test('lets the function read that secret and no other, before it adopts the device', () => {
    const { stack } = bobWithPhone();

    const added = roleStatementsOf(stack).slice(roleStatementsOf(bobWithDevice().stack).length);
    expect(added).toEqual([
      {
        Action: 'secretsmanager:GetSecretValue',
        Effect: 'Allow',
        Resource: SECRET_ARN,
      },
    ]);
    const [, { DependsOn }] = onlyResourceOf(stack, DEVICE_TYPE);
    expect(DependsOn?.some((id) => id.includes('DefaultPolicy'))).toBe(true);
  });

  test('lets the function use the key of that secret through Secrets Manager', () => {
    const stack = newStack({ env: { account: ACCOUNT, region: 'us-east-1' } });
    const keyArn = `arn:aws:kms:us-east-1:${ACCOUNT}:key/1234`;
    const key = kms.Key.fromKeyArn(stack, 'Key', keyArn);
    const seed = secretsmanager.Secret.fromSecretAttributes(stack, 'Seed', {
      secretCompleteArn: SECRET_ARN,
      encryptionKey: key,
    });
    bobWithDevice({ existing: { serialNumber: SERIAL_NUMBER, seed } }, stack);

    expect(roleStatementsOf(stack)).toContainEqual(
      expect.objectContaining({
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Resource: keyArn,
        Condition: { StringEquals: { 'kms:ViaService': expect.anything() as unknown } },
      }),
    );
  });

  test('shares its secret with any number of others, and ten secrets are the most', () => {
    const stack = newStack();
    const adopt = (name: string, secretName: string) => {
      const id = `Seed${secretName}`;
      const seed = (stack.node.tryFindChild(id) ??
        secretsmanager.Secret.fromSecretNameV2(stack, id, secretName)) as secretsmanager.ISecret;
      const serialNumber = `arn:aws:iam::${ACCOUNT}:mfa/${name}`;
      const user = new iam.User(stack, name);
      return new VirtualMfaDevice(stack, `${name}Mfa`, { user, existing: { serialNumber, seed, seedField: name } });
    };
    for (let index = 0; index < 40; index += 1) adopt(`bob${index}`, `seeds-${index % 10}`);

    expect(() => adopt('alice', 'one-more')).toThrow(
      'existing.seed: got more than 10 secrets in stack Stack; allowed: 10. Put several seeds into one secret',
    );
    const statement = roleStatementsOf(stack).find(({ Resource }) => JSON.stringify(Resource).includes('seeds-9'));
    expect(statement?.Resource).toHaveLength(11);
  });

  test('is kept, and so is its seed, unless the creation is rolled back', () => {
    const { stack } = bobWithPhone();

    // The function frees the device, so it has to be told.
    expect(onlyResourceOf(stack, DEVICE_TYPE)[1].DeletionPolicy).toBe('Delete');
    expect(devicePropertiesOf(stack)['Existing']).not.toHaveProperty('DeleteDevice');
    expect(onlyResourceOf(stack, SECRET_TYPE)[1].DeletionPolicy).toBe('RetainExceptOnCreate');
  });

  test.each([
    ['at once', bobWithPhone({ removalPolicy: RemovalPolicy.DESTROY })],
    [
      'later',
      (() => {
        const made = bobWithPhone();
        made.device.applyRemovalPolicy(RemovalPolicy.DESTROY);
        return made;
      })(),
    ],
  ])('is deleted if the app says so %s', (_when, { stack }) => {
    expect(devicePropertiesOf(stack)).toMatchObject({ Existing: { DeleteDevice: 'true' } });
    expect(onlyResourceOf(stack, SECRET_TYPE)[1].DeletionPolicy).toBe('Delete');
  });

  test('has the name and the path of its serial number', () => {
    const { stack, device } = bobWithPhone();

    expect(stack.resolve(device.serialNumber)).toEqual({ Ref: expect.stringMatching(/^BobMfa/) as string });
    expect(() => bobWithPhoneAgain(stack)).toThrow('got the name and path of Stack/BobMfa');
  });

  function bobWithPhoneAgain(stack: Stack) {
    const user = new iam.User(stack, 'Again');
    const seed = secretsmanager.Secret.fromSecretCompleteArn(stack, 'AgainSeed', SECRET_ARN);
    return new VirtualMfaDevice(stack, 'AgainMfa', { user, existing: { serialNumber: SERIAL_NUMBER, seed } });
  }

  test('names its secret in the tags of its own, which no event can forge', () => {
    const { stack } = bobWithPhone();

    expect(onlyResourceOf(stack, SECRET_TYPE)[1].Properties.Tags).toEqual(
      expect.arrayContaining([
        { Key: 'cdk-iam-virtual-mfa:existing-seed', Value: SECRET_ARN },
        { Key: 'cdk-iam-virtual-mfa:existing-seed-field', Value: '' },
      ]),
    );
  });

  test('goes with its seed if an aspect sets the policy of all resources', () => {
    const { stack } = bobWithPhone();
    RemovalPolicies.of(stack).destroy();

    expect(devicePropertiesOf(stack)).toMatchObject({ Existing: { DeleteDevice: 'true' } });
  });

  test('cannot be retained by CloudFormation, which would not tell the function', () => {
    const { stack } = bobWithPhone();
    RemovalPolicies.of(stack).retain();

    expect(() => devicePropertiesOf(stack)).toThrow('removalPolicy: an aspect has set DeletionPolicy Retain');
  });

  test('may have the name of another device under another path, also where the account is known only at deployment', () => {
    const stack = newStack();
    const adopt = (path: string) => {
      const user = new iam.User(stack, `Bob${path}`);
      const resourceName = `${path}/bob`;
      const serialNumber = stack.formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName });
      const seed = secretsmanager.Secret.fromSecretNameV2(stack, `Seed${path}`, path);
      return () => new VirtualMfaDevice(stack, `Mfa${path}`, { user, existing: { serialNumber, seed } });
    };

    expect(adopt('phones')).not.toThrow();
    expect(adopt('tablets')).not.toThrow();
  });

  test('may have a serial number, and a secret, that are known only at deployment', () => {
    const stack = newStack();
    const seed = secretsmanager.Secret.fromSecretNameV2(stack, 'Seed', 'bob-phone');
    const serialNumber = stack.formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName: 'bob-phone' });
    bobWithDevice({ existing: { serialNumber, seed } }, stack);

    expect(devicePropertiesOf(stack)['Existing']).toMatchObject({
      SerialNumber: { 'Fn::Join': expect.anything() as unknown },
    });
  });

  test('can be rotated and watched', () => {
    const { stack } = bobWithPhone({ rotation: { automaticallyAfter: Duration.days(30) } });
    new VirtualMfaWatch(stack, 'Watch');

    const [, schedule] = onlyResourceOf(stack, 'AWS::Scheduler::Schedule');
    expect(JSON.stringify(schedule.Properties)).toContain(SERIAL_NUMBER);
  });

  test('satisfies cdk-nag’s pack AwsSolutions', () => {
    vi.stubEnv('CDK_VALIDATION', 'true');
    const app = new App();
    bobWithPhone({}, new Stack(app, 'Stack'));
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

    expect(() => app.synth()).not.toThrow();
  });
});

describe('what cannot be adopted', () => {
  const withExisting = (existing: object, props: Omit<VirtualMfaDeviceProps, 'user'> = {}) => {
    const stack = newStack({ env: { account: ACCOUNT, region: 'us-east-1' } });
    const seed = secretsmanager.Secret.fromSecretCompleteArn(stack, 'Seed', SECRET_ARN);
    const given = { serialNumber: SERIAL_NUMBER, seed, ...existing };
    return () => bobWithDevice({ existing: given, ...props }, stack);
  };

  test.each([
    ['a hardware token', 'GAHT12345678'],
    ['a passkey', `arn:aws:iam::${ACCOUNT}:u2f/user/bob/key-ABC`],
    ['a phone number', `arn:aws:iam::${ACCOUNT}:sms-mfa/bob`],
    ['a device of another account', 'arn:aws:iam::999999999999:mfa/bob-phone'],
    ['no text', undefined],
  ])('%s is refused, with the reason', (_what, serialNumber) => {
    expect(withExisting({ serialNumber })).toThrow(
      /existing\.serialNumber: got .*; allowed: the ARN of a virtual MFA device of the stack's account; a hardware token or a passkey cannot be adopted/,
    );
  });

  test('a seed that is no secret is refused, and not repeated', () => {
    const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

    expect(withExisting({ seed })).toThrow('existing.seed: got a text of 32 characters; allowed: a secret');
    expect(withExisting({ seed })).not.toThrow(seed);
    expect(withExisting({ seed: SecretValue.secretsManager('bob') })).toThrow('existing.seed: got an object');
  });

  test('a secret of another region is refused', () => {
    const arn = SECRET_ARN.replace('us-east-1', 'eu-west-1');
    const seed = secretsmanager.Secret.fromSecretCompleteArn(newStack(), 'Elsewhere', arn);

    expect(withExisting({ seed })).toThrow('existing.seed: got a secret of eu-west-1; allowed: secrets of the stack');
  });

  test('a secret with an alias that does not tell its key is refused', () => {
    const stack = newStack();
    const encryptionKey = kms.Alias.fromAliasName(stack, 'Alias', 'alias/seeds');
    const seed = secretsmanager.Secret.fromSecretAttributes(stack, 'Seed', {
      secretCompleteArn: SECRET_ARN,
      encryptionKey,
    });

    expect(withExisting({ seed })).toThrow('existing.seed.encryptionKey: got an alias that does not tell its key');
  });

  test('a secret with an ARN that no tag can hold is refused', () => {
    const arn = `arn:aws:secretsmanager:us-east-1:${ACCOUNT}:secret:${'s'.repeat(250)}-1a2b3c`;
    const seed = secretsmanager.Secret.fromSecretCompleteArn(newStack(), 'Long', arn);

    expect(withExisting({ seed })).toThrow('existing.seed: got a secret whose ARN has');
  });

  test.each(['', 'a\u0000b', 'a*b', 'a'.repeat(257)])(
    'a member that JSON cannot be asked for is refused: %j',
    (seedField) => {
      expect(withExisting({ seedField })).toThrow('existing.seedField: got');
    },
  );

  test.each([
    ['virtualMfaDeviceName', 'bob-phone'],
    ['path', '/phones/'],
    ['rotationId', '2'],
  ])('%s beside it is refused', (name, value) => {
    expect(withExisting({}, { [name]: value })).toThrow(
      new RegExp(`${name}: got a text of ${value.length} characters? beside existing; allowed: one of the two`),
    );
  });

  test('a name that has no room for the bridge of a rotation is refused', () => {
    const serialNumber = `arn:aws:iam::${ACCOUNT}:mfa/${'n'.repeat(220)}`;

    expect(withExisting({ serialNumber }, { rotation: { automaticallyAfter: Duration.days(1) } })).toThrow(
      'and the device is rotated',
    );
  });

  test('a dynamic reference is refused', () => {
    const stack = newStack();
    const seed = secretsmanager.Secret.fromSecretCompleteArn(stack, 'Seed', SECRET_ARN);
    const serialNumber = Token.asString({ 'Fn::Sub': '{{resolve:ssm:/phone}}' });
    bobWithDevice({ existing: { serialNumber, seed } }, stack);

    expect(() => devicePropertiesOf(stack)).toThrow('existing: got a dynamic reference');
  });
});
