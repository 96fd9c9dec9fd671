import { ENROLLMENT_TAG, LOGICAL_ID_TAG, SEED_VERSION_TAG, STACK_ID_TAG, type VirtualMfaDeviceTag } from './contract';
import type { EnrollmentRequest } from './enrollment-request';
import { type RequestTime, requestTimeIn } from './request-time';
import type { SeedStore, SeedVersion } from './seed-store';

/** Whose a device is, by its tags. */
export type Ownership = 'ours' | 'unmarked' | "someone else's";

/** Reads from a device's tags whose it is. */
export function ownershipByTags(tags: ReadonlyMap<string, string>, { ownershipTags }: EnrollmentRequest): Ownership {
  const marks = [STACK_ID_TAG, LOGICAL_ID_TAG];
  if (marks.every((key) => tags.get(key) === valueOf(ownershipTags, key))) return 'ours';
  return marks.some((key) => tags.has(key)) ? "someone else's" : 'unmarked';
}

/** Whether a device was made for the same user, path and rotation. */
export function isSameEnrollment(tags: ReadonlyMap<string, string>, { ownershipTags }: EnrollmentRequest): boolean {
  return tags.get(ENROLLMENT_TAG) === valueOf(ownershipTags, ENROLLMENT_TAG);
}

/**
 * Finds the seed of a device by the version that its tags name. The serial number alone would not do: a device that somebody
 * deleted and this resource made anew has the same one.
 */
export async function storedSeedOfDevice(
  serialNumber: string,
  tags: ReadonlyMap<string, string>,
  seedStore: SeedStore,
): Promise<SeedVersion | undefined> {
  const found = await seedStore.find(tags.get(SEED_VERSION_TAG) ?? '');
  return found?.stored.serialNumber === serialNumber ? found : undefined;
}

/** Whether a device was made for a later request than this. @param now milliseconds since the epoch */
export function isMadeAfter(requestTime: RequestTime, tags: ReadonlyMap<string, string>, now: number): boolean {
  return (requestTimeIn(tags.get(SEED_VERSION_TAG) ?? '', now) ?? '') > requestTime;
}

/** The tag that names the version of a device's seed. */
export function seedVersionTag(versionId: string): VirtualMfaDeviceTag {
  return { Key: SEED_VERSION_TAG, Value: versionId };
}

function valueOf(tags: EnrollmentRequest['ownershipTags'], key: string): string | undefined {
  return tags.find((tag) => tag.Key === key)?.Value;
}
