import { randomUUID } from 'node:crypto';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { isKeyDenied } from '../../../bin/virtual-mfa/stored-seeds';
import { STACK_ID_TAG } from '../../../lambda/contract/own-tags';
import { DidNotHold, inWords } from '../finding';
import type { Probe } from '../probe';
import type { ProbedAccount } from '../probed-account';
import { allowed, clientsOfProductRole } from '../product-role';
import { ProbedStack } from '../probed-stack';

export const namesSecretsManagerInChina: Probe = {
  assumption: 'In China kms:ViaService names Secrets Manager in one of two ways',
  partition: 'aws-cn',
  run: async (account) => {
    const { SecretId, keyArn, stackId } = await createEncryptedSecret(account);
    const role = await clientsOfProductRole(account, stackId, { keyArn });
    await allowed(account, 'PutSecretValue under the key', () =>
      role.secretsManager.send(new PutSecretValueCommand({ SecretId, SecretString: '{}' })),
    );
  },
};

export const saysThatAKeyIsDenied: Probe = {
  assumption: 'Secrets Manager says that the key of a secret is denied in one of two ways',
  run: async (account) => {
    const { SecretId, stackId } = await createEncryptedSecret(account);
    await account.secretsManager.send(new PutSecretValueCommand({ SecretId, SecretString: '{}' }));
    // The product's role without a key may read the secret, and use no key.
    const { secretsManager } = await clientsOfProductRole(account, stackId);
    await allowed(account, 'DescribeSecret', () => secretsManager.send(new DescribeSecretCommand({ SecretId })));
    const refusal = await secretsManager.send(new GetSecretValueCommand({ SecretId })).catch((error: unknown) => error);
    if (!(refusal instanceof Error)) throw new DidNotHold('GetSecretValue succeeds without a permission on the key');
    if (!isKeyDenied(refusal)) throw new DidNotHold(`GetSecretValue answers ${inWords(refusal)}`);
  },
};

export const takesNoKeyThatIsNotThere: Probe = {
  assumption: 'A secret with a value rejects a key that does not exist',
  run: async (account) => {
    const { secretsManager, partition, connection, accountId } = account;
    const SecretId = await account.createSecret();
    const SecretString = '{}';
    await secretsManager.send(new PutSecretValueCommand({ SecretId, SecretString }));
    const KmsKeyId = `arn:${partition}:kms:${connection.region}:${accountId}:key/${randomUUID()}`;
    const isTaken = await secretsManager.send(new UpdateSecretCommand({ SecretId, KmsKeyId })).then(
      () => true,
      () => false,
    );
    if (isTaken) throw new DidNotHold('UpdateSecret takes it');
    const read = await secretsManager.send(new GetSecretValueCommand({ SecretId }));
    if (read.SecretString !== SecretString)
      throw new DidNotHold('UpdateSecret refuses it, and the value is not the same');
  },
};

/** A secret without a value, under a new key of the account, with the tag of a stack of the product. */
async function createEncryptedSecret(account: ProbedAccount) {
  const { partition, accountId, secretsManager } = account;
  const stackId = account.stackId('ours');
  const stack = await ProbedStack.create(account, {
    Key: {
      Type: 'AWS::KMS::Key',
      Properties: {
        PendingWindowInDays: 7,
        KeyPolicy: {
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { AWS: `arn:${partition}:iam::${accountId}:root` },
              Action: 'kms:*',
              Resource: '*',
            },
          ],
        },
      },
    },
    Seed: {
      Type: 'AWS::SecretsManager::Secret',
      Properties: {
        KmsKeyId: { 'Fn::GetAtt': ['Key', 'Arn'] },
        Tags: [{ Key: STACK_ID_TAG, Value: stackId }],
      },
    },
  });
  const SecretId = (await stack.events()).find(
    ({ LogicalResourceId, ResourceStatus }) => LogicalResourceId === 'Seed' && ResourceStatus === 'CREATE_COMPLETE',
  )?.PhysicalResourceId;
  const { KmsKeyId: keyArn = '' } = await secretsManager.send(new DescribeSecretCommand({ SecretId }));
  return { SecretId, keyArn, stackId };
}
