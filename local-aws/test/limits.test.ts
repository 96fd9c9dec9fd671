import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStrictAccount, type StrictAccount } from './strict-account';

let account: StrictAccount;
beforeAll(async () => {
  account = await startStrictAccount();
  const { account: inside } = account.localAws;
  await inside.invoke('iam', 'CreateUser', { UserName: 'Bob' });
  await inside.invoke('secretsmanager', 'CreateSecret', { Name: 'seed' });
  await inside.invoke('kms', 'CreateKey', {});
});
afterAll(() => account.close());

const POLICY = JSON.stringify({ Statement: { Effect: 'Allow', Action: 's3:GetObject', Resource: 'x'.repeat(3000) } });

describe('limits that AWS’s models do not have, and what local-aws does not do', () => {
  it.each([
    [
      'iam:PutUserPolicy',
      { UserName: 'Bob', PolicyName: 'large', PolicyDocument: POLICY },
      ['LimitExceeded', 'Maximum policy size of 2048 bytes exceeded for user Bob'],
    ],
    [
      'iam:PutUserPolicy',
      { UserName: 'Bob', PolicyName: 'no', PolicyDocument: '{' },
      ['MalformedPolicyDocument', 'Syntax'],
    ],
    [
      'secretsmanager:PutSecretValue',
      { SecretId: 'seed' },
      ['InvalidRequestException', 'You must provide either SecretString or SecretBinary.'],
    ],
    [
      'kms:CreateKey',
      { KeyUsage: 'SIGN_VERIFY' },
      ['NotImplemented', 'a KMS key of SYMMETRIC_DEFAULT for SIGN_VERIFY'],
    ],
    ['kms:CreateAlias', { AliasName: 'seeds', TargetKeyId: 'any' }, ['NotFoundException', "'any' does not exist"]],
    ['ssm:PutParameter', { Name: 'a', Type: 'SecureString', Value: 'x' }, ['NotImplemented', 'SecureString']],
    ['ssm:PutParameter', { Name: 'a', Value: 'x'.repeat(4097) }, ['ValidationException', '4096 characters']],
    ['logs:CreateLogGroup', { logGroupName: 'a', logGroupClass: 'DELIVERY' }, ['NotImplemented', 'the class DELIVERY']],
    ['logs:CreateLogGroup', { logGroupName: 'a b' }, ['ValidationError', "Value 'a b' at 'logGroupName' failed"]],
    [
      'cloudformation:CreateStack',
      { StackName: 'x', DeploymentConfig: { Mode: 'EXPRESS' } },
      ['NotImplemented', 'EXPRESS'],
    ],
    ['cloudformation:DeleteStack', { StackName: 'x', DeletionMode: 'FORCE_DELETE_STACK' }, ['NotImplemented', 'FORCE']],
    [
      'cloudformation:CreateStack',
      { StackName: 'x', RollbackConfiguration: { MonitoringTimeInMinutes: 1 } },
      ['NotImplemented', 'triggers of a rollback'],
    ],
  ])('%s is refused: %j', async (call, input, [code, words = '']) => {
    const [service = '', action = ''] = call.split(':');
    await expect(account.localAws.account.invoke(service, action, input)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words) as string,
    });
  });

  it('holds for a key as long as for its alias', async () => {
    const { account: inside } = account.localAws;
    const { KeyMetadata } = await inside.invoke('kms', 'CreateKey', {});
    const { KeyId } = KeyMetadata as { KeyId: string };
    const alias = inside.invoke('kms', 'CreateAlias', { AliasName: 'seeds', TargetKeyId: KeyId });
    await expect(alias).rejects.toThrow('Alias must start with the prefix "alias/"');
    for (const PendingWindowInDays of [6, 31]) {
      const deletion = inside.invoke('kms', 'ScheduleKeyDeletion', { KeyId, PendingWindowInDays });
      await expect(deletion).rejects.toThrow('must be between 7 and 30');
    }
    expect((await inside.invoke('kms', 'DescribeKey', { KeyId })).KeyMetadata).toMatchObject({ KeyState: 'Enabled' });
  });
});
