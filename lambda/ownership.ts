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

/** Whether a device is this resource's: by its tags, or, where somebody took them away, because the seed secret records it. */
export function isOurs(ownership: Ownership, found: SeedVersion | undefined): boolean {
  return ownership === 'ours' || (ownership === 'unmarked' && found !== undefined);
}

/** Whether a device was made for the same user, path and rotation. */
export function isSameEnrollment(tags: ReadonlyMap<string, string>, { ownershipTags }: EnrollmentRequest): boolean {
  return tags.get(ENROLLMENT_TAG) === valueOf(ownershipTags, ENROLLMENT_TAG);
}

/**
 * Finds the seed of a device by the version that its tags name. The serial number alone would not do: a device that somebody
 * deleted and this resource made anew has the same one. It serves only where somebody took the tags away.
 */
export async function storedSeedOfDevice(
  serialNumber: string,
  tags: ReadonlyMap<string, string>,
  seedStore: SeedStore,
): Promise<SeedVersion | undefined> {
  const versionId = tags.get(SEED_VERSION_TAG);
  if (versionId === undefined) return seedStore.findBySerialNumber(serialNumber);
  const found = await seedStore.find(versionId);
  return found?.stored.serialNumber === serialNumber ? found : undefined;
}

/** Whether a device was made for a later request than this. */
export function isMadeAfter(requestTime: RequestTime, tags: ReadonlyMap<string, string>): boolean {
  return (requestTimeIn(tags.get(SEED_VERSION_TAG) ?? '') ?? '') > requestTime;
}

/** The tag that names the version of a device's seed. */
export function seedVersionTag(versionId: string): VirtualMfaDeviceTag {
  return { Key: SEED_VERSION_TAG, Value: versionId };
}

function valueOf(tags: EnrollmentRequest['ownershipTags'], key: string): string | undefined {
  return tags.find((tag) => tag.Key === key)?.Value;
}
