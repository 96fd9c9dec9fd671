import { ResyncMFADeviceCommand } from '@aws-sdk/client-iam';
import { previousAndCurrentCode } from '../../lambda/contract/authentication-codes';
import { calling, isAbsent } from './aws-access';
import { failures } from './command-failure';
import { CODE_REFUSED, type CodeTools, NEWER_CODES_NEEDED, withFreshCodes } from './fresh-codes';
import type { LocatedSeed } from './stored-seeds';

/**
 * Synchronizes a device with two codes of its stored seed, which proves that IAM has the same seed.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResyncMFADevice.html
 */
export async function resync(seed: LocatedSeed, tools: CodeTools): Promise<void> {
  const { serialNumber, userName } = seed;
  const { aws } = tools;
  await withFreshCodes(serialNumber, NEWER_CODES_NEEDED, tools, async () => {
    // IAM moves the device's clock to that of the codes: to its own one, whatever this machine's says.
    const [AuthenticationCode1, AuthenticationCode2] = previousAndCurrentCode(seed.seed, aws.time.now());
    const command = new ResyncMFADeviceCommand({
      UserName: userName,
      SerialNumber: serialNumber,
      AuthenticationCode1,
      AuthenticationCode2,
    });
    try {
      return await calling('iam:ResyncMFADevice', `the user ${userName}`, () => aws.iam.send(command));
    } catch (error) {
      if (isAbsent(error)) throw failures.notAssigned(serialNumber, userName);
      if (error instanceof Error && error.name.startsWith('InvalidAuthenticationCode')) return CODE_REFUSED;
      throw error;
    }
  });
}
