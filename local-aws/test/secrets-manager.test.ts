import { CreateUserCommand } from '@aws-sdk/client-iam';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  type Filter,
  GetSecretValueCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ACCOUNT_ID,
  allow,
  type Clients,
  createAccessKey,
  NOON,
  refusalOf,
  startStrictAccount,
  type StrictAccount,
} from './strict-account';

const DAY = 86_400_000;
const token = (name: string) => name.padEnd(32, '-');
const [V1, V2, V3] = [token('v1'), token('v2'), token('v3')];

let account: StrictAccount;

beforeEach(async () => {
  account = await startStrictAccount();
});

afterEach(() => account.close());

const create = (input: Partial<CreateSecretCommand['input']> = {}) =>
  account.secretsManager.send(new CreateSecretCommand({ Name: 'seed', ...input }));
const put = (version: string | undefined, value: string, VersionStages?: string[], client: Clients = account) =>
  client.secretsManager.send(
    new PutSecretValueCommand({
      SecretId: 'seed',
      SecretString: value,
      ClientRequestToken: version,
      VersionStages,
    }),
  );
const get = (input: Partial<GetSecretValueCommand['input']> = {}, client: Clients = account) =>
  client.secretsManager.send(new GetSecretValueCommand({ SecretId: 'seed', ...input }));
const valueOf = async (VersionStage: string) => (await get({ VersionStage })).SecretString;
const describeSecret = () => account.secretsManager.send(new DescribeSecretCommand({ SecretId: 'seed' }));
const labels = async () => (await describeSecret()).VersionIdsToStages ?? {};
const moveLabel = (VersionStage: string, RemoveFromVersionId?: string, MoveToVersionId?: string) =>
  account.secretsManager.send(
    new UpdateSecretVersionStageCommand({ SecretId: 'seed', VersionStage, RemoveFromVersionId, MoveToVersionId }),
  );
const remove = (input: Partial<DeleteSecretCommand['input']> = {}) =>
  account.secretsManager.send(new DeleteSecretCommand({ SecretId: 'seed', ...input }));

const ABSENT = {
  code: 'ResourceNotFoundException',
  status: 400,
  message: "Secrets Manager can't find the specified secret.",
};

describe('a secret', () => {
  it('has an ARN that ends with six characters, and is found by it and by its name', async () => {
    const { ARN, VersionId } = await create({ SecretString: 'one' });
    expect(ARN).toMatch(new RegExp(`^arn:aws:secretsmanager:us-east-1:${ACCOUNT_ID}:secret:seed-[A-Za-z0-9]{6}$`));
    expect(await get({ SecretId: ARN })).toMatchObject({ ARN, Name: 'seed', SecretString: 'one', VersionId });
    expect(await refusalOf(get({ SecretId: 'other' }))).toEqual(ABSENT);
    expect(await refusalOf(get({ SecretId: `${ARN ?? ''}x` }))).toEqual(ABSENT);
  });

  it('without a value has no version', async () => {
    expect(await create()).not.toHaveProperty('VersionId');
    expect(await labels()).toEqual({});
    expect(await refusalOf(get())).toEqual({
      code: 'ResourceNotFoundException',
      status: 400,
      message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    });
  });

  it('keeps its name to itself', async () => {
    await create({ SecretString: 'one' });
    expect(await refusalOf(create({ SecretString: 'one' }))).toEqual({
      code: 'ResourceExistsException',
      status: 400,
      message: 'The operation failed because the secret seed already exists.',
    });
  });

  it('is created once by a request that comes twice', async () => {
    const first = await create({ SecretString: 'one', ClientRequestToken: V1 });
    const again = await create({ SecretString: 'one', ClientRequestToken: V1 });
    expect({ ...again, $metadata: null }).toEqual({ ...first, $metadata: null });
    expect(await refusalOf(create({ SecretString: 'two', ClientRequestToken: V1 }))).toMatchObject({
      code: 'ResourceExistsException',
    });
    expect(await valueOf('AWSCURRENT')).toBe('one');
  });

  it('has a description, tags, and says when it was made', async () => {
    await create({ Description: 'of Bob', Tags: [{ Key: 'team', Value: 'a' }] });
    await account.secretsManager.send(
      new TagResourceCommand({ SecretId: 'seed', Tags: [{ Key: 'stage', Value: 'test' }] }),
    );
    await account.secretsManager.send(new UntagResourceCommand({ SecretId: 'seed', TagKeys: ['team'] }));
    await account.secretsManager.send(new UpdateSecretCommand({ SecretId: 'seed', Description: 'of Eve' }));
    expect(await describeSecret()).toMatchObject({
      Name: 'seed',
      Description: 'of Eve',
      Tags: [{ Key: 'stage', Value: 'test' }],
      CreatedDate: new Date(NOON),
    });
  });

  it.each([
    [{ SecretString: 'x'.repeat(65_537) }, 'secretString', 'have length less than or equal to 65536'],
    [{ ClientRequestToken: 'short' }, 'clientRequestToken', 'have length greater than or equal to 32'],
  ])('is refused for what its members do not allow (%#)', async (input, member, constraint) => {
    const { code, status, message } = await refusalOf(create(input));
    expect({ code, status }).toEqual({ code: 'ValidationException', status: 400 });
    expect(message).toContain(`at '${member}' failed to satisfy constraint: Member must ${constraint}`);
  });

  it.each(['se ed', ' seed', 'seed*?', 'seed]\\'])(
    'has no name like "%s", and is not looked for by one',
    async (Name) => {
      const invalid = {
        code: 'ValidationException',
        status: 400,
        message:
          'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
      };
      expect(await refusalOf(create({ Name }))).toEqual(invalid);
      expect(await refusalOf(get({ SecretId: Name }))).toEqual(invalid);
      expect(await refusalOf(remove({ SecretId: Name }))).toEqual(invalid);
    },
  );

  it('is found by its ARN without the six characters at the end', async () => {
    const { ARN = '' } = await create({ SecretString: 'one' });
    const partial = ARN.slice(0, -7);
    expect(partial).toMatch(/:secret:seed$/);
    expect(await get({ SecretId: partial })).toMatchObject({ ARN, SecretString: 'one' });
    expect(await refusalOf(get({ SecretId: partial.replace('us-east-1', 'eu-west-1') }))).toEqual(ABSENT);
    expect(await refusalOf(get({ SecretId: partial.slice(0, -1) }))).toEqual(ABSENT);
  });

  it('is described without what it never had', async () => {
    const { ARN } = await create();
    const { $metadata: _, ...empty } = await describeSecret();
    expect(empty).toEqual({ ARN, Name: 'seed', CreatedDate: new Date(NOON), LastChangedDate: new Date(NOON) });
    await put(V1, 'one');
    expect(await describeSecret()).toMatchObject({
      RotationEnabled: false,
      VersionIdsToStages: { [V1]: ['AWSCURRENT'] },
    });
  });

  it('keeps an empty list of tags once it had one', async () => {
    await create({ Tags: [{ Key: 'team', Value: 'a' }] });
    await account.secretsManager.send(new UntagResourceCommand({ SecretId: 'seed', TagKeys: ['team'] }));
    expect((await describeSecret()).Tags).toEqual([]);
  });

  it('says when it was changed last, and on which day it was read', async () => {
    const { secretsManager } = account;
    await create();
    const changes: (() => Promise<unknown>)[] = [
      () => put(V1, 'one'),
      () => moveLabel('mine', undefined, V1),
      () => secretsManager.send(new UpdateSecretCommand({ SecretId: 'seed', Description: 'of Bob' })),
      () => secretsManager.send(new TagResourceCommand({ SecretId: 'seed', Tags: [{ Key: 'a', Value: 'b' }] })),
      () => remove(),
      () => secretsManager.send(new RestoreSecretCommand({ SecretId: 'seed' })),
    ];
    for (const change of changes) {
      account.pass(1000);
      await change();
      expect((await describeSecret()).LastChangedDate).toEqual(new Date(account.now()));
    }
    const changed = new Date(account.now());
    account.pass(DAY);
    expect(await describeSecret()).not.toHaveProperty('LastAccessedDate');
    await get();
    await secretsManager.send(new UntagResourceCommand({ SecretId: 'seed', TagKeys: ['a'] }));
    expect(await describeSecret()).toMatchObject({
      LastChangedDate: changed,
      LastAccessedDate: new Date(Date.UTC(2026, 0, 16)),
    });
  });

  it('has no tags of its own that begin with aws:', async () => {
    const Tags = [{ Key: 'aws:cloudformation:stack-name', Value: 'forged' }];
    const reserved = { code: 'InvalidParameterException', status: 400 };
    expect(await refusalOf(create({ Tags }))).toMatchObject(reserved);
    await create();
    expect(
      await refusalOf(account.secretsManager.send(new TagResourceCommand({ SecretId: 'seed', Tags }))),
    ).toMatchObject(reserved);
    const untag = new UntagResourceCommand({ SecretId: 'seed', TagKeys: ['aws:cloudformation:stack-name'] });
    expect(await refusalOf(account.secretsManager.send(untag))).toMatchObject(reserved);
  });

  it('has tags whose keys differ in case alone', async () => {
    const Tags = ['team', 'Team'].map((Key) => ({ Key, Value: Key }));
    await create({ Tags });
    expect((await describeSecret()).Tags).toEqual(Tags);
  });

  it('has tags with every character of a user name, the comma too', async () => {
    const Tags = [{ Key: 'user', Value: 'Bob_+=,.@-' }];
    await create({ Tags });
    expect((await describeSecret()).Tags).toEqual(Tags);
  });

  it('has no binary value here, and says so', async () => {
    expect((await refusalOf(create({ SecretBinary: Uint8Array.of(1) }))).message).toBe(
      'local-aws does not implement the parameter SecretBinary',
    );
  });
});

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
    expect((await get({ VersionId: V1 })).VersionStages).toEqual([]);
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
    expect((await account.secretsManager.send(update)).VersionId).toBe(V2);
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
        account.secretsManager.send(
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
      const { accessKeyId } = account.localAws.credentials;
      const response = await fetch(account.localAws.url, {
        method: 'POST',
        headers: {
          authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260115/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0`,
          'x-amz-target': `secretsmanager.${action}`,
        },
        body: JSON.stringify({ SecretString: 'two', ...input }),
      });
      return response.json();
    };
    await create({ SecretString: 'one', ClientRequestToken: V1 });
    const refusal = {
      __type: 'InvalidRequestException',
      message: 'You must provide a ClientRequestToken value. We recommend a UUID-type value.',
    };
    expect(await call('CreateSecret', { Name: 'other' })).toMatchObject(refusal);
    expect(await call('PutSecretValue', { SecretId: 'seed' })).toMatchObject(refusal);
    expect(await call('UpdateSecret', { SecretId: 'seed' })).toMatchObject(refusal);
    expect(await labels()).toEqual({ [V1]: ['AWSCURRENT'] });
  });

  it('get an id where the request brings none, and one also from UpdateSecret', async () => {
    await create({ SecretString: 'one' });
    const { VersionId } = await put(undefined, 'two');
    expect(VersionId).toMatch(/^[\w-]{32,64}$/);
    const update = new UpdateSecretCommand({ SecretId: 'seed', SecretString: 'three', ClientRequestToken: V3 });
    expect((await account.secretsManager.send(update)).VersionId).toBe(V3);
    expect(await labels()).toEqual({ [VersionId ?? '']: ['AWSPREVIOUS'], [V3]: ['AWSCURRENT'] });
  });

  it('are listed with their labels; those without only on request', async () => {
    await create({ SecretString: 'one', ClientRequestToken: V1 });
    await put(V2, 'two');
    await put(V3, 'three');
    const list = async (IncludeDeprecated?: boolean) => {
      const command = new ListSecretVersionIdsCommand({ SecretId: 'seed', IncludeDeprecated });
      return (await account.secretsManager.send(command)).Versions;
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
      account.secretsManager.send(new ListSecretVersionIdsCommand({ SecretId: 'seed', MaxResults: 1, NextToken }));
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

describe('the list of secrets', () => {
  const list = (input: ListSecretsCommand['input'] = {}) => account.secretsManager.send(new ListSecretsCommand(input));
  const namesOf = async (...Filters: Filter[]) => (await list({ Filters })).SecretList?.map(({ Name }) => Name);
  const ELEVEN = Array.from({ length: 11 }, (_, index) => `n${index}`);
  const filter = (Key: Filter['Key'], ...Values: string[]): Filter => ({ Key, Values });

  describe('where filters are given', () => {
    beforeEach(async () => {
      await create({ Name: 'seeds/Bob', Description: 'Seed of Bob', Tags: [{ Key: 'Team', Value: 'platform' }] });
      await create({ Name: 'seeds/alice', Description: 'SEED OF ALICE', Tags: [{ Key: 'owner', Value: 'Team' }] });
      await create({ Name: 'Other', Tags: [{ Key: 'team', Value: 'Platform' }] });
    });

    it.each<[string, Filter[], string[]]>([
      ['begins with the name', [filter('name', 'seeds/')], ['seeds/Bob', 'seeds/alice']],
      ['begins with the name in the same case only', [filter('name', 'other')], []],
      ['has the name at its beginning, not elsewhere', [filter('name', 'Bob')], []],
      ['begins with the description in any case', [filter('description', 'seed OF')], ['seeds/Bob', 'seeds/alice']],
      ['has the description at its beginning, not elsewhere', [filter('description', 'of Bob')], []],
      ['has a tag key that begins so, in the same case', [filter('tag-key', 'Te')], ['seeds/Bob']],
      ['has a tag value that begins so, in the same case', [filter('tag-value', 'plat')], ['seeds/Bob']],
      ['has one of the values', [filter('name', 'Oth', 'seeds/B')], ['seeds/Bob', 'Other']],
      ['passes all filters', [filter('name', 'seeds/'), filter('tag-value', 'Team')], ['seeds/alice']],
      ['does not begin with what an exclamation mark is before', [filter('name', '!seeds/')], ['Other']],
      ['has no description that begins so', [filter('description', '!seed of b')], ['seeds/alice', 'Other']],
      ['has no such tag', [filter('tag-key', '!Team')], ['seeds/alice', 'Other']],
    ])('has a secret that %s', async (_case, filters, names) => {
      expect(await namesOf(...filters)).toEqual(names);
    });

    it.each<Filter['Key']>(['all', 'primary-region', 'owning-service'])(
      'says that it has no filter %s',
      async (Key) => {
        expect(await refusalOf(namesOf({ Key, Values: ['x'] }))).toMatchObject({
          code: 'NotImplemented',
          message: `local-aws does not implement the filter key ${Key ?? ''} of ListSecrets`,
        });
      },
    );

    it.each<[string, Filter[], Record<string, unknown>]>([
      ['an unknown key', [{ Key: 'colour' as 'name', Values: ['x'] }], { code: 'ValidationException' }],
      ['no key', [{ Values: ['x'] }], { code: 'InvalidParameterException' }],
      ['no values', [{ Key: 'name' }], { code: 'InvalidParameterException' }],
      ['an empty list of values', [filter('name')], { code: 'ValidationException' }],
      ['eleven values', [filter('name', ...ELEVEN)], { code: 'ValidationException' }],
      ['eleven filters', ELEVEN.map((name) => filter('name', name)), { code: 'ValidationException' }],
      ['a value of 513 characters', [filter('name', 'x'.repeat(513))], { code: 'ValidationException' }],
      ['a character that no value may have', [filter('description', 'a,b')], { code: 'ValidationException' }],
    ])('takes no filter with %s', async (_case, filters, refusal) => {
      expect(await refusalOf(namesOf(...filters))).toMatchObject({ ...refusal, status: 400 });
    });

    it('has the tags and the labels of each secret, and no value', async () => {
      await create({ SecretString: 'one', ClientRequestToken: V1, Tags: [{ Key: 'team', Value: 'platform' }] });
      const { SecretList = [] } = await list({ Filters: [filter('name', 'seed'), filter('name', '!seeds')] });
      expect(SecretList).toMatchObject([
        { Tags: [{ Key: 'team', Value: 'platform' }], SecretVersionsToStages: { [V1]: ['AWSCURRENT'] } },
      ]);
      expect(SecretList[0]).not.toHaveProperty('VersionIdsToStages');
      expect(JSON.stringify(SecretList)).not.toContain('one');
    });
  });

  it('comes in pages, of those that pass the filters', async () => {
    for (const Name of ['a1', 'b1', 'a2', 'a3']) await create({ Name });
    const page = async (NextToken?: string) => {
      const answer = await list({ MaxResults: 2, NextToken, Filters: [filter('name', 'a')] });
      return [answer.SecretList?.map(({ Name }) => Name), answer.NextToken] as const;
    };
    const [first, token] = await page();
    expect(first).toEqual(['a1', 'a2']);
    expect(token).toEqual(expect.any(String));
    expect(await page(token)).toEqual([['a3'], undefined]);
    expect((await list({ MaxResults: 4 })).NextToken).toBeUndefined();
  });

  it('has 100 secrets on a page, unless fewer are asked for', async () => {
    for (let number = 0; number <= 100; number += 1) await create({ Name: `n${number}` });
    const { SecretList, NextToken } = await list();
    expect(SecretList).toHaveLength(100);
    expect((await list({ NextToken })).SecretList?.map(({ Name }) => Name)).toEqual(['n100']);
    expect(await refusalOf(list({ MaxResults: 101 }))).toMatchObject({ code: 'ValidationException' });
  });

  it.each(['2', 'after 2', 'x'])('goes on from no token that it did not give (%s)', async (NextToken) => {
    expect(await refusalOf(list({ NextToken }))).toMatchObject({ code: 'InvalidNextTokenException', status: 400 });
  });
});

describe('the deletion of a secret', () => {
  beforeEach(() => create({ SecretString: 'one' }));

  it('is scheduled for 30 days later: until then the secret is unusable, keeps its name, and can be restored', async () => {
    expect((await remove()).DeletionDate).toEqual(new Date(NOON + 30 * DAY));
    const marked = {
      code: 'InvalidRequestException',
      status: 400,
      message: "You can't perform this operation on the secret because it was marked for deletion.",
    };
    expect(await refusalOf(get())).toEqual(marked);
    expect(await refusalOf(put(V2, 'two'))).toEqual(marked);
    expect(await refusalOf(create({ SecretString: 'two' }))).toMatchObject({
      code: 'InvalidRequestException',
      message: expect.stringContaining('already scheduled for deletion') as string,
    });
    // When the deletion was asked for, not when it is due.
    expect((await describeSecret()).DeletedDate).toEqual(new Date(NOON));
    await account.secretsManager.send(new RestoreSecretCommand({ SecretId: 'seed' }));
    expect(await describeSecret()).not.toHaveProperty('DeletedDate');
    expect(await valueOf('AWSCURRENT')).toBe('one');
  });

  it('comes when the window is over', async () => {
    await remove({ RecoveryWindowInDays: 7 });
    account.pass(7 * DAY - 1);
    await describeSecret();
    account.pass(1);
    expect(await refusalOf(describeSecret())).toEqual(ABSENT);
    await create({ SecretString: 'two' });
    expect(await valueOf('AWSCURRENT')).toBe('two');
  });

  it('comes at once where it is forced, and not both ways', async () => {
    expect(await refusalOf(remove({ ForceDeleteWithoutRecovery: true, RecoveryWindowInDays: 7 }))).toMatchObject({
      code: 'InvalidParameterException',
    });
    await remove({ ForceDeleteWithoutRecovery: true });
    expect(await refusalOf(describeSecret())).toEqual(ABSENT);
  });

  it('can be forced for a secret that is gone, or never was', async () => {
    for (const SecretId of ['seed', 'seed', 'never']) {
      expect(await remove({ SecretId, ForceDeleteWithoutRecovery: true })).toMatchObject({
        Name: SecretId,
        DeletionDate: new Date(NOON),
      });
    }
    expect(await refusalOf(remove())).toEqual(ABSENT);
  });

  it('takes the secret off the list, unless the list shall have those too', async () => {
    const list = async (IncludePlannedDeletion?: boolean) => {
      const command = new ListSecretsCommand({ IncludePlannedDeletion });
      return (await account.secretsManager.send(command)).SecretList?.map(({ Name }) => Name);
    };
    expect(await list()).toEqual(['seed']);
    await remove();
    expect(await list()).toEqual([]);
    expect(await list(true)).toEqual(['seed']);
  });

  it.each([6, 31])('has no window of %i days', async (RecoveryWindowInDays) => {
    expect(await refusalOf(remove({ RecoveryWindowInDays }))).toEqual({
      code: 'InvalidParameterException',
      status: 400,
      message: 'The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).',
    });
  });
});

describe('a user without the permission', () => {
  let bob: Clients;

  beforeEach(async () => {
    await create({ SecretString: 'one', Tags: [{ Key: 'owner', Value: 'Bob' }] });
    await account.iam.send(new CreateUserCommand({ UserName: 'Bob' }));
    bob = account.as(await createAccessKey(account.iam, 'Bob'));
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
    await allow(account.iam, 'Bob', { Effect: 'Allow', Action: 'secretsmanager:Get*', Resource: '*', Condition });
    expect((await get({}, bob)).SecretString).toBe('one');
    expect(await refusalOf(put(V2, 'two', undefined, bob))).toMatchObject({ code: 'AccessDeniedException' });
  });

  it('is refused, and learns of no absence, where a secret that was deleted by force has no tags any more', async () => {
    const Condition = { StringEquals: { 'aws:ResourceTag/owner': 'Bob' } };
    await allow(account.iam, 'Bob', { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*', Condition });
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

  const kms = (action: string, input: Record<string, unknown>) => account.localAws.account.invoke('kms', action, input);
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
    await account.iam.send(new CreateUserCommand({ UserName: 'Bob' }));
    bob = account.as(await createAccessKey(account.iam, 'Bob'));
    await allow(account.iam, 'Bob', everything);
  });

  it('is not readable for who may read the secret but not use the key', async () => {
    await createSecret();
    expect(await refusalOf(get({}, bob))).toEqual(NO_KEY);
    expect(await refusalOf(put(V2, 'two', undefined, bob))).toEqual(NO_KEY);
    expect(await valueOf('AWSCURRENT')).toBe('one');
  });

  it('is readable where the key leaves the decision to the account, and the account allows it', async () => {
    await createSecret();
    await allow(account.iam, 'Bob', everything, useOfKeys);
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
    await allow(account.iam, 'Bob', everything, { ...useOfKeys, Effect: 'Deny' });
    expect(await refusalOf(get({}, bob))).toMatchObject(NO_KEY);

    await remove({ ForceDeleteWithoutRecovery: true });
    await createSecret(allowed, { ...allowed, Effect: 'Deny', Action: 'kms:Decrypt' });
    await allow(account.iam, 'Bob', everything, useOfKeys);
    expect(await refusalOf(get({}, bob))).toMatchObject(NO_KEY);
  });

  it('is readable through Secrets Manager alone where the key wants that', async () => {
    const via = (service: string) => ({
      ...useOfKeys,
      Condition: { StringEquals: { 'kms:ViaService': `${service}.us-east-1.amazonaws.com` } },
    });
    await createSecret();
    await allow(account.iam, 'Bob', everything, via('s3'));
    expect(await refusalOf(get({}, bob))).toMatchObject(NO_KEY);
    await allow(account.iam, 'Bob', everything, via('secretsmanager'));
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
    const update = (SecretId: string) => account.secretsManager.send(new UpdateSecretCommand({ SecretId, KmsKeyId }));
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
