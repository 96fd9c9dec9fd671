import { ADOPTED_TAG, ENROLLMENT_TAG, LOGICAL_ID_TAG, SEED_VERSION_TAG, STACK_ID_TAG } from '../contract/own-tags';
import type { VirtualMfaDeviceTag } from '../contract/properties';
import { seedVersionTagValue } from '../contract/seed-version';
import type { RequestTime } from '../request-time';
import type { EnrollmentRequest } from './enrollment-request';

/** Who owns a device, by its tags. */
export type Ownership = 'ours' | 'unmarked' | "someone else's";

/** Reads from a device's tags who owns it. */
export function ownershipByTags(tags: ReadonlyMap<string, string>, { ownershipTags }: EnrollmentRequest): Ownership {
  const marks = [STACK_ID_TAG, LOGICAL_ID_TAG];
  if (marks.every((key) => tags.get(key) === valueOf(ownershipTags, key))) return 'ours';
  return marks.some((key) => tags.has(key)) ? "someone else's" : 'unmarked';
}

/** Whether a device was made for the same user, path and rotation. */
export function isSameEnrollment(tags: ReadonlyMap<string, string>, { ownershipTags }: EnrollmentRequest): boolean {
  return tags.get(ENROLLMENT_TAG) === valueOf(ownershipTags, ENROLLMENT_TAG);
}

/** The tag that names the version of a device's seed. */
export function seedVersionTag(versionId: string, requestTime: RequestTime): VirtualMfaDeviceTag {
  return { Key: SEED_VERSION_TAG, Value: seedVersionTagValue(versionId, requestTime) };
}

/** The tag that tells how an adopted device was found. */
export function adoptedTag(wasEnabled: boolean): VirtualMfaDeviceTag {
  return { Key: ADOPTED_TAG, Value: wasEnabled ? 'enabled' : UNASSIGNED };
}

/** Whether a device was adopted, and was enabled for nobody before. */
export function wasUnassigned(tags: ReadonlyMap<string, string>): boolean {
  return tags.get(ADOPTED_TAG) === UNASSIGNED;
}

const UNASSIGNED = 'unassigned';

function valueOf(tags: EnrollmentRequest['ownershipTags'], key: string): string | undefined {
  return tags.find((tag) => tag.Key === key)?.Value;
}
