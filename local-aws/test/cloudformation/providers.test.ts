import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Account } from '../../src/account';
import { cloudFormationService } from '../../src/cloudformation';
import { Iam } from '../../src/iam';
import { Kms } from '../../src/kms';
import { LambdaService } from '../../src/lambda/lambda-service';
import { LogStore, logsService } from '../../src/logs';
import { SecretsManager } from '../../src/secretsmanager';
import { requestHandler, serve } from '../../src/server';
import { Scheduler } from '../../src/scheduler';
import { Ssm } from '../../src/ssm';
import { Sts } from '../../src/sts';

/** CloudFormation with the services that its resource types live in. */
async function startAccount() {
  const account = new Account({
    accountId: '123456789012',
    region: 'eu-central-1',
    partition: 'aws',
    now: () => Date.now(),
  });
  const iam = new Iam(account);
  const kms = new Kms(account);
  const logs = new LogStore(account.now);
  const scheduler = new Scheduler(account, {
    roleForService: (...role) => new Sts(account, iam.state).roleForService(...role),
    invoke: async () => ({ kind: 'returned', payload: null }),
  });
  let url = '';
  const endpoint = () => url;
  const readObject = () => Buffer.alloc(0);
  const lambda = new LambdaService(account, {
    assumeRole: () => ({ accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'secret' }),
    readObject,
    endpoint,
    logs,
  });
  const cloudFormation = cloudFormationService(account, { lambda, scheduler, readObject, endpoint });
  for (const service of [
    iam,
    kms,
    new SecretsManager(account, kms, lambda),
    new Ssm(account),
    logsService(account, logs),
    cloudFormation.service,
  ]) {
    account.register(service);
  }
  const server = await serve(requestHandler(account, [lambda.route, cloudFormation.route]), 0);
  url = server.url;
  const credentials = account.credentials.issueAccessKey(account.root);
  const client = new CloudFormationClient({ endpoint: url, region: 'eu-central-1', credentials, maxAttempts: 1 });
  const settled = async (StackName: string) => {
    for (;;) {
      const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName }));
      if (stack && !stack.StackStatus?.endsWith('_IN_PROGRESS')) return stack;
      await delay(5);
    }
  };
  const request = (resources: unknown, outputs: unknown, tags: Record<string, string> = {}) => ({
    StackName: 'demo',
    TemplateBody: JSON.stringify({ Resources: resources, Outputs: outputs }),
    Capabilities: ['CAPABILITY_NAMED_IAM' as const],
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  });
  return {
    account,
    logs,
    lambda,
    create: async (resources: unknown, outputs: unknown = {}, tags: Record<string, string> = {}) => {
      const { StackId = '' } = await client.send(new CreateStackCommand(request(resources, outputs, tags)));
      return settled(StackId);
    },
    update: async (resources: unknown, outputs: unknown = {}, tags: Record<string, string> = {}) => {
      await client.send(new UpdateStackCommand(request(resources, outputs, tags)));
      return settled('demo');
    },
    delete: async () => {
      const { StackId = '' } = await settled('demo');
      await client.send(new DeleteStackCommand({ StackName: 'demo' }));
      return settled(StackId);
    },
    failures: async () => {
      const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName: 'demo' }));
      return StackEvents.filter(({ ResourceStatus }) => ResourceStatus?.endsWith('_FAILED')).map(
        ({ LogicalResourceId, ResourceStatusReason }) => `${LogicalResourceId}: ${ResourceStatusReason}`,
      );
    },
    close: async () => {
      await cloudFormation.close();
      await lambda.close();
      client.destroy();
      await server.close();
    },
  };
}

let aws: Awaited<ReturnType<typeof startAccount>>;
beforeEach(async () => {
  aws = await startAccount();
});
afterEach(async () => aws.close());

const POLICY = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }] };
const TRUST = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};
const outputs = (values: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(values).map(([key, Value]) => [key, { Value }]));
const valuesOf = ({
  Outputs = [],
}: {
  Outputs?: { OutputKey?: string; OutputValue?: string }[];
}): Record<string, string | undefined> =>
  Object.fromEntries(Outputs.map(({ OutputKey = '', OutputValue }) => [OutputKey, OutputValue]));

describe('IAM resources', () => {
  const resources = (more: Record<string, unknown> = {}, size = 's3:GetObject') => ({
    Group: { Type: 'AWS::IAM::Group', Properties: { Policies: [{ PolicyName: 'own', PolicyDocument: POLICY }] } },
    User: {
      Type: 'AWS::IAM::User',
      Properties: {
        UserName: 'bob',
        Path: '/people/',
        Groups: [{ Ref: 'Group' }],
        LoginProfile: { Password: 'correct-Horse-battery-1', PasswordResetRequired: true },
        ManagedPolicyArns: [{ Ref: 'Managed' }],
        Policies: [{ PolicyName: 'own', PolicyDocument: POLICY }],
        Tags: [{ Key: 'team', Value: 'red' }],
        ...more,
      },
    },
    Managed: {
      Type: 'AWS::IAM::ManagedPolicy',
      Properties: {
        PolicyDocument: { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: size, Resource: '*' } },
        Groups: [{ Ref: 'Group' }],
      },
    },
    Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: TRUST } },
    Policy: {
      Type: 'AWS::IAM::Policy',
      Properties: { PolicyName: 'inline', PolicyDocument: POLICY, Roles: [{ Ref: 'Role' }], Users: [{ Ref: 'User' }] },
    },
    Other: { Type: 'AWS::IAM::User' },
  });

  it('are made, changed and deleted with all that the template gave them', async () => {
    const stack = await aws.create(
      resources(),
      outputs({
        UserArn: { 'Fn::GetAtt': ['User', 'Arn'] },
        Other: { Ref: 'Other' },
        RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
        Policy: { Ref: 'Managed' },
      }),
    );
    expect(await aws.failures()).toEqual([]);
    expect(stack.StackStatus).toBe('CREATE_COMPLETE');
    const values = valuesOf(stack);
    expect(values.UserArn).toBe('arn:aws:iam::123456789012:user/people/bob');
    expect(values.Other).toMatch(/^demo-Other-[A-Z0-9]{12}$/);
    expect(values.RoleArn).toMatch(/^arn:aws:iam::123456789012:role\/demo-Role-[A-Z0-9]{12}$/);
    expect(values.Policy).toMatch(/:policy\/demo-Managed-[A-Z0-9]{12}$/);

    const changed = { Path: '/staff/', Tags: [{ Key: 'team', Value: 'blue' }], Policies: [] };
    for (const size of ['s3:a', 's3:b', 's3:c', 's3:d', 's3:e', 's3:f']) {
      expect((await aws.update(resources(changed, size))).StackStatus).toBe('UPDATE_COMPLETE');
    }
    const { User } = await aws.account.invoke('iam', 'GetUser', { UserName: 'bob' });
    expect(User).toMatchObject({ Path: '/staff/', Tags: [{ Key: 'team', Value: 'blue' }] });
    const { User: untouched } = await aws.account.invoke('iam', 'GetUser', { UserName: values.Other });
    expect(untouched).toBeDefined();

    expect((await aws.delete()).StackStatus).toBe('DELETE_COMPLETE');
    const { Users } = await aws.account.invoke('iam', 'ListUsers', {});
    expect(Users).toEqual([]);
  });

  it('get the tags of their stack, and lose them with it', async () => {
    const user = {
      User: { Type: 'AWS::IAM::User', Properties: { UserName: 'bob', Tags: [{ Key: 'a', Value: 'own' }] } },
    };
    await aws.create(user, {}, { a: 'stack', b: 'stack' });
    const tags = async () =>
      ((await aws.account.invoke('iam', 'GetUser', { UserName: 'bob' })).User as { Tags: unknown }).Tags;
    expect(await tags()).toEqual(
      expect.arrayContaining([
        { Key: 'a', Value: 'own' },
        { Key: 'b', Value: 'stack' },
      ]),
    );
    expect((await aws.update(user, {}, { c: 'stack' })).StackStatus).toBe('UPDATE_COMPLETE');
    expect(await tags()).toEqual(
      expect.arrayContaining([
        { Key: 'a', Value: 'own' },
        { Key: 'c', Value: 'stack' },
      ]),
    );
    expect(await tags()).toHaveLength(2);
  });

  it('are not replaced under the name that they have', async () => {
    const policy = (Description: string) => ({
      Policy: {
        Type: 'AWS::IAM::ManagedPolicy',
        Properties: { ManagedPolicyName: 'reading', Description, PolicyDocument: POLICY },
      },
    });
    await aws.create(policy('old'));
    expect((await aws.update(policy('new'))).StackStatus).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect((await aws.failures()).join()).toMatch(
      /custom-named resource requires replacing\. Rename "reading" and update/,
    );
  });

  it('give an inline policy another name in place, as CloudFormation does', async () => {
    const policy = (PolicyName: string) => ({
      User: { Type: 'AWS::IAM::User', Properties: { UserName: 'bob' } },
      Policy: {
        Type: 'AWS::IAM::Policy',
        Properties: { PolicyName, PolicyDocument: POLICY, Users: [{ Ref: 'User' }] },
      },
    });
    await aws.create(policy('old'));
    expect((await aws.update(policy('new'))).StackStatus).toBe('UPDATE_COMPLETE');
    expect(await aws.account.invoke('iam', 'ListUserPolicies', { UserName: 'bob' })).toMatchObject({
      PolicyNames: ['new'],
    });
  });

  it('take back a user whose second half failed', async () => {
    const stack = await aws.create({
      User: { Type: 'AWS::IAM::User', Properties: { UserName: 'bob', Groups: ['no-such-group'] } },
    });
    expect(stack.StackStatus).toBe('ROLLBACK_COMPLETE');
    await expect(aws.account.invoke('iam', 'GetUser', { UserName: 'bob' })).rejects.toThrow('bob');
  });
});

describe('other resources', () => {
  const resources = (description: string, retention: number, actions: string) => ({
    Key: {
      Type: 'AWS::KMS::Key',
      Properties: {
        EnableKeyRotation: true,
        KeyPolicy: {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { AWS: { 'Fn::Sub': 'arn:aws:iam::${AWS::AccountId}:root' } },
              Action: actions,
              Resource: '*',
            },
          ],
        },
      },
    },
    Secret: {
      Type: 'AWS::SecretsManager::Secret',
      Properties: { Description: description, KmsKeyId: { 'Fn::GetAtt': ['Key', 'Arn'] } },
    },
    Parameter: { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: description } },
    Logs: { Type: 'AWS::Logs::LogGroup', Properties: { RetentionInDays: retention } },
    Handle: { Type: 'AWS::CloudFormation::WaitConditionHandle' },
  });

  it('are made, changed and deleted', async () => {
    const stack = await aws.create(
      resources('one', 7, 'kms:*'),
      outputs({ Secret: { Ref: 'Secret' }, Logs: { Ref: 'Logs' }, LogsArn: { 'Fn::GetAtt': 'Logs.Arn' } }),
      { team: 'red' },
    );
    expect(await aws.failures()).toEqual([]);
    const { Secret, Logs = '', LogsArn } = valuesOf(stack);
    expect(Secret).toMatch(
      /^arn:aws:secretsmanager:eu-central-1:123456789012:secret:Secret-[0-9a-zA-Z]{12}-[0-9a-zA-Z]{6}$/,
    );
    expect(LogsArn).toBe(`arn:aws:logs:eu-central-1:123456789012:log-group:${Logs}:*`);
    expect(aws.logs.group(Logs)).toMatchObject({ retentionInDays: 7, tags: { team: 'red' } });
    expect(await aws.account.invoke('secretsmanager', 'DescribeSecret', { SecretId: Secret })).toMatchObject({
      Description: 'one',
      Tags: [
        { Key: 'team', Value: 'red' },
        { Key: 'aws:cloudformation:stack-id', Value: stack.StackId },
        { Key: 'aws:cloudformation:stack-name', Value: 'demo' },
        { Key: 'aws:cloudformation:logical-id', Value: 'Secret' },
      ],
    });
    await expect(aws.account.invoke('secretsmanager', 'GetSecretValue', { SecretId: Secret })).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
    });
    expect((await aws.update(resources('two', 30, 'kms:Put*'), {}, { team: 'blue' })).StackStatus).toBe(
      'UPDATE_COMPLETE',
    );
    expect(aws.logs.group(Logs)).toMatchObject({ retentionInDays: 30, tags: { team: 'blue' } });
    const { Tags } = await aws.account.invoke('secretsmanager', 'DescribeSecret', { SecretId: Secret });
    expect(Tags).toHaveLength(4);
    expect(Tags).toContainEqual({ Key: 'team', Value: 'blue' });
    expect((await aws.delete()).StackStatus).toBe('DELETE_COMPLETE');
    expect(aws.logs.groups()).toEqual([]);
  });
});

describe('a reference to a secret', () => {
  const seed = (secret: string) => `{{resolve:secretsmanager:${secret}:SecretString:seed}}`;
  const user = (Path: string) => ({ User: { Type: 'AWS::IAM::User', Properties: { Path, UserName: 'Bob' } } });

  it("is resolved in an ordinary resource's properties, for whoever may read those", async () => {
    const value = { Name: 'alice', SecretString: '{"seed":"JBSWY3DPEHPK3PXP"}' };
    const { ARN } = await aws.account.invoke('secretsmanager', 'CreateSecret', value);
    const stack = await aws.create(user(`/${seed(String(ARN))}/`));
    expect(stack.StackStatus).toBe('CREATE_COMPLETE');
    const { User } = await aws.account.invoke('iam', 'GetUser', { UserName: 'Bob' });
    expect(User).toMatchObject({ Path: '/JBSWY3DPEHPK3PXP/' });
  });

  it('fails its resource where the secret is absent', async () => {
    expect((await aws.create(user(`/${seed('absent')}/`))).StackStatus).toBe('ROLLBACK_COMPLETE');
    expect(await aws.failures()).toEqual([
      expect.stringMatching(/^User: .*Secrets Manager can't find the specified secret\./),
    ]);
  });
});

describe('a custom resource behind a real function', () => {
  const handler = (value: string) => `
    const { request } = require('node:http');
    exports.handler = (event) => new Promise((resolve, reject) => {
      const { StackId, RequestId, LogicalResourceId } = event;
      const body = JSON.stringify({
        Status: 'SUCCESS', StackId, RequestId, LogicalResourceId, PhysicalResourceId: 'made', Data: { Value: '${value}' + process.env.SUFFIX },
      });
      const sent = request(event.ResponseURL, { method: 'PUT', headers: { 'content-length': body.length } }, (response) => {
        response.resume();
        response.on('end', resolve);
      });
      sent.on('error', reject);
      sent.end(body);
    });`;
  const resources = (value: string) => ({
    Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: TRUST } },
    Function: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Code: { ZipFile: handler(value) },
        Handler: 'index.handler',
        Runtime: 'nodejs24.x',
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        Environment: { Variables: { SUFFIX: '!' } },
      },
    },
    Thing: {
      Type: 'AWS::CloudFormation::CustomResource',
      Properties: { ServiceToken: { 'Fn::GetAtt': ['Function', 'Arn'] }, Trigger: value },
    },
  });

  it('is made, changed after its function, and deleted before it', async () => {
    const value = outputs({ Value: { 'Fn::GetAtt': ['Thing', 'Value'] } });
    expect(valuesOf(await aws.create(resources('one'), value))).toEqual({ Value: 'one!' });
    expect(valuesOf(await aws.update(resources('two'), value))).toEqual({ Value: 'two!' });
    expect((await aws.delete()).StackStatus).toBe('DELETE_COMPLETE');
    await expect.poll(() => aws.lambda.processCount).toBe(0);
  });
});
