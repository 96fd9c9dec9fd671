import type { EnrollmentRequest } from './enrollment-request';
import type { EnrollmentTools } from './enrollment-tools';
import { AccessDeniedFailure, failures } from './failure';
import { isMadeAfter, isOurs, type Ownership, ownershipByTags, storedSeedOfDevice } from './ownership';
import { undone } from './removal';
import type { SeedStore, SeedVersion } from './seed-store';

/** A device of ours that exists. */
export interface ExistingDevice {
  readonly tags: ReadonlyMap<string, string>;
  readonly ownership: Ownership;
  /** Its stored seed, if that is anywhere. */
  readonly found: SeedVersion | undefined;
}

/**
 * The device of a request; undefined where there is none.
 *
 * @throws Failure where the device is not ours, or a later request has made it
 */
export async function findDevice(
  request: EnrollmentRequest,
  tools: EnrollmentTools,
): Promise<ExistingDevice | undefined> {
  const { serialNumber } = request;
  const { mfaDevices, seedStore, requestTime } = tools;
  const tags = await mfaDevices.tagsOf(serialNumber);
  if (!tags) return undefined;
  const ownership = ownershipByTags(tags, request);
  if (ownership === 'ours' && isMadeAfter(requestTime, tags)) throw failures.superseded();
  const found = await storedSeedOfDevice(serialNumber, tags, seedStore).catch(async (error: unknown) => {
    // A secret that is gone has no tags, and for want of them its reading is denied; then nobody wants a device that is not enabled.
    const isUnwanted = ownership === 'ours' && error instanceof AccessDeniedFailure && (await isSecretGone(seedStore));
    throw isUnwanted ? await undone(error, request, { versionId: '', createdHere: false }, tools) : error;
  });
  if (!isOurs(ownership, found)) throw failures.notOurDevice(serialNumber);
  return { tags, ownership, found };
}

/** Tells a secret that is gone from one whose key may not be used: the latter can be described. */
async function isSecretGone(seedStore: SeedStore): Promise<boolean> {
  try {
    return await seedStore.isSuperseded();
  } catch (error) {
    return error instanceof AccessDeniedFailure;
  }
}
