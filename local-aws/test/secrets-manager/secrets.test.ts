import {
  ListSecretsCommand,
  RestoreSecretCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from 'vitest';
import { ACCOUNT_ID, NOON, refusalOf } from '../strict-account';
import { ABSENT, V1, V2, useSeedSecret } from './seed-secret';

const DAY = 86_400_000;

const { account, create, put, get, valueOf, describeSecret, labels, moveLabel, remove } = useSeedSecret();

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
    await account().secretsManager.send(
      new TagResourceCommand({ SecretId: 'seed', Tags: [{ Key: 'stage', Value: 'test' }] }),
    );
    await account().secretsManager.send(new UntagResourceCommand({ SecretId: 'seed', TagKeys: ['team'] }));
    await account().secretsManager.send(new UpdateSecretCommand({ SecretId: 'seed', Description: 'of Eve' }));
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
    await account().secretsManager.send(new UntagResourceCommand({ SecretId: 'seed', TagKeys: ['team'] }));
    expect((await describeSecret()).Tags).toEqual([]);
  });

  it('says when it was changed last, and on which day it was read', async () => {
    const { secretsManager } = account();
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
      account().pass(1000);
      await change();
      expect((await describeSecret()).LastChangedDate).toEqual(new Date(account().now()));
    }
    const changed = new Date(account().now());
    account().pass(DAY);
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
      await refusalOf(account().secretsManager.send(new TagResourceCommand({ SecretId: 'seed', Tags }))),
    ).toMatchObject(reserved);
    const untag = new UntagResourceCommand({ SecretId: 'seed', TagKeys: ['aws:cloudformation:stack-name'] });
    expect(await refusalOf(account().secretsManager.send(untag))).toMatchObject(reserved);
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
    await account().secretsManager.send(new RestoreSecretCommand({ SecretId: 'seed' }));
    expect(await describeSecret()).not.toHaveProperty('DeletedDate');
    expect(await valueOf('AWSCURRENT')).toBe('one');
  });

  it('comes when the window is over', async () => {
    await remove({ RecoveryWindowInDays: 7 });
    account().pass(7 * DAY - 1);
    await describeSecret();
    account().pass(1);
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
      return (await account().secretsManager.send(command)).SecretList?.map(({ Name }) => Name);
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
