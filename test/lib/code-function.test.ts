import { App, aws_iam as iam, aws_kms as kms, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Construct } from 'constructs';
import { describe, expect, test } from 'vitest';
import { VirtualMfaDevice } from '../../lib';
import { bobWithDevice, onlyResourceOf, resourcesOf, statementsOf } from './templates';

const CODES = /^CustomIAMVirtualMFADeviceCodes/;

function codeFunctions(stack: Stack): string[] {
  return Object.keys(resourcesOf(stack, 'AWS::Lambda::Function')).filter((id) => CODES.test(id));
}

function runnerIn(stack: Stack): iam.Role {
  return new iam.Role(stack, 'Runner', { assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com') });
}

/** What a role may do, by the construct id that its logical id begins with. */
function statementsOfRole(stack: Stack, id: RegExp) {
  return Object.entries(resourcesOf(stack, 'AWS::IAM::Policy'))
    .filter(([logicalId]) => id.test(logicalId))
    .flatMap(([, policy]) => statementsOf(policy));
}

describe('grantCode', () => {
  test('lets a principal invoke the alias of one device, and nothing else', () => {
    const { stack, device } = bobWithDevice();
    const grant = device.grantCode(runnerIn(stack));

    const [alias] = onlyResourceOf(stack, 'AWS::Lambda::Alias');
    expect(grant.success).toBe(true);
    expect(statementsOfRole(stack, /^Runner/)).toEqual([
      { Action: 'lambda:InvokeFunction', Effect: 'Allow', Resource: { Ref: alias } },
    ]);
  });

  test('names the alias after the secret, which no payload can', () => {
    const { stack, device } = bobWithDevice();
    device.grantCode(runnerIn(stack));

    const [secret] = onlyResourceOf(stack, 'AWS::SecretsManager::Secret');
    const [name] = codeFunctions(stack);
    const [, { Properties }] = onlyResourceOf(stack, 'AWS::Lambda::Alias');
    expect(Properties).toMatchObject({
      FunctionName: { Ref: name },
      FunctionVersion: '$LATEST',
      Name: { 'Fn::Select': [6, { 'Fn::Split': [':', { Ref: secret }] }] },
    });
  });

  test('makes one function for all devices of a stack, whose role reads the granted seeds alone', () => {
    const { stack, device } = bobWithDevice();
    const key = new kms.Key(stack, 'Key');
    const alice = new VirtualMfaDevice(stack, 'AliceMfa', { user: new iam.User(stack, 'Alice'), encryptionKey: key });
    new VirtualMfaDevice(stack, 'CarolMfa', { user: new iam.User(stack, 'Carol') });
    device.grantCode(runnerIn(stack));
    alice.grantCode(new iam.AccountPrincipal('999999999999'));

    expect(codeFunctions(stack)).toHaveLength(1);
    expect(Object.keys(resourcesOf(stack, 'AWS::Lambda::Alias'))).toHaveLength(2);
    const statements = statementsOfRole(stack, CODES);
    expect([...new Set(statements.flatMap(({ Action }) => Action))].sort()).toEqual([
      ...['logs:CreateLogStream', 'logs:PutLogEvents'],
      ...['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'],
    ]);
    const reading = statements.filter(({ Action }) => Action.includes('secretsmanager:GetSecretValue'));
    expect(reading.map(({ Resource }) => Resource)).toEqual([
      { Ref: expect.stringMatching(/^BobMfaSeed/) as string },
      { Ref: expect.stringMatching(/^AliceMfaSeed/) as string },
    ]);
    const [, { Properties }] = onlyResourceOf(stack, 'AWS::KMS::Key');
    expect(JSON.stringify(Properties)).toMatch(/kms:Decrypt.*CustomIAMVirtualMFADeviceCodesRole/);
    const [, permission] = onlyResourceOf(stack, 'AWS::Lambda::Permission');
    expect(permission.Properties).toMatchObject({ Action: 'lambda:InvokeFunction', Principal: '999999999999' });
  });

  test('is asked for, or the stack has no such function', () => {
    const { stack } = bobWithDevice();

    expect(codeFunctions(stack)).toEqual([]);
    expect(resourcesOf(stack, 'AWS::Lambda::Alias')).toEqual({});
  });

  test('changes nothing else in the template', () => {
    const { stack: without } = bobWithDevice();
    const { stack, device } = bobWithDevice();
    device.grantCode(runnerIn(stack));

    const resources = Template.fromStack(stack).toJSON().Resources as Record<string, unknown>;
    expect(resources).toMatchObject(Template.fromStack(without).toJSON().Resources as object);
  });

  test('refuses a device whose secret has a name too long for an alias', () => {
    const app = new App();
    const stack = new Stack(app, 'Stack');
    const { device } = bobWithDevice({}, stack);
    const bob = device.node.scope?.node.tryFindChild('Bob') as iam.User;
    const deep = new Construct(stack, 'x'.repeat(90));
    const other = new VirtualMfaDevice(deep, 'OtherMfa', { user: bob });
    device.grantCode(runnerIn(stack));
    expect(() => app.synth()).not.toThrow();

    other.grantCode(new iam.AccountRootPrincipal());

    expect(() => app.synth({ force: true })).toThrow(
      /OtherMfa: the logical id of the seed's secret has 110 characters; allowed: 108 for a device/,
    );
  });

  test('has a function for each stack', () => {
    const app = new App();
    const stacks = ['One', 'Two'].map((id) => {
      const stack = new Stack(app, id);
      bobWithDevice({}, stack).device.grantCode(runnerIn(stack));
      return stack;
    });

    expect(stacks.map((stack) => codeFunctions(stack).length)).toEqual([1, 1]);
  });
});
