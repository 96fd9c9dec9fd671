import type { EnrollmentRequest } from './enrollment-request';
import type { EnrollmentTools } from './enrollment-tools';
import { failures, SecretGoneFailure } from './failure';
import { isMadeAfter, type Ownership, ownershipByTags, storedSeedOfDevice } from './ownership';
import { undone } from './removal';
import type { SeedVersion } from './seed-store';

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
  const { mfaDevices, seedStore, clock, requestTime } = tools;
  const tags = await mfaDevices.tagsOf(serialNumber);
  if (!tags) return undefined;
  const ownership = ownershipByTags(tags, request);
  switch (ownership) {
    case "someone else's":
      throw failures.notOurDevice(serialNumber);
    case 'unmarked':
      return { tags, ownership, found: await seedOfUnmarkedDevice(request, tools) };
    case 'ours':
      if (isMadeAfter(requestTime, tags, clock.now())) throw failures.superseded();
      try {
        return { tags, ownership, found: await storedSeedOfDevice(serialNumber, tags, seedStore) };
      } catch (error) {
        if (!(error instanceof SecretGoneFailure)) throw error;
        // Nobody wants a device whose secret is gone, if it is not enabled.
        throw await undone(error, request, { versionId: '', createdHere: false }, tools);
      }
  }
}

/**
 * The seed of a device whose tags somebody took away. Only one that works already, with the secret's current seed, is taken for ours:
 * anybody might have made a device without tags, and whoever may write to the secret could name it there.
 */
async function seedOfUnmarkedDevice(
  { serialNumber, userName }: EnrollmentRequest,
  { mfaDevices, seedStore }: EnrollmentTools,
): Promise<SeedVersion> {
  const current = await seedStore.current();
  const isRecorded = current?.stored.serialNumber === serialNumber && current.stored.userName === userName;
  if (!isRecorded || !(await mfaDevices.enabledFor(userName))?.includes(serialNumber)) {
    throw failures.notOurDevice(serialNumber);
  }
  return current;
}
