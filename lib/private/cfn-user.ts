import { aws_iam as iam } from 'aws-cdk-lib';

/** The `AWS::IAM::User` resource behind a user that this app declares; undefined for an imported user. */
export function cfnUserOf(user: iam.IUserRef): iam.CfnUser | undefined {
  const candidate = user instanceof iam.CfnUser ? user : user.node.defaultChild;
  return candidate instanceof iam.CfnUser ? candidate : undefined;
}
