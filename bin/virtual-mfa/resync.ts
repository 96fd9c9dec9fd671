import { ResyncMFADeviceCommand } from '@aws-sdk/client-iam';
import { millisecondsToNextTimeStep, nextTimeStep, previousAndCurrentCode } from './authentication-codes';
import { type AwsAccess, calling, isAbsent } from './aws-access';
import type { Clock } from './clock';
import { failures } from './command-failure';
import type { LocatedSeed } from './stored-seeds';

/** Two codes that were never used need three time steps, at most. */
const CODE_TRIES = 3;

export interface ResyncTools {
  readonly aws: AwsAccess;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told when codes are used up, and how long it is to the next one. */
  readonly waiting: (milliseconds: number) => void;
}

/**
 * Synchronizes a device with two codes of its stored seed, which proves that IAM has the same seed.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResyncMFADevice.html
 */
export async function resync(seed: LocatedSeed, { aws, clock, signal, waiting }: ResyncTools): Promise<void> {
  const { serialNumber, userName } = seed;
  for (let tries = 1; ; tries += 1) {
    aws.requireRightClock();
    const [AuthenticationCode1, AuthenticationCode2] = previousAndCurrentCode(seed.seed, clock.now());
    const command = new ResyncMFADeviceCommand({
      UserName: userName,
      SerialNumber: serialNumber,
      AuthenticationCode1,
      AuthenticationCode2,
    });
    try {
      await calling('iam:ResyncMFADevice', `the user ${userName}`, () => aws.iam.send(command));
      return;
    } catch (error) {
      if (isAbsent(error)) throw failures.notAssigned(serialNumber, userName);
      if (!(error instanceof Error) || !error.name.startsWith('InvalidAuthenticationCode')) throw error;
      if (tries >= CODE_TRIES) throw failures.codesRefused(serialNumber);
    }
    waiting(millisecondsToNextTimeStep(clock.now()));
    await nextTimeStep(clock, signal);
  }
}
