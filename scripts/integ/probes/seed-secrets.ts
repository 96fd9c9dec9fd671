import { randomUUID } from 'node:crypto';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { RETIRED_TAG, STACK_ID_TAG, USER_NAME_TAG } from '../../../lambda/contract/own-tags';
import { DidNotHold, inWords } from '../finding';
import type { Probe } from '../probe';
import { isNamed, type ProbedAccount } from '../probed-account';
import { CONSISTENCY_MILLISECONDS } from '../product-role';

const ROUNDS = 5;
const ABSENT = 'ResourceNotFoundException';

export const takesTimesInVersionIds: Probe = {
  assumption: 'A version id of a secret need not be a UUID',
  run: async (account) => {
    const { secretsManager } = account;
    const SecretId = await account.createSecret();
    const token = newVersionId(account);
    const put = await store(secretsManager, SecretId, token).catch((error: unknown) => {
      throw isRefusal(error) ? new DidNotHold(`PutSecretValue refuses it: ${error.message}`) : error;
    });
    if (put.VersionId !== token) throw new DidNotHold('PutSecretValue gives the version another id');
    await read(account, SecretId, token);
    const next = newVersionId(account);
    await store(secretsManager, SecretId, next);
    await read(account, SecretId, next);
    await secretsManager.send(move(SecretId, token, next));
  },
};

export const tagsWithAnyUserName: Probe = {
  assumption: 'A tag of a secret holds every character that a user name may have',
  run: async (account) => {
    const tag = { Key: USER_NAME_TAG, Value: 'aZ0_+=,.@-' };
    const SecretId = await account.createSecret([tag]).catch((error: unknown) => {
      throw isRefusal(error) ? new DidNotHold(`CreateSecret refuses it: ${error.message}`) : error;
    });
    const { Tags = [] } = await account.secretsManager.send(new DescribeSecretCommand({ SecretId }));
    const isSame = Tags.some(({ Key, Value }) => Key === tag.Key && Value === tag.Value);
    if (!isSame) throw new DidNotHold('DescribeSecret shows another value');
  },
};

export const showsWhatWasJustWritten: Probe = {
  assumption: 'DescribeSecret shows a version and a tag that have just been written',
  run: async (account) => {
    const { secretsManager } = account;
    const SecretId = await account.createSecret([{ Key: STACK_ID_TAG, Value: account.stackId('ours') }]);
    const describe = () => secretsManager.send(new DescribeSecretCommand({ SecretId }));
    if (!(await describe()).Tags?.some(({ Key }) => Key === STACK_ID_TAG)) {
      throw new DidNotHold('the tags of a new secret are not shown at once');
    }
    for (let round = 1; round <= ROUNDS; round += 1) {
      const id = newVersionId(account);
      await store(secretsManager, SecretId, id);
      if ((await describe()).VersionIdsToStages?.[id] === undefined) {
        throw new DidNotHold('a version that was just stored is not shown');
      }
      await secretsManager.send(new TagResourceCommand({ SecretId, Tags: [{ Key: RETIRED_TAG, Value: id }] }));
      if (!(await describe()).Tags?.some(({ Key, Value }) => Key === RETIRED_TAG && Value === id)) {
        throw new DidNotHold('a tag that was just set is not shown');
      }
    }
  },
};

export const readsBackWhatWasJustStored: Probe = {
  assumption: 'A new version of a secret can be read within 30 seconds',
  run: async (account) => {
    const SecretId = await account.createSecret();
    for (let round = 1; round <= ROUNDS; round += 1) {
      const id = newVersionId(account);
      await store(account.secretsManager, SecretId, id);
      await read(account, SecretId, id);
    }
  },
};

export const makesCurrentWhatWasJustStored: Probe = {
  assumption: 'A new version of a secret can be made current within 30 seconds',
  run: async (account) => {
    const { secretsManager } = account;
    const SecretId = await account.createSecret();
    let current = newVersionId(account);
    await store(secretsManager, SecretId, current);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const next = newVersionId(account);
      await store(secretsManager, SecretId, next);
      const command = move(SecretId, current, next);
      await account
        .eventually(() => secretsManager.send(command), { notYet: [ABSENT], milliseconds: CONSISTENCY_MILLISECONDS })
        .catch((error: unknown) => {
          throw isNamed(error, ABSENT) ? new DidNotHold('the label cannot be moved in that time') : error;
        });
      current = next;
    }
  },
};

export const movesALabelOnce: Probe = {
  assumption: 'Of two moves of AWSCURRENT away from the same version one fails',
  run: async (account) => {
    const { secretsManager } = account;
    const SecretId = await account.createSecret();
    let current = newVersionId(account);
    await store(secretsManager, SecretId, current);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const rivals = [newVersionId(account), newVersionId(account)];
      for (const id of rivals) {
        await store(secretsManager, SecretId, id);
        await read(account, SecretId, id);
      }
      const from = current;
      const moves = await Promise.allSettled(rivals.map((to) => secretsManager.send(move(SecretId, from, to))));
      const refusals = moves.flatMap((settled) => (settled.status === 'rejected' ? [settled.reason as unknown] : []));
      if (refusals.length === 0) throw new DidNotHold('both moves succeed');
      const [unlike] = refusals.filter((error) => !isNamed(error, 'InvalidParameterException'));
      if (unlike !== undefined) throw new DidNotHold(`the move that fails answers ${inWords(unlike)}`);
      if (refusals.length === 2) throw new DidNotHold('both moves fail');
      current = rivals[moves.findIndex(({ status }) => status === 'fulfilled')] ?? current;
    }
  },
};

/** A version id as the product makes them: the time of a request, and what makes it unique. */
function newVersionId({ clock }: ProbedAccount): string {
  const time = new Date(clock.now()).toISOString().replace(/[-:]|\.\d{3}/g, '');
  return `${time}-${randomUUID()}`;
}

/** Whether Secrets Manager takes a request for a wrong one. */
function isRefusal(error: unknown): error is Error {
  return isNamed(error, 'InvalidParameterException', 'InvalidRequestException', 'ValidationException');
}

async function store(secretsManager: SecretsManagerClient, SecretId: string, ClientRequestToken: string) {
  return secretsManager.send(
    new PutSecretValueCommand({ SecretId, ClientRequestToken, SecretString: '{}', VersionStages: ['AWSPENDING'] }),
  );
}

/** Reads a version, as soon as it can be read. */
async function read(account: ProbedAccount, SecretId: string, VersionId: string): Promise<void> {
  const command = new GetSecretValueCommand({ SecretId, VersionId });
  try {
    await account.eventually(() => account.secretsManager.send(command), {
      notYet: [ABSENT],
      milliseconds: CONSISTENCY_MILLISECONDS,
    });
  } catch (error) {
    throw isNamed(error, ABSENT) ? new DidNotHold('the version cannot be read in that time') : error;
  }
}

function move(SecretId: string, RemoveFromVersionId: string, MoveToVersionId: string) {
  return new UpdateSecretVersionStageCommand({
    SecretId,
    VersionStage: 'AWSCURRENT',
    MoveToVersionId,
    RemoveFromVersionId,
  });
}
