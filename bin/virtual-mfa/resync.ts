import { ResyncMFADeviceCommand } from '@aws-sdk/client-iam';
import { isAbsent } from './aws-access';
import { failures } from './command-failure';
import { type CodeTools, sendFreshPair } from './fresh-codes';
import type { LocatedSeed } from './stored-seeds';

/**
 * Synchronizes a device with two codes of its stored seed, which proves that IAM has the same seed.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResyncMFADevice.html
 */
export async function resync(seed: LocatedSeed, tools: CodeTools): Promise<void> {
  const { iam } = tools.aws;
  try {
    // IAM moves the device's clock to that of the codes: to its own one, whatever this machine's says.
    await sendFreshPair(seed, tools, 'iam:ResyncMFADevice', (pair) => iam.send(new ResyncMFADeviceCommand(pair)));
  } catch (error) {
    throw isAbsent(error) ? failures.notAssigned(seed.serialNumber, seed.userName) : error;
  }
}
