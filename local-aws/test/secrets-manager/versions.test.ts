import { ListSecretVersionIdsCommand, UpdateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from 'vitest';
import { NOON, refusalOf } from '../strict-account';
import { token, V1, V2, V3, useSeedSecret } from './seed-secret';

const { account, create, put, get, valueOf, labels, moveLabel } = useSeedSecret();

describe('the versions of a secret', () => {
  it('are current one after the other; the one before is the previous one', async () => {
    await create({ SecretString: 'one', ClientRequestToken: V1 });
    expect(await labels()).toEqual({ [V1]: ['AWSCURRENT'] });
    await put(V2, 'two');
    expect(await labels()).toEqual({ [V1]: ['AWSPREVIOUS'], [V2]: ['AWSCURRENT'] });
    const { VersionStages, VersionId } = await put(V3, 'three');
    expect({ VersionStages, VersionId }).toEqual({ VersionStages: ['AWSCURRENT'], VersionId: V3 });
    expect(await labels()).toEqual({ [V2]: ['AWSPREVIOUS'], [V3]: ['AWSCURRENT'] });
    expect([await valueOf('AWSCURRENT'), await valueOf('AWSPREVIOUS')]).toEqual(['three', 'two']);
    expect((await get({ VersionId: V1 })).SecretString).toBe('one');
    expect(await get({ VersionId: V1 })).not.toHaveProperty('VersionStages');
  });

  it('begin with one that is current, whatever label it was given', async () => {
    await create();
    await put(V1, 'one', ['AWSPENDING']);
    expect((await labels())[V1]?.toSorted()).toEqual(['AWSCURRENT', 'AWSPENDING']);
    await put(V2, 'two', ['AWSPENDING']);
    expect(await labels()).toEqual({ [V1]: ['AWSCURRENT'], [V2]: ['AWSPENDING'] });
    expect([await valueOf('AWSCURRENT'), await valueOf('AWSPENDING')]).toEqual(['one', 'two']);
  });

  it('are added once by a request that comes twice, and never overwritten', async () => {
    await create({ SecretString: 'one', ClientRequestToken: V1 });
    await put(V2, 'two');
    await put(V3, 'three');
    await put(V2, 'two');
    expect(await labels()).toEqual({ [V2]: ['AWSPREVIOUS'], [V3]: ['AWSCURRENT'] });
    const update = new UpdateSecretCommand({ SecretId: 'seed', SecretString: 'two', ClientRequestToken: V2 });
    expect((await account().secretsManager.send(update)).VersionId).toBe(V2);
    expect(await labels()).toEqual({ [V2]: ['AWSPREVIOUS'], [V3]: ['AWSCURRENT'] });
    expect((await put(V2, 'two', ['mine'])).VersionStages).toEqual(['AWSPREVIOUS', 'mine']);
    expect(await refusalOf(put(V2, 'other'))).toMatchObject({
      code: 'ResourceExistsException',
      message: expect.stringContaining(`You can't use ClientRequestToken ${V2}`) as string,
    });
    expect((await get({ VersionId: V2 })).SecretString).toBe('two');
  });

  it.each<[string, () => Promise<unknown>]>([
    ['PutSecretValue', () => put(V3, 'three')],
    [
      'UpdateSecret',
      () =>
        account().secretsManager.send(
          new UpdateSecretCommand({ SecretId: 'seed', SecretString: 'three', ClientRequestToken: V3 }),
        ),
    ],
  ])('lose the pending label with the current one, where %s moves that', async (_case, change) => {
    await create({ SecretString: 'one', ClientRequestToken: V1 });
    await put(V2, 'two', ['AWSPENDING']);
    await moveLabel('AWSCURRENT', V1, V2);
    expect(await labels()).toEqual({ [V1]: ['AWSPREVIOUS'], [V2]: ['AWSCURRENT', 'AWSPENDING'] });
    await change();
    expect(await labels()).toEqual({ [V2]: ['AWSPREVIOUS'], [V3]: ['AWSCURRENT'] });
  });

  it('keep the pending label where it is on another version than the current one', async () => {
    await create({ SecretString: 'one', ClientRequestToken: V1 });
    await put(V2, 'two', ['AWSPENDING']);
    await put(V3, 'three');
    expect(await labels()).toEqual({ [V1]: ['AWSPREVIOUS'], [V2]: ['AWSPENDING'], [V3]: ['AWSCURRENT'] });
  });

  it('are not made by a request without a token, which every SDK sends', async () => {
    const call = async (action: string, input: Record<string, unknown>) => {
      const { accessKeyId } = account().localAws.credentials;
      const response = await fetch(account().localAws.url, {
        method: 'POST',
        headers: {
          authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260115/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0`,
          'x-amz-target': `secretsmanager.${action}`,
        },
        body: JSON.stringify(input),
      });
      return response.json();
    };
    await create({ SecretString: 'one', ClientRequestToken: V1 });
    const refusal = {
      __type: 'InvalidRequestException',
      message: 'You must provide a ClientRequestToken value. We recommend a UUID-type value.',
    };
    expect(await call('CreateSecret', { Name: 'other', SecretString: 'two' })).toMatchObject(refusal);
    expect(await call('PutSecretValue', { SecretId: 'seed', SecretString: 'two' })).toMatchObject(refusal);
    expect(await call('UpdateSecret', { SecretId: 'seed', SecretString: 'two' })).toMatchObject(refusal);
    expect(await call('RotateSecret', { SecretId: 'seed' })).toMatchObject({
      ...refusal,
      __type: 'InvalidParameterException',
    });
    expect(await labels()).toEqual({ [V1]: ['AWSCURRENT'] });
  });

  it('get an id where the request brings none, and one also from UpdateSecret', async () => {
    await create({ SecretString: 'one' });
    const { VersionId } = await put(undefined, 'two');
    expect(VersionId).toMatch(/^[\w-]{32,64}$/);
    const update = new UpdateSecretCommand({ SecretId: 'seed', SecretString: 'three', ClientRequestToken: V3 });
    expect((await account().secretsManager.send(update)).VersionId).toBe(V3);
    expect(await labels()).toEqual({ [VersionId ?? '']: ['AWSPREVIOUS'], [V3]: ['AWSCURRENT'] });
  });

  it('are listed with their labels; those without only on request', async () => {
    await create({ SecretString: 'one', ClientRequestToken: V1 });
    await put(V2, 'two');
    await put(V3, 'three');
    const list = async (IncludeDeprecated?: boolean) => {
      const command = new ListSecretVersionIdsCommand({ SecretId: 'seed', IncludeDeprecated });
      return (await account().secretsManager.send(command)).Versions;
    };
    const idsOf = (versions: Awaited<ReturnType<typeof list>>) => versions?.map(({ VersionId }) => VersionId);
    expect(idsOf(await list())).toEqual([V2, V3]);
    await get();
    const all = await list(true);
    expect(idsOf(all)).toEqual([V1, V2, V3]);
    const common = { CreatedDate: new Date(NOON), KmsKeyIds: ['DefaultEncryptionKey'] };
    expect(all?.slice(1)).toEqual([
      { ...common, VersionId: V2, VersionStages: ['AWSPREVIOUS'] },
      { ...common, VersionId: V3, VersionStages: ['AWSCURRENT'], LastAccessedDate: new Date(Date.UTC(2026, 0, 15)) },
    ]);
  });

  it('are listed in pages', async () => {
    await create({ SecretString: 'one', ClientRequestToken: V1 });
    await put(V2, 'two');
    const page = (NextToken?: string) =>
      account().secretsManager.send(new ListSecretVersionIdsCommand({ SecretId: 'seed', MaxResults: 1, NextToken }));
    const first = await page();
    const second = await page(first.NextToken);
    expect([first, second].map(({ Versions }) => Versions?.map(({ VersionId }) => VersionId))).toEqual([[V1], [V2]]);
    expect(second.NextToken).toBeUndefined();
  });

  it('are found by id and label only if both mean the same one', async () => {
    await create({ SecretString: 'one', ClientRequestToken: V1 });
    await put(V2, 'two');
    expect((await get({ VersionId: V2, VersionStage: 'AWSCURRENT' })).SecretString).toBe('two');
    expect(await refusalOf(get({ VersionId: V1, VersionStage: 'AWSCURRENT' }))).toEqual({
      code: 'InvalidRequestException',
      status: 400,
      message: 'You provided a VersionStage that is not associated to the provided VersionId.',
    });
    for (const wrong of [{ VersionId: V3 }, { VersionStage: 'AWSPENDING' }]) {
      expect(await refusalOf(get(wrong))).toMatchObject({ code: 'ResourceNotFoundException' });
    }
  });
});

describe('UpdateSecretVersionStage', () => {
  beforeEach(async () => {
    await create({ SecretString: 'one', ClientRequestToken: V1 });
    await put(V2, 'two');
    await put(V3, 'three', ['AWSPENDING']);
  });

  it('moves the current label, and the previous one after it', async () => {
    await moveLabel('AWSCURRENT', V2, V3);
    expect((await labels())[V3]?.toSorted()).toEqual(['AWSCURRENT', 'AWSPENDING']);
    expect(await valueOf('AWSPREVIOUS')).toBe('two');
    await moveLabel('AWSPENDING', V3);
    expect(await labels()).toEqual({ [V2]: ['AWSPREVIOUS'], [V3]: ['AWSCURRENT'] });
  });

  it('goes back to the previous version', async () => {
    await moveLabel('AWSCURRENT', V2, V1);
    expect(await labels()).toEqual({ [V1]: ['AWSCURRENT'], [V2]: ['AWSPREVIOUS'], [V3]: ['AWSPENDING'] });
  });

  it('puts a new label on a version, and a label again where it is', async () => {
    await moveLabel('mine', undefined, V1);
    await moveLabel('mine', undefined, V1);
    expect((await labels())[V1]?.toSorted()).toEqual(['AWSPREVIOUS', 'mine']);
    await moveLabel('AWSCURRENT', undefined, V2);
    expect(await valueOf('AWSPREVIOUS')).toBe('one');
  });

  it.each([
    ['does not name the version that has the label', 'AWSCURRENT', undefined, V3],
    ['names another version than the one that has the label', 'AWSCURRENT', V1, V3],
    ['names a version for a label that none has', 'mine', V1, V3],
  ])('is refused if it %s', async (_case, label, from, to) => {
    const before = await labels();
    expect(await refusalOf(moveLabel(label, from, to))).toMatchObject({
      code: 'InvalidParameterException',
      status: 400,
      message: expect.stringContaining('RemoveFromVersionId') as string,
    });
    expect(await labels()).toEqual(before);
  });

  it('says which version has the label', async () => {
    expect((await refusalOf(moveLabel('AWSCURRENT', undefined, V3))).message).toBe(
      `The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version ${V2}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
  });

  it('never takes the current label away from all versions', async () => {
    expect(await refusalOf(moveLabel('AWSCURRENT', V2))).toMatchObject({ code: 'InvalidParameterException' });
    expect(await valueOf('AWSCURRENT')).toBe('two');
  });

  it('knows no unknown version', async () => {
    expect(await refusalOf(moveLabel('AWSCURRENT', V2, token('v9')))).toMatchObject({
      code: 'ResourceNotFoundException',
    });
    expect(await valueOf('AWSCURRENT')).toBe('two');
  });
});
