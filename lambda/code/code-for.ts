import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../contract/clock';
import { currentCode, type CurrentCode } from '../contract/current-code';
import { storedSeedIn } from '../contract/stored-seed';

/**
 * The name of a device's alias is the end of the ARN of the secret with its seed: name, hyphen and six characters. So whoever may
 * invoke one alias gets codes of one device, whatever the payload says.
 */
const ALIAS_ARN = /^arn:(aws[\w-]*):lambda:([\w-]+):(\d{12}):function:[\w-]+:([\w-]+-\w{6})$/;

/**
 * The current code of the device that the function was invoked for.
 *
 * @param invokedFunctionArn what Lambda says of the invocation, which no caller can forge
 * @throws Error in words for the caller, without anything of the secret's value
 */
export async function codeFor(
  invokedFunctionArn: string,
  secretsManager: SecretsManagerClient,
  clock: Pick<Clock, 'now'>,
): Promise<CurrentCode> {
  const [, partition, region, account, secret] = ALIAS_ARN.exec(invokedFunctionArn) ?? [];
  if (secret === undefined) {
    throw new Error("Got an invocation without a device's alias. Invoke the ARN that the device's codeFunction has.");
  }
  const SecretId = `arn:${partition}:secretsmanager:${region}:${account}:secret:${secret}`;
  const stored = storedSeedIn(await valueOf(SecretId, secretsManager));
  if (stored === undefined) {
    throw new Error(
      `The secret ${SecretId} holds no seed of a device. Deploy a change of the device, which repairs it.`,
    );
  }
  return currentCode(stored, clock.now());
}

async function valueOf(SecretId: string, secretsManager: SecretsManagerClient): Promise<string | undefined> {
  try {
    return (await secretsManager.send(new GetSecretValueCommand({ SecretId }))).SecretString;
  } catch (error) {
    const { name } = error as Error;
    throw new Error(`Secrets Manager does not give the seed out of ${SecretId}: ${name}.`, { cause: error });
  }
}
