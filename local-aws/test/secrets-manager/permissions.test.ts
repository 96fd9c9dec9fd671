import { CreateUserCommand } from '@aws-sdk/client-iam';
import { UpdateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from 'vitest';
import { allow, type Clients, createAccessKey } from '../callers';
import { ACCOUNT_ID, refusalOf } from '../strict-account';
import { V2, useSeedSecret } from './seed-secret';

const { account, create, put, get, valueOf, remove } = useSeedSecret();

describe('a user without the permission', () => {
  let bob: Clients;

  beforeEach(async () => {
    await create({ SecretString: 'one', Tags: [{ Key: 'owner', Value: 'Bob' }] });
    await account().iam.send(new CreateUserCommand({ UserName: 'Bob' }));
    bob = account().as(await createAccessKey(account().iam, 'Bob'));
  });

  it('is refused as Secrets Manager refuses', async () => {
    const { code, status, message } = await refusalOf(get({}, bob));
    expect({ code, status }).toEqual({ code: 'AccessDeniedException', status: 400 });
    expect(message).toMatch(
      /is not authorized to perform: secretsmanager:GetSecretValue on resource: seed because no identity-based policy allows/,
    );
  });

  it('gets it by the tags of the secret', async () => {
    const Condition = { StringEquals: { 'aws:ResourceTag/owner': '${aws:username}' } };
    await allow(account().iam, 'Bob', { Effect: 'Allow', Action: 'secretsmanager:Get*', Resource: '*', Condition });
    expect((await get({}, bob)).SecretString).toBe('one');
    expect(await refusalOf(put(V2, 'two', undefined, bob))).toMatchObject({ code: 'AccessDeniedException' });
  });

  it('is refused, and learns of no absence, where a secret that was deleted by force has no tags any more', async () => {
    const Condition = { StringEquals: { 'aws:ResourceTag/owner': 'Bob' } };
    await allow(account().iam, 'Bob', { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*', Condition });
    const { ARN: SecretId } = await get({}, bob);
    await remove({ ForceDeleteWithoutRecovery: true });
    expect(await refusalOf(get({ SecretId }, bob))).toMatchObject({ code: 'AccessDeniedException', status: 400 });
  });
});

describe('a secret under a customer managed key', () => {
  const BOB = `arn:aws:iam::${ACCOUNT_ID}:user/Bob`;
  const everything = { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' };
  const useOfKeys = { Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: '*' };
  const wholeAccount = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${ACCOUNT_ID}:root` },
    Action: 'kms:*',
    Resource: '*',
  };
  let bob: Clients;

  const kms = (action: string, input: Record<string, unknown>) =>
    account().localAws.account.invoke('kms', action, input);
  const createKey = async (...Statement: unknown[]) => {
    const { KeyMetadata } = await kms('CreateKey', { Policy: JSON.stringify({ Version: '2012-10-17', Statement }) });
    return (KeyMetadata as { Arn: string }).Arn;
  };
  const createSecret = async (...statements: unknown[]) => {
    const KmsKeyId = await createKey(wholeAccount, ...statements);
    await create({ SecretString: 'one', KmsKeyId });
    return KmsKeyId;
  };
  const NO_KEY = { code: 'AccessDeniedException', status: 400, message: 'Access to KMS is not allowed' };

  beforeEach(async () => {
    await account().iam.send(new CreateUserCommand({ UserName: 'Bob' }));
    bob = account().as(await createAccessKey(account().iam, 'Bob'));
    await allow(account().iam, 'Bob', everything);
  });

  it('is not readable for who may read the secret but not use the key', async () => {
    await createSecret();
    expect(await refusalOf(get({}, bob))).toEqual(NO_KEY);
    expect(await refusalOf(put(V2, 'two', undefined, bob))).toEqual(NO_KEY);
    expect(await valueOf('AWSCURRENT')).toBe('one');
  });

  it('is readable where the key leaves the decision to the account, and the account allows it', async () => {
    await createSecret();
    await allow(account().iam, 'Bob', everything, useOfKeys);
    expect((await get({}, bob)).SecretString).toBe('one');
    await put(V2, 'two', undefined, bob);
  });

  it('is readable where the key names the reader', async () => {
    await createSecret({ Effect: 'Allow', Principal: { AWS: BOB }, Action: 'kms:Decrypt', Resource: '*' });
    expect((await get({}, bob)).SecretString).toBe('one');
    expect(await refusalOf(put(V2, 'two', undefined, bob))).toMatchObject(NO_KEY);
  });

  it('is not readable where the key or a policy of the reader denies it, whoever allows it', async () => {
    const allowed = { Effect: 'Allow', Principal: { AWS: BOB }, Action: 'kms:*', Resource: '*' };
    await createSecret(allowed);
    await allow(account().iam, 'Bob', everything, { ...useOfKeys, Effect: 'Deny' });
    expect(await refusalOf(get({}, bob))).toMatchObject(NO_KEY);

    await remove({ ForceDeleteWithoutRecovery: true });
    await createSecret(allowed, { ...allowed, Effect: 'Deny', Action: 'kms:Decrypt' });
    await allow(account().iam, 'Bob', everything, useOfKeys);
    expect(await refusalOf(get({}, bob))).toMatchObject(NO_KEY);
  });

  it('is readable through Secrets Manager alone where the key wants that', async () => {
    const via = (service: string) => ({
      ...useOfKeys,
      Condition: { StringEquals: { 'kms:ViaService': `${service}.us-east-1.amazonaws.com` } },
    });
    await createSecret();
    await allow(account().iam, 'Bob', everything, via('s3'));
    expect(await refusalOf(get({}, bob))).toMatchObject(NO_KEY);
    await allow(account().iam, 'Bob', everything, via('secretsmanager'));
    await get({}, bob);
  });

  it('is readable for nobody while the key is disabled or about to be deleted, and needs a key that exists', async () => {
    const KeyId = await createSecret();
    await kms('DisableKey', { KeyId });
    expect((await refusalOf(get())).message).toContain('is disabled');
    await kms('EnableKey', { KeyId });
    await get();
    await kms('ScheduleKeyDeletion', { KeyId });
    expect((await refusalOf(get())).message).toContain('is pending deletion');
    const none = create({ Name: 'other', SecretString: 'x', KmsKeyId: 'none' });
    expect(await refusalOf(none)).toMatchObject({ code: 'NotFoundException' });
  });

  it('takes no other key that does not exist, once it has a value to encrypt anew', async () => {
    const KmsKeyId = `arn:aws:kms:us-east-1:${ACCOUNT_ID}:key/none`;
    const update = (SecretId: string) => account().secretsManager.send(new UpdateSecretCommand({ SecretId, KmsKeyId }));
    await create({ SecretString: 'one' });
    await create({ Name: 'empty' });

    expect(await refusalOf(update('seed'))).toMatchObject({ code: 'NotFoundException' });
    expect(await valueOf('AWSCURRENT')).toBe('one');
    await update('empty');
  });

  it('takes its key by an alias too', async () => {
    const TargetKeyId = await createKey(wholeAccount);
    await kms('CreateAlias', { AliasName: 'alias/seeds', TargetKeyId });
    await create({ SecretString: 'one', KmsKeyId: 'alias/seeds' });
    expect(await valueOf('AWSCURRENT')).toBe('one');
    await kms('DisableKey', { KeyId: TargetKeyId });
    expect((await refusalOf(get())).message).toContain(TargetKeyId);
  });
});
