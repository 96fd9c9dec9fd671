import { isAbsent, isNamed } from './aws-errors';
import type { EnrollmentRequest } from './enrollment-request';
import type { EnrollmentTools } from './enrollment-tools';
import { failures } from './failure';
import { FreshCodes } from './fresh-codes';
import { requestTimeIn } from './request-time';
import type { SeedVersion } from './seed-store';

/** IAM takes no pair of codes twice, nor one that overlaps the last: right after an enabling, the third one is new. */
const CODE_TRIES = 4;

/**
 * Makes sure, before it is made current, that a stored seed is that of a device which is enabled already: somebody may have moved the
 * device's tag to the version of a seed that is dead. A seed becomes current only once IAM has taken its codes, so one that has been
 * current last, as far as this device goes, needs no proof. For any other, IAM has to take codes now.
 *
 * @returns false where the device is not enabled any more
 * @throws Failure where IAM refuses the codes
 */
export async function isProvenSeed(
  { userName, serialNumber }: EnrollmentRequest,
  { versionId, stored, isCurrent, isPrevious }: SeedVersion,
  { mfaDevices, seedStore, clock, requestTime }: EnrollmentTools,
): Promise<boolean> {
  if (isCurrent || requestTimeIn(versionId, clock.now()) === requestTime) return true;
  const current = await seedStore.current();
  const isOfDevice = current?.stored.serialNumber === serialNumber;
  if (isOfDevice ? current.stored.seed === stored.seed : isPrevious) return true;
  const codes = new FreshCodes(stored.seed, clock);
  for (let tries = 1; ; tries += 1) {
    try {
      await mfaDevices.resync(userName, serialNumber, codes.compute);
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      if (!isNamed(error, 'InvalidAuthenticationCodeException')) throw error;
      if (tries >= CODE_TRIES) throw failures.seedNotOfDevice(serialNumber);
      await codes.others();
    }
  }
}
