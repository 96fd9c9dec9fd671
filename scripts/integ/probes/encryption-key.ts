import { DescribeSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { STACK_ID_TAG } from '../../../lambda/contract/own-tags';
import type { Probe } from '../probe';
import { allowed, clientsOfProductRole } from '../product-role';
import { ProbedStack } from '../probed-stack';

export const namesSecretsManagerInChina: Probe = {
  assumption: 'In China kms:ViaService names Secrets Manager in one of two ways',
  partition: 'aws-cn',
  run: async (account) => {
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
    const role = await clientsOfProductRole(account, stackId, { keyArn });
    await allowed(account, 'PutSecretValue under the key', () =>
      role.secretsManager.send(new PutSecretValueCommand({ SecretId, SecretString: '{}' })),
    );
  },
};
