import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { CreateSecretCommand, DescribeSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ACCOUNT_ID, startStrictAccount, type StrictAccount } from '../strict-account';

/** A rotation function that adds a plus to the value. It fails its test where its environment says so. */
const CODE = `
const { SecretsManager } = require('@aws-sdk/client-secrets-manager');
const client = new SecretsManager({});
exports.handler = async ({ Step, SecretId, ClientRequestToken, RotationToken }) => {
  console.log(Step);
  if (Step === 'testSecret' && process.env.FAILS) throw new Error('The new value does not work');
  const current = await client.getSecretValue({ SecretId });
  if (Step === 'createSecret') {
    const SecretString = current.SecretString + '+';
    await client.putSecretValue({ SecretId, ClientRequestToken, RotationToken, SecretString, VersionStages: ['AWSPENDING'] });
  }
  if (Step === 'finishSecret') {
    await client.updateSecretVersionStage({
      SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: ClientRequestToken, RemoveFromVersionId: current.VersionId });
  }
};`;

const TRUST = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};
const POLICY = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'secretsmanager:*', Resource: { Ref: 'Secret' } }],
};
const PERMISSION = {
  Action: 'lambda:InvokeFunction',
  FunctionName: { 'Fn::GetAtt': ['Rotator', 'Arn'] },
  Principal: 'secretsmanager.amazonaws.com',
  SourceAccount: { Ref: 'AWS::AccountId' },
  SourceArn: { Ref: 'Secret' },
};
const SCHEDULE = {
  SecretId: { Ref: 'Secret' },
  RotationLambdaARN: { 'Fn::GetAtt': ['Rotator', 'Arn'] },
  RotationRules: { ScheduleExpression: 'rate(30 days)' },
};

/** A secret that is rotated. */
function rotatedSecret({
  permission = {},
  schedule = {},
  fails = false,
}: {
  readonly permission?: object;
  readonly schedule?: object;
  readonly fails?: boolean;
} = {}) {
  return {
    Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'seed', SecretString: 'one' } },
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        AssumeRolePolicyDocument: TRUST,
        Policies: [{ PolicyName: 'rotate', PolicyDocument: POLICY }],
      },
    },
    Rotator: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Code: { ZipFile: CODE },
        FunctionName: 'rotator',
        Handler: 'index.handler',
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        Runtime: 'nodejs24.x',
        Timeout: 60,
        ...(fails ? { Environment: { Variables: { FAILS: 'yes' } } } : {}),
      },
    },
    Permission: { Type: 'AWS::Lambda::Permission', Properties: { ...PERMISSION, ...permission } },
    Schedule: {
      Type: 'AWS::SecretsManager::RotationSchedule',
      Properties: { ...SCHEDULE, ...schedule },
      DependsOn: 'Permission',
    },
  };
}

let account: StrictAccount;
let client: CloudFormationClient;

beforeEach(async () => {
  account = await startStrictAccount();
  const { endpoint, region, credentials } = account.localAws.clientConfiguration;
  client = new CloudFormationClient({ endpoint, region, credentials, maxAttempts: 1 });
});

afterEach(async () => {
  client.destroy();
  await account.close();
});

async function settled(StackName = 'demo') {
  for (;;) {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    if (stack && !stack.StackStatus?.endsWith('_IN_PROGRESS')) return stack;
    await delay(5);
  }
}

const templateOf = (Resources: object) => ({
  StackName: 'demo',
  TemplateBody: JSON.stringify({
    Resources,
    Outputs: {
      Secret: { Value: { Ref: 'Secret' } },
      Schedule: { Value: { Ref: 'Schedule' } },
      ScheduleId: { Value: { 'Fn::GetAtt': ['Schedule', 'Id'] } },
    },
  }),
  Capabilities: ['CAPABILITY_IAM' as const],
});

async function create(resources: object) {
  await client.send(new CreateStackCommand(templateOf(resources)));
  const { StackStatus, Outputs = [] } = await settled();
  return { StackStatus, outputs: new Map(Outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue])) };
}

async function update(resources: object) {
  await client.send(new UpdateStackCommand(templateOf(resources)));
  return settled();
}

async function failures() {
  const { StackEvents = [] } = await client.send(new DescribeStackEventsCommand({ StackName: 'demo' }));
  return StackEvents.filter(({ ResourceStatus }) => ResourceStatus?.endsWith('_FAILED')).map(
    ({ LogicalResourceId, ResourceStatusReason }) => `${LogicalResourceId}: ${ResourceStatusReason}`,
  );
}

const describeSecret = (SecretId = 'seed') => account.secretsManager.send(new DescribeSecretCommand({ SecretId }));
const value = async () =>
  (await account.secretsManager.send(new GetSecretValueCommand({ SecretId: 'seed' }))).SecretString;
const ran = () =>
  account.localAws.logs
    .group('/aws/lambda/rotator')
    .events.flatMap(({ message }) => /\b\w+Secret$/.exec(message.trim())?.[0] ?? []);

describe('a rotation schedule', () => {
  it('rotates the secret by its function at once, and when it is due', async () => {
    const { StackStatus, outputs } = await create(rotatedSecret());
    expect([await failures(), StackStatus]).toEqual([[], 'CREATE_COMPLETE']);
    expect(new Set(outputs.values())).toEqual(new Set([(await describeSecret()).ARN]));

    await account.localAws.secretsManager.ended();
    expect(account.localAws.secretsManager.outcomes).toMatchObject([{ eventName: 'RotationSucceeded' }]);
    expect(ran()).toEqual(['createSecret', 'setSecret', 'testSecret', 'finishSecret']);
    expect(await value()).toBe('one+');

    account.localAws.account.advanceClock(30 * 86_400_000);
    await account.localAws.secretsManager.rotateDue();
    expect(await value()).toBe('one++');
  });

  it('only tests the function where the template says so', async () => {
    await create(rotatedSecret({ schedule: { RotateImmediatelyOnUpdate: false } }));
    expect(await failures()).toEqual([]);
    expect(ran()).toEqual(['testSecret']);
    expect(await value()).toBe('one');
    expect(await describeSecret()).toMatchObject({ RotationEnabled: true });
  });

  it('fails where the function fails that test, and leaves the secret as it was', async () => {
    const { ARN = '' } = await account.secretsManager.send(
      new CreateSecretCommand({ Name: 'other', SecretString: 'one' }),
    );
    const { StackStatus } = await create(
      rotatedSecret({
        permission: { SourceArn: ARN },
        schedule: { SecretId: ARN, RotateImmediatelyOnUpdate: false },
        fails: true,
      }),
    );
    expect(StackStatus).toBe('ROLLBACK_COMPLETE');
    expect(await failures()).toEqual([
      expect.stringMatching(/^Schedule: .*The rotation function failed the test: .*The new value does not work/),
    ]);
    expect(await describeSecret('other')).toMatchObject({ RotationEnabled: false });
  });

  it('rotates no more when the permission is gone', async () => {
    const { Permission: _, ...others } = rotatedSecret({ schedule: { RotateImmediatelyOnUpdate: false } });
    await create(rotatedSecret({ schedule: { RotateImmediatelyOnUpdate: false } }));
    const Schedule = { ...others.Schedule, DependsOn: [] };
    expect(await update({ ...others, Schedule })).toMatchObject({ StackStatus: 'UPDATE_COMPLETE' });
    account.localAws.account.advanceClock(30 * 86_400_000);
    await account.localAws.secretsManager.rotateDue();
    expect(account.localAws.secretsManager.outcomes.at(-1)).toMatchObject({
      eventName: 'RotationFailed',
      error: { code: 'AccessDeniedException' },
    });
    expect(await value()).toBe('one');
  });

  it.each([
    ['of another service', { Principal: 'events.amazonaws.com' }],
    ['of another account', { SourceAccount: '999999999999' }],
    ['of another secret', { SourceArn: `arn:aws:secretsmanager:us-east-1:${ACCOUNT_ID}:secret:other-aaaaaa` }],
    ['to do something else', { Action: 'lambda:GetFunction' }],
  ])('fails with a permission %s', async (_which, permission) => {
    const { StackStatus } = await create(rotatedSecret({ permission }));
    expect(StackStatus).toBe('ROLLBACK_COMPLETE');
    expect(await failures()).toEqual([
      expect.stringContaining(
        'Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.',
      ),
    ]);
  });

  it('changes in place', async () => {
    await create(rotatedSecret({ schedule: { RotateImmediatelyOnUpdate: false } }));
    const changed = { RotateImmediatelyOnUpdate: false, RotationRules: { AutomaticallyAfterDays: 7, Duration: '2h' } };
    expect(await update(rotatedSecret({ schedule: changed }))).toMatchObject({ StackStatus: 'UPDATE_COMPLETE' });
    expect((await describeSecret()).RotationRules).toEqual({ AutomaticallyAfterDays: 7, Duration: '2h' });
    expect(ran()).toEqual(['testSecret', 'testSecret']);
  });

  it('turns rotation off when it is deleted', async () => {
    const { Schedule: _, ...others } = rotatedSecret();
    await create(rotatedSecret());
    await account.localAws.secretsManager.ended();
    await client.send(
      new UpdateStackCommand({ ...templateOf(others), TemplateBody: JSON.stringify({ Resources: others }) }),
    );
    await settled();
    expect(await describeSecret()).toMatchObject({ RotationEnabled: false });

    const { StackId } = await settled();
    await client.send(new DeleteStackCommand({ StackName: 'demo' }));
    expect(await settled(StackId)).toMatchObject({ StackStatus: 'DELETE_COMPLETE' });
  });

  it('is refused with a property that local-aws does not have', async () => {
    const hosted = rotatedSecret({ schedule: { HostedRotationLambda: { RotationType: 'MySQLSingleUser' } } });
    await expect(create(hosted)).rejects.toThrow(/HostedRotationLambda/);
  });
});

describe('a permission', () => {
  it('is of the function or of one alias', async () => {
    const { lambda } = account.localAws;
    const source = { account: ACCOUNT_ID, arn: 'arn:of:a:secret' };
    const permitted = () =>
      ['rotator', 'rotator:live'].map((name) =>
        lambda.mayInvoke(
          'secretsmanager.amazonaws.com',
          account.localAws.account.arn('lambda', `function:${name}`),
          source,
        ),
      );
    const { Schedule: _, ...others } = rotatedSecret();
    const alias = {
      Alias: {
        Type: 'AWS::Lambda::Alias',
        Properties: { FunctionName: { Ref: 'Rotator' }, Name: 'live', FunctionVersion: '$LATEST' },
      },
    };
    const permissionOf = (FunctionName: unknown) => ({
      Permission: {
        Type: 'AWS::Lambda::Permission',
        Properties: { Action: 'lambda:InvokeFunction', FunctionName, Principal: 'secretsmanager.amazonaws.com' },
        DependsOn: 'Alias',
      },
    });
    const template = (resources: object) => ({
      StackName: 'demo',
      TemplateBody: JSON.stringify({ Resources: resources }),
      Capabilities: ['CAPABILITY_IAM' as const],
    });
    await client.send(new CreateStackCommand(template({ ...others, ...alias, ...permissionOf({ Ref: 'Alias' }) })));
    await settled();
    expect([await failures(), permitted()]).toEqual([[], [false, true]]);

    await client.send(new UpdateStackCommand(template({ ...others, ...alias, ...permissionOf({ Ref: 'Rotator' }) })));
    await settled();
    expect([await failures(), permitted()]).toEqual([[], [true, false]]);

    const { Permission: __, ...without } = others;
    await client.send(new UpdateStackCommand(template({ ...without, ...alias })));
    await settled();
    expect([await failures(), permitted()]).toEqual([[], [false, false]]);
  });
});
