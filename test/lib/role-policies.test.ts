import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Aspects, aws_iam as iam, aws_sns as sns, type CfnResource, Lazy, Stack } from 'aws-cdk-lib';
import { type IConstruct } from 'constructs';
import { describe, expect, test } from 'vitest';
import { VirtualMfaDevice } from '../../lib';
import {
  actionsOf,
  bobWithDevice,
  DEVICE_TYPE,
  newStack,
  onlyResourceOf,
  roleStatementsOf,
  statementsOf,
  type TemplateStatement,
  userPoliciesOf,
} from './templates';

const STACK_ID = { Ref: 'AWS::StackId' };
const RESOURCE_TAG = { 'aws:ResourceTag/cdk-iam-virtual-mfa:stack-id': STACK_ID };
const ANY_DEVICE = {
  'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::', { Ref: 'AWS::AccountId' }, ':mfa/*']],
};

function statementWith(action: string): TemplateStatement | undefined {
  return roleStatementsOf(bobWithDevice().stack).find(({ Action }) => [Action].flat().includes(action));
}

describe('the handler’s role', () => {
  test('may do what the handler calls, and nothing else', () => {
    const directory = join(__dirname, '../../lambda');
    const sources = readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(directory, name), 'utf8'));
    const called = new Set(
      sources.flatMap((source) => source.match(/'(?:cloudformation|iam|secretsmanager):[A-Z]\w+'/g) ?? []),
    );
    const { stack } = bobWithDevice({ removeOtherDevicesWithUser: true });

    const allowed = actionsOf([
      ...roleStatementsOf(stack),
      ...Object.values(userPoliciesOf(stack)).flatMap(statementsOf),
    ]);
    expect(called.size).toBeGreaterThan(0);
    expect(allowed.filter((action) => !action.startsWith('logs:'))).toEqual(
      [...called].map((action) => action.slice(1, -1)).sort(),
    );
  });

  test('creates and tags devices with the stack’s mark alone, and tags none that another stack marked', () => {
    expect(statementWith('iam:CreateVirtualMFADevice')).toEqual({
      Action: ['iam:CreateVirtualMFADevice', 'iam:TagMFADevice'],
      Effect: 'Allow',
      Resource: ANY_DEVICE,
      Condition: {
        StringEquals: { 'aws:RequestTag/cdk-iam-virtual-mfa:stack-id': STACK_ID },
        StringEqualsIfExists: RESOURCE_TAG,
      },
    });
  });

  test('deletes and untags none but the stack’s own devices', () => {
    expect(statementWith('iam:DeleteVirtualMFADevice')).toEqual({
      Action: ['iam:DeleteVirtualMFADevice', 'iam:UntagMFADevice'],
      Effect: 'Allow',
      Resource: ANY_DEVICE,
      Condition: { StringEquals: RESOURCE_TAG },
    });
  });

  test('reads the tags of any device, and lists devices, to know whose they are', () => {
    expect(statementWith('iam:ListMFADeviceTags')).toEqual({
      Action: 'iam:ListMFADeviceTags',
      Effect: 'Allow',
      Resource: ANY_DEVICE,
    });
    expect(statementWith('iam:ListVirtualMFADevices')).toEqual({
      Action: 'iam:ListVirtualMFADevices',
      Effect: 'Allow',
      Resource: '*',
    });
  });

  test('reads and writes none but the stack’s own secrets', () => {
    const Resource = {
      'Fn::Join': [
        '',
        [
          'arn:',
          { Ref: 'AWS::Partition' },
          ':secretsmanager:',
          { Ref: 'AWS::Region' },
          ':',
          { Ref: 'AWS::AccountId' },
          ':secret:*',
        ],
      ],
    };
    expect(statementWith('secretsmanager:GetSecretValue')).toMatchObject({
      Resource,
      Condition: { StringEquals: RESOURCE_TAG },
    });
    expect(statementWith('secretsmanager:TagResource')).toMatchObject({
      Resource,
      Condition: {
        StringEquals: RESOURCE_TAG,
        'ForAllValues:StringEquals': { 'aws:TagKeys': ['cdk-iam-virtual-mfa:retired'] },
      },
    });
  });

  test('writes to its own log group, and cannot create one', () => {
    const { stack } = bobWithDevice();

    const [logGroup] = onlyResourceOf(stack, 'AWS::Logs::LogGroup');
    expect(statementWith('logs:PutLogEvents')).toEqual({
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Effect: 'Allow',
      Resource: { 'Fn::GetAtt': [logGroup, 'Arn'] },
    });
    expect(onlyResourceOf(stack, 'AWS::IAM::Role')[1].Properties).not.toHaveProperty('ManagedPolicyArns');
  });

  test('has the same statements for one device and for many', () => {
    const { stack, bob } = bobWithDevice();
    new VirtualMfaDevice(stack, 'Second', { user: bob });
    new VirtualMfaDevice(stack, 'Alices', { user: new iam.User(stack, 'Alice') });

    expect(roleStatementsOf(stack)).toEqual(roleStatementsOf(bobWithDevice().stack));
  });

  test('enables and deactivates devices of the stack’s users, by ARN, each named once', () => {
    const { stack, bob } = bobWithDevice();
    new VirtualMfaDevice(stack, 'BobsSecond', { user: bob });
    new VirtualMfaDevice(stack, 'BobsThird', { user: bob.node.defaultChild as iam.CfnUser });
    const alice = new iam.User(stack, 'Alice');
    new VirtualMfaDevice(stack, 'Alices', { user: alice });

    const [, policy] = onlyResourceOf(stack, 'AWS::IAM::ManagedPolicy');
    expect(statementsOf(policy)).toEqual([
      {
        Action: ['iam:DeactivateMFADevice', 'iam:EnableMFADevice', 'iam:ListMFADevices', 'iam:ResyncMFADevice'],
        Effect: 'Allow',
        Resource: [stack.resolve(bob.userArn), stack.resolve(alice.userArn)],
      },
    ]);
    expect(policy.Properties.Roles).toEqual([{ Ref: onlyResourceOf(stack, 'AWS::IAM::Role')[0] }]);
    expect(policy.Properties).not.toHaveProperty('ManagedPolicyName');
  });
});

describe('the policy that names the users', () => {
  const idFor = (declare: (stack: Stack) => void): string => {
    const stack = newStack();
    declare(stack);
    return onlyResourceOf(stack, 'AWS::IAM::ManagedPolicy')[0];
  };
  const device = (stack: Stack, id: string, props: iam.UserProps = {}): void => {
    const user = new iam.User(stack, id, props);
    new VirtualMfaDevice(stack, `${id}Mfa`, { user });
  };
  const bobAndAlice = idFor((stack) => {
    device(stack, 'Bob');
    device(stack, 'Alice');
  });

  test('is what the devices of those users depend on, so that it outlives them', () => {
    const { stack } = bobWithDevice();

    expect(onlyResourceOf(stack, DEVICE_TYPE)[1].DependsOn).toContain(
      onlyResourceOf(stack, 'AWS::IAM::ManagedPolicy')[0],
    );
  });

  test.each<[change: string, declare: (stack: Stack) => void]>([
    [
      'a user comes',
      (stack) => {
        device(stack, 'Bob');
        device(stack, 'Alice');
        device(stack, 'Carol');
      },
    ],
    ['a user goes', (stack) => device(stack, 'Bob')],
    [
      'a user is given another name',
      (stack) => {
        device(stack, 'Bob', { userName: 'bob' });
        device(stack, 'Alice');
      },
    ],
    [
      'a user is given another path',
      (stack) => {
        device(stack, 'Bob', { path: '/ops/' });
        device(stack, 'Alice');
      },
    ],
    [
      'a user’s resource is given another logical id',
      (stack) => {
        device(stack, 'Bob');
        device(stack, 'Alice');
        (stack.node.findChild('Bob').node.defaultChild as iam.CfnUser).overrideLogicalId('Robert');
      },
    ],
    [
      'a user is given a name that is known only at synthesis',
      (stack) => {
        device(stack, 'Bob', { userName: Lazy.string({ produce: () => 'bob' }) });
        device(stack, 'Alice');
      },
    ],
    [
      'a device moves to another user',
      (stack) => {
        device(stack, 'Bob');
        new VirtualMfaDevice(stack, 'AliceMfa', { user: new iam.User(stack, 'Alicia') });
      },
    ],
  ])('is a new one when %s', (_change, declare) => {
    expect(idFor(declare)).not.toBe(bobAndAlice);
  });

  test.each<[change: string, declare: (stack: Stack) => void]>([
    [
      'nothing changes',
      (stack) => {
        device(stack, 'Bob');
        device(stack, 'Alice');
      },
    ],
    [
      'the order of the declarations changes',
      (stack) => {
        device(stack, 'Alice');
        device(stack, 'Bob');
      },
    ],
    [
      'another resource comes',
      (stack) => {
        new sns.Topic(stack, 'Topic');
        device(stack, 'Bob');
        device(stack, 'Alice');
        new iam.User(stack, 'Carol');
      },
    ],
    [
      'a user gets a second device',
      (stack) => {
        const bob = new iam.User(stack, 'Bob');
        new VirtualMfaDevice(stack, 'First', { user: bob });
        new VirtualMfaDevice(stack, 'Second', { user: bob });
        device(stack, 'Alice');
      },
    ],
  ])('stays the same one when %s', (_change, declare) => {
    expect(idFor(declare)).toBe(bobAndAlice);
  });

  test('is a new one also when an aspect renames the user late', () => {
    const { stack } = bobWithDevice();
    Aspects.of(stack).add({
      visit(node: IConstruct) {
        if (node instanceof iam.CfnUser) {
          node.userName = 'robert';
        }
      },
    });

    expect(onlyResourceOf(stack, 'AWS::IAM::ManagedPolicy')[0]).not.toBe(idFor((other) => device(other, 'Bob')));
  });

  test('keeps the stack’s own renaming of logical ids', () => {
    const { stack } = bobWithDevice();
    const [, hash] = /^.*(.{8})$/.exec(onlyResourceOf(stack, 'AWS::IAM::ManagedPolicy')[0]) ?? [];
    class Renamed extends Stack {
      protected override allocateLogicalId(element: CfnResource): string {
        return `X${super.allocateLogicalId(element)}`;
      }
    }
    const renamed = new Renamed();
    bobWithDevice({}, renamed);

    const [id] = onlyResourceOf(renamed, 'AWS::IAM::ManagedPolicy');
    expect(id).toMatch(/^XCustomIAMVirtualMFADeviceProvider/);
    expect(hash).toMatch(/^[0-9A-F]{8}$/);
  });
});
