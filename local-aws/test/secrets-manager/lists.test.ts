import { type Filter, ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from 'vitest';
import { refusalOf } from '../strict-account';
import { V1, useSeedSecret } from './seed-secret';

const { account, create } = useSeedSecret();

describe('the list of secrets', () => {
  const list = (input: ListSecretsCommand['input'] = {}) =>
    account().secretsManager.send(new ListSecretsCommand(input));
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
