import { SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { type AwsAccess, calling } from './aws-access';
import { CommandFailure } from './command-failure';
import type { ManagedDevice } from './inventory';

/**
 * Whether the policies of a device's owner let the owner read the device's seed with an access key alone: then the device protects
 * nothing from whoever has that key. Undefined where the caller may not ask. Policies on the secret and on its key are left out.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
 */
export async function ownerMayReadSeed(
  { holderArn, seedSecretArn }: Pick<ManagedDevice, 'holderArn' | 'seedSecretArn'>,
  aws: AwsAccess,
): Promise<boolean | undefined> {
  if (holderArn === undefined || seedSecretArn === undefined) return undefined;
  // No condition key is given: as in a request that an access key signs, there is no aws:MultiFactorAuthPresent.
  const command = new SimulatePrincipalPolicyCommand({
    PolicySourceArn: holderArn,
    ActionNames: ['secretsmanager:GetSecretValue'],
    ResourceArns: [seedSecretArn],
  });
  try {
    const answer = await calling('iam:SimulatePrincipalPolicy', holderArn, () => aws.iam.send(command));
    return answer.EvaluationResults?.[0]?.EvalDecision === 'allowed';
  } catch (error) {
    if (error instanceof CommandFailure && error.kind === 'accessDenied') return undefined;
    throw error;
  }
}
