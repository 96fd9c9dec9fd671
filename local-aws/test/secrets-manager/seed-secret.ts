import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach } from 'vitest';
import { type Clients } from '../callers';
import { startStrictAccount, type StrictAccount } from '../strict-account';

/** The id of a version: 32 characters at least. */
export const token = (name: string) => name.padEnd(32, '-');
export const [V1, V2, V3] = [token('v1'), token('v2'), token('v3')];

/** How Secrets Manager refuses a secret that does not exist. */
export const ABSENT = {
  code: 'ResourceNotFoundException',
  status: 400,
  message: "Secrets Manager can't find the specified secret.",
};

/** Gives each test a new account, and returns calls about its secret "seed". The administrator makes them by default. */
export function useSeedSecret() {
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
  return { account: () => account, create, put, get, valueOf, describeSecret, labels, moveLabel, remove };
}
