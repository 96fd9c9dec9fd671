import type { Account } from './account';
import type { S3 } from './s3';

const QUALIFIER = 'hnb659fds';
/** The version of the bootstrap stack that the account claims to have; CDK asks for 6 at least. */
const BOOTSTRAP_VERSION = '30';

/** Makes what `cdk bootstrap` makes, as far as deploying needs it: the staging bucket, the roles, the version parameter. */
export async function bootstrap(account: Account, s3: S3): Promise<void> {
  const { accountId, region, partition, root } = account;
  s3.createBucket(`cdk-${QUALIFIER}-assets-${accountId}-${region}`);
  for (const role of ['deploy', 'file-publishing', 'image-publishing', 'lookup', 'cfn-exec']) {
    const RoleName = `cdk-${QUALIFIER}-${role}-role-${accountId}-${region}`;
    const trust = { Statement: { Effect: 'Allow', Principal: { AWS: root.arn }, Action: 'sts:AssumeRole' } };
    await account.invoke('iam', 'CreateRole', { RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) });
    await account.invoke('iam', 'AttachRolePolicy', {
      RoleName,
      PolicyArn: `arn:${partition}:iam::aws:policy/AdministratorAccess`,
    });
  }
  await account.invoke('ssm', 'PutParameter', {
    Name: `/cdk-bootstrap/${QUALIFIER}/version`,
    Value: BOOTSTRAP_VERSION,
  });
}
