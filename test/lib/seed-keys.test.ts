import { aws_iam as iam, aws_kms as kms, Fn, Stack, Stage } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { VirtualMfaDevice, type VirtualMfaDeviceProps } from '../../lib';
import {
  bobWithDevice,
  DEVICE_TYPE,
  newStack,
  onlyResourceOf,
  resourcesOf,
  roleStatementsOf,
  type TemplateStatement,
  templateTextOf,
} from './templates';

const ENV = { account: '123456789012', region: 'eu-west-1' };
const keyArn = (account: string, id: number | string): string => `arn:aws:kms:eu-west-1:${account}:key/${id}`;

function keyStatementsOf(stack: Stack): TemplateStatement[] {
  return roleStatementsOf(stack).filter(({ Action }) => JSON.stringify(Action).includes('kms:'));
}

/** A stack of Bob with a device for each key. */
function stackWithKeys(
  keys: (stack: Stack) => readonly kms.IKey[],
  options: Pick<VirtualMfaDeviceProps, 'allowKeyOfAnotherAccount'> = {},
  stack = newStack({ env: ENV }),
): Stack {
  const user = new iam.User(stack, 'Bob');
  keys(stack).forEach((encryptionKey, index) => {
    new VirtualMfaDevice(stack, `Mfa${index}`, { user, encryptionKey, ...options });
  });
  return stack;
}

const importedKeys =
  (count: number, account = ENV.account) =>
  (stack: Stack): kms.IKey[] =>
    Array.from({ length: count }, (_, index) =>
      kms.Key.fromKeyArn(stack, `Key${account}${index}`, keyArn(account, index)),
    );

describe('the handler', () => {
  test('may use the key of a seed, through Secrets Manager alone', () => {
    const stack = newStack();
    const key = new kms.Key(stack, 'Key');
    bobWithDevice({ encryptionKey: key }, stack);

    expect(keyStatementsOf(stack)).toEqual([
      {
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Effect: 'Allow',
        Resource: stack.resolve(key.keyArn) as unknown,
        Condition: {
          StringEquals: {
            'kms:ViaService': [
              { 'Fn::Join': ['', ['secretsmanager.', { Ref: 'AWS::Region' }, '.amazonaws.com']] },
              { 'Fn::Join': ['', ['secretsmanager.', { Ref: 'AWS::Region' }, '.', { Ref: 'AWS::URLSuffix' }]] },
            ],
          },
        },
      },
    ]);
  });

  test('has no permission on KMS without a key', () => {
    expect(templateTextOf(bobWithDevice().stack)).not.toContain('kms:');
  });

  test('has the policy before the device needs it', () => {
    const stack = stackWithKeys(importedKeys(1));

    const policies = Object.keys(resourcesOf(stack, 'AWS::IAM::Policy')).filter((id) => id.includes('SeedKeys'));
    expect(policies).toHaveLength(1);
    expect(onlyResourceOf(stack, DEVICE_TYPE)[1].DependsOn).toEqual(expect.arrayContaining(policies));
  });

  test('has one statement for all keys, which names each key once', () => {
    const stack = stackWithKeys((scope) => importedKeys(2)(scope).flatMap((key) => [key, key]));

    expect(keyStatementsOf(stack).map(({ Resource }) => Resource)).toEqual([
      [keyArn(ENV.account, 0), keyArn(ENV.account, 1)],
    ]);
  });

  test('may use the key behind an alias, as IAM policies do not know aliases', () => {
    const stack = newStack();
    const key = new kms.Key(stack, 'Key');
    bobWithDevice({ encryptionKey: key.addAlias('seeds') }, stack);

    expect(keyStatementsOf(stack).map(({ Resource }) => Resource)).toEqual([stack.resolve(key.keyArn)]);
  });
});

describe('more keys than can be named', () => {
  test('are allowed as all keys of the stack’s account and region', () => {
    const named = stackWithKeys(importedKeys(25));
    const unnamed = stackWithKeys(importedKeys(26));

    expect(keyStatementsOf(named)[0]?.Resource).toHaveLength(25);
    expect(keyStatementsOf(unnamed).map(({ Resource }) => Resource)).toEqual([
      { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:kms:${ENV.region}:${ENV.account}:key/*`]] },
    ]);
    expect(keyStatementsOf(unnamed)[0]?.Condition).toEqual(keyStatementsOf(named)[0]?.Condition);
  });

  test('leave the keys of other accounts named', () => {
    const stack = stackWithKeys(importedKeys(26));
    const [encryptionKey] = importedKeys(1, '999999999999')(stack);
    const user = new iam.User(stack, 'Carol');
    new VirtualMfaDevice(stack, 'CarolMfa', { user, encryptionKey, allowKeyOfAnotherAccount: true });

    expect(keyStatementsOf(stack).map(({ Resource }) => Resource)).toEqual([
      [expect.anything(), keyArn('999999999999', 0)],
    ]);
  });
});

describe('the policy that names the keys', () => {
  const policyOf = (keys: (stack: Stack) => readonly kms.IKey[]): [id: string, name: unknown] => {
    const policies = Object.entries(resourcesOf(stackWithKeys(keys), 'AWS::IAM::Policy'));
    const [id = '', policy] = policies.find(([logicalId]) => logicalId.includes('SeedKeys')) ?? [];
    return [id, policy?.Properties.PolicyName];
  };
  const [id, name] = policyOf(importedKeys(2));

  test.each<[change: string, keys: (stack: Stack) => readonly kms.IKey[]]>([
    ['a key comes', importedKeys(3)],
    ['a key goes, with which the handler still has to delete a device', importedKeys(1)],
    ['the keys become too many to be named', importedKeys(26)],
  ])('is a new one of another name when %s', (_change, keys) => {
    const [otherId, otherName] = policyOf(keys);

    expect(otherId).not.toBe(id);
    expect(otherName).not.toBe(name);
  });

  test('stays the same one when the order of the declarations changes, or a device shares a key', () => {
    expect(policyOf((stack) => importedKeys(2)(stack).reverse())).toEqual([id, name]);
    expect(policyOf((stack) => importedKeys(2)(stack).flatMap((key) => [key, key]))).toEqual([id, name]);
  });
});

describe('a key whose account is known at deployment alone', () => {
  const OWN_ACCOUNT = [
    'arn:',
    { Ref: 'AWS::Partition' },
    ':kms:',
    { Ref: 'AWS::Region' },
    ':',
    { Ref: 'AWS::AccountId' },
    ':key/',
  ] as const;
  const [textBefore, idBefore] = [OWN_ACCOUNT.slice(0, -1), OWN_ACCOUNT];
  const secretKeyOf = (stack: Stack): unknown =>
    onlyResourceOf(stack, 'AWS::SecretsManager::Secret')[1].Properties.KmsKeyId;

  test.each<[how: string, key: (stack: Stack) => kms.IKey, arn: unknown]>([
    [
      'by its ARN',
      (stack) => kms.Key.fromKeyArn(stack, 'Key', keyArn('999999999999', 0)),
      { 'Fn::Join': ['', [...textBefore, ':key/0']] },
    ],
    [
      'by a token',
      (stack) => kms.Key.fromKeyArn(stack, 'Key', Fn.importValue('KeyArn')),
      {
        'Fn::Join': [
          '',
          [
            ...idBefore,
            {
              'Fn::Select': [
                1,
                { 'Fn::Split': ['/', { 'Fn::Select': [5, { 'Fn::Split': [':', { 'Fn::ImportValue': 'KeyArn' }] }] }] },
              ],
            },
          ],
        ],
      },
    ],
    [
      'behind an alias in an account of its own',
      (stack) => {
        const other = new Stack(Stage.of(stack), 'Other', { env: { account: '999999999999', region: 'eu-west-1' } });
        const aliasTargetKey = kms.Key.fromKeyArn(other, 'Key', keyArn('999999999999', 0));
        return kms.Alias.fromAliasAttributes(other, 'Alias', { aliasName: 'alias/seeds', aliasTargetKey });
      },
      { 'Fn::Join': ['', [...textBefore, ':key/0']] },
    ],
  ])('is the key of that id in the stack’s own account, for the secret and for the handler: %s', (_how, key, arn) => {
    const stack = newStack();
    bobWithDevice({ encryptionKey: key(stack) }, stack);

    expect(secretKeyOf(stack)).toEqual(arn);
    expect(keyStatementsOf(stack).map(({ Resource }) => Resource)).toEqual([arn]);
    expect(templateTextOf(stack)).not.toContain('999999999999');
  });

  test('is the key itself where the stack’s account is known too', () => {
    const stack = stackWithKeys(importedKeys(1));

    expect(secretKeyOf(stack)).toBe(keyArn(ENV.account, 0));
    expect(keyStatementsOf(stack)[0]?.Resource).toBe(keyArn(ENV.account, 0));
  });

  test('is the key itself where this app makes it, in another stack too', () => {
    const stack = newStack();
    const keys = new Stack(Stage.of(stack), 'Keys');
    bobWithDevice({ encryptionKey: new kms.Key(keys, 'Key').addAlias('seeds') }, stack);

    expect(secretKeyOf(stack)).toEqual({ 'Fn::ImportValue': expect.stringContaining('Keys:ExportsOutput') as string });
    expect(keyStatementsOf(stack)[0]?.Resource).toEqual(secretKeyOf(stack));
  });

  test('is allowed wherever it is, with allowKeyOfAnotherAccount', () => {
    const allowed = { allowKeyOfAnotherAccount: true };
    const byArn = stackWithKeys(importedKeys(1, '999999999999'), allowed, newStack());
    const byToken = stackWithKeys(
      (stack) => [kms.Key.fromKeyArn(stack, 'Key', Fn.importValue('KeyArn'))],
      allowed,
      newStack(),
    );

    for (const [stack, arn] of [
      [byArn, keyArn('999999999999', 0)],
      [byToken, { 'Fn::ImportValue': 'KeyArn' }],
    ] as const) {
      expect(keyStatementsOf(stack)[0]?.Resource).toEqual(arn);
      expect(secretKeyOf(stack)).toEqual(arn);
    }
  });
});
