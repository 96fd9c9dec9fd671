import { App, aws_iam as iam, aws_kms as kms, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Construct } from 'constructs';
import { describe, expect, test } from 'vitest';
import { VirtualMfaDevice } from '../../lib';
import { bobWithDevice, newStack, onlyResourceOf, resourcesOf, statementsOf, type TemplateResource } from './templates';

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
    expect(statements.flatMap(({ Action }) => Action).sort()).toEqual([
      ...['kms:Decrypt', 'logs:CreateLogStream', 'logs:PutLogEvents', 'secretsmanager:GetSecretValue'],
    ]);
    const reading = statements.find(({ Action }) => Action === 'secretsmanager:GetSecretValue');
    expect(reading?.Condition).toEqual({
      StringEquals: {
        'aws:ResourceTag/cdk-iam-virtual-mfa:stack-id': { Ref: 'AWS::StackId' },
        'aws:ResourceTag/cdk-iam-virtual-mfa:codes': 'true',
      },
    });
    const tagged = Object.entries(resourcesOf(stack, 'AWS::SecretsManager::Secret')).filter(([, { Properties }]) =>
      JSON.stringify(Properties.Tags).includes('cdk-iam-virtual-mfa:codes'),
    );
    expect(tagged.map(([id]) => id.slice(0, 5))).toEqual(['BobMf', 'Alice']);
    const [logicalIdOfKey] = onlyResourceOf(stack, 'AWS::KMS::Key');
    const decrypting = statements.find(({ Action }) => Action === 'kms:Decrypt');
    expect(decrypting?.Resource).toEqual({ 'Fn::GetAtt': [logicalIdOfKey, 'Arn'] });
    expect(decrypting?.Condition?.StringEquals).toHaveProperty('kms:ViaService');
    const [, permission] = onlyResourceOf(stack, 'AWS::Lambda::Permission');
    expect(permission.Properties).toMatchObject({ Action: 'lambda:InvokeFunction', Principal: '999999999999' });
  });

  test('lets the function decrypt under a key from outside the app, which it names as the secret does', () => {
    const stack = newStack();
    const keyArn = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
    const { device } = bobWithDevice({ encryptionKey: kms.Key.fromKeyArn(stack, 'Key', keyArn) }, stack);
    device.grantCode(runnerIn(stack));

    const [decrypting] = statementsOfRole(stack, CODES).filter(({ Action }) => Action === 'kms:Decrypt');
    const [, { Properties }] = onlyResourceOf(stack, 'AWS::SecretsManager::Secret');
    expect(decrypting?.Resource).toEqual(Properties.KmsKeyId);
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

    const resources = Template.fromStack(stack).toJSON().Resources as Record<string, TemplateResource>;
    const [secret] = onlyResourceOf(stack, 'AWS::SecretsManager::Secret');
    const { [secret]: before, ...rest } = Template.fromStack(without).toJSON().Resources as Record<
      string,
      TemplateResource
    >;
    expect(resources).toMatchObject(rest);
    const tagsOf = (resource?: TemplateResource) => resource?.Properties.Tags as readonly { Key: string }[];
    expect(tagsOf(resources[secret]).filter(({ Key }) => !Key.endsWith(':codes'))).toEqual(tagsOf(before));
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
