import recommendedFlags from 'aws-cdk-lib/recommended-feature-flags.json';
import { App, aws_iam as iam, NestedStack, Stack, Stage } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { CodePipeline, CodePipelineSource, ShellStep } from 'aws-cdk-lib/pipelines';
import { describe, expect, test } from 'vitest';
import { VirtualMfaDevice } from '../../lib';
import {
  bobWithDevice,
  DEVICE_TYPE,
  devicePropertiesOf,
  newStack,
  onlyResourceOf,
  resourcesOf,
  roleStatementsOf,
  STACK_ID_TAG,
  statementsOf,
  templateTextOf,
} from './templates';

const ACCOUNT = '123456789012';

test.each(['eu-west-1', 'cn-north-1', 'us-gov-west-1'])('in %s no ARN names the partition of another', (region) => {
  const { stack } = bobWithDevice({}, newStack({ env: { account: ACCOUNT, region } }));

  expect(templateTextOf(stack)).not.toMatch(/arn:aws[\w-]*:/);
  expect(JSON.stringify(roleStatementsOf(stack))).toContain(`:iam::${ACCOUNT}:mfa/*`);
});

describe('feature flags', () => {
  test.each([
    ['none', {}],
    ['all that the CDK recommends', recommendedFlags],
  ])('%s: the device, its user and its permissions are the same', (_which, context) => {
    const { stack } = bobWithDevice({ issuer: 'Example Corp' }, newStack({}, context));

    expect(devicePropertiesOf(stack)).toMatchObject({ Issuer: 'Example Corp', ServiceTimeout: '1200' });
    expect(roleStatementsOf(stack)).toHaveLength(7);
    const [, policy] = onlyResourceOf(stack, 'AWS::IAM::ManagedPolicy');
    expect(statementsOf(policy)).toHaveLength(1);
    const [, { Properties }] = onlyResourceOf(stack, 'AWS::SecretsManager::Secret');
    expect(Properties).not.toHaveProperty('GenerateSecretString');
  });
});

describe('scopes', () => {
  test('each stack has a provider of its own', () => {
    const app = new App();
    const stacks = ['One', 'Two'].map((id) => bobWithDevice({}, new Stack(app, id)).stack);

    for (const stack of stacks) {
      Template.fromStack(stack).resourceCountIs('AWS::Lambda::Function', 1);
    }
  });

  test('a nested stack has its own too, and its own stack id marks what it owns', () => {
    const parent = newStack();
    const nested = new NestedStack(parent, 'Nested');
    const user = new iam.User(parent, 'Bob');
    new VirtualMfaDevice(nested, 'Mfa', { user });

    expect(Object.keys(Template.fromStack(parent).findResources('AWS::Lambda::Function'))).toEqual([]);
    expect(onlyResourceOf(nested, 'AWS::SecretsManager::Secret')[1].Properties).toMatchObject({
      Tags: expect.arrayContaining([{ Key: STACK_ID_TAG, Value: { Ref: 'AWS::StackId' } }]) as unknown,
    });
    expect(JSON.stringify(roleStatementsOf(nested))).toContain('{"Ref":"AWS::StackId"}');
    expect(devicePropertiesOf(nested)).toMatchObject({ UserName: { Ref: expect.stringContaining('Bob') as string } });
  });

  test('stages synthesize', () => {
    const app = new App();
    for (const id of ['Beta', 'Production']) {
      bobWithDevice({}, new Stack(new Stage(app, id), 'Stack'));
    }

    expect(app.synth().nestedAssemblies).toHaveLength(2);
  });

  test('a user of another stack is deployed before, and named in this stack’s policy', () => {
    const app = new App();
    const users = new Stack(app, 'Users');
    const devices = new Stack(app, 'Devices');
    const bob = new iam.User(users, 'Bob');
    new VirtualMfaDevice(devices, 'BobMfa', { user: bob });

    app.synth();
    expect(devices.dependencies).toEqual([users]);
    const [, policy] = onlyResourceOf(devices, 'AWS::IAM::ManagedPolicy');
    expect(statementsOf(policy)[0]?.Resource).toHaveProperty('Fn::ImportValue');
    expect(onlyResourceOf(devices, DEVICE_TYPE)[1].Properties.UserName).toHaveProperty('Fn::ImportValue');
  });

  test('users of two stacks stay two, though their logical ids are the same', () => {
    const app = new App();
    const users = ['One', 'Two'].map((id) => new iam.User(new Stack(app, id), 'Bob'));
    const devices = new Stack(app, 'Devices');
    users.forEach((user, index) => new VirtualMfaDevice(devices, `Mfa${index}`, { user }));

    const [, policy] = onlyResourceOf(devices, 'AWS::IAM::ManagedPolicy');
    expect(statementsOf(policy)[0]?.Resource).toHaveLength(2);
  });
});

test('a permissions boundary that the app’s context prescribes reaches the handler’s role', () => {
  const boundary = { '@aws-cdk/core:permissionsBoundary': { name: 'developer-boundary' } };
  const { stack } = bobWithDevice({}, newStack({}, boundary));

  const [, { Properties }] = onlyResourceOf(stack, 'AWS::IAM::Role');
  expect(JSON.stringify(Properties.PermissionsBoundary)).toContain(':policy/developer-boundary');
});

test('a stack of CDK Pipelines deploys devices, in each of its stages', () => {
  const env = { account: ACCOUNT, region: 'eu-west-1' };
  const pipelines = newStack({ env });
  const pipeline = new CodePipeline(pipelines, 'Pipeline', {
    synth: new ShellStep('Synth', {
      input: CodePipelineSource.connection('example/app', 'main', {
        connectionArn: 'arn:aws:codestar-connections:eu-west-1:123456789012:connection/example',
      }),
      commands: ['npm ci', 'npx cdk synth'],
    }),
  });
  const stages = ['Beta', 'Production'].map((id) => new Stage(pipelines, id, { env }));
  const stacks = stages.map((stage) => bobWithDevice({}, new Stack(stage, 'Users')).stack);
  stages.forEach((stage) => pipeline.addStage(stage));

  expect(stacks.map((stack) => Object.keys(resourcesOf(stack, DEVICE_TYPE)).length)).toEqual([1, 1]);
  const [, { Properties }] = onlyResourceOf(pipelines, 'AWS::CodePipeline::Pipeline');
  expect((Properties.Stages as { Name: string }[]).map(({ Name }) => Name)).toEqual([
    'Source',
    'Build',
    'UpdatePipeline',
    'Assets',
    'Beta',
    'Production',
  ]);
});

test('the same app synthesizes to the same template', () => {
  const template = (): string => templateTextOf(bobWithDevice().stack);

  expect(template()).toBe(template());
});
