import { aws_iam as iam, CfnDeletionPolicy, Lazy } from 'aws-cdk-lib';

/** The `AWS::IAM::User` resource behind a user that this app declares; undefined for an imported user. */
export function cfnUserOf(user: iam.IUserRef): iam.CfnUser | undefined {
  const candidate = user instanceof iam.CfnUser ? user : user.node.defaultChild;
  return candidate instanceof iam.CfnUser ? candidate : undefined;
}

/** The logical id of a user that the stack deletes; resolves to nothing for one that it retains, or does not declare. */
export function logicalIdIfDeleted(user: iam.IUserRef): string {
  const cfnUser = cfnUserOf(user);
  // Read at synthesis: a removal policy may be applied late.
  const isDeleted = () => [undefined, CfnDeletionPolicy.DELETE].includes(cfnUser?.cfnOptions.deletionPolicy);
  return Lazy.string({ produce: () => (isDeleted() ? cfnUser?.logicalId : undefined) });
}
