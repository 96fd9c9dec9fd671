import { createHash } from 'node:crypto';

/**
 * The id of a version of a device's secret: the time of the request that stored it, then a UUID whose last group is made of the serial
 * number. So the ids that ListSecrets shows tell which device's seed a secret holds, with no call to IAM for each device.
 *
 * Whoever may write to the secret can make up such an id: it tells where to look, and proves nothing.
 *
 * @param requestTime as ISO 8601's basic format, `20260115T120007Z`
 * @param uuid a random one
 */
export function seedVersionId(requestTime: string, uuid: string, serialNumber: string): string {
  return `${requestTime}-${uuid.slice(0, -MARK_LENGTH)}${deviceMark(serialNumber)}`;
}

/**
 * The label of the latest version that the handler has stored, whether or not it has become current. Not AWSPENDING: with that on a version
 * that does not become current, Secrets Manager would refuse to rotate.
 */
export const PENDING_LABEL = 'cdk-iam-virtual-mfa-pending';

/** Whether this is the id of a version that a rotation by Secrets Manager has stored: its ids tell no time and no device. */
export function isRotationVersionId(versionId: string): boolean {
  return ROTATION_VERSION_ID.test(versionId);
}

/**
 * The value of the tag that names the version of a device's seed: the version's id, behind the time of the request if the id tells none.
 *
 * @param requestTime as ISO 8601's basic format, `20260115T120007Z`
 */
export function seedVersionTagValue(versionId: string, requestTime: string): string {
  return isRotationVersionId(versionId) ? `${requestTime}+${versionId}` : versionId;
}

/** The version's id in the value of such a tag; empty for one that the handler does not write. */
export function versionIdInTag(value: string): string {
  return isRotationVersionId(value) ? '' : value.slice(value.indexOf('+') + 1);
}

/** The UUID in the id of a version that a rotation stores: it begins like the id that Secrets Manager has chosen for that. */
export function uuidOfRotation(token: string, uuid: string): string {
  return token.slice(0, TOKEN_LENGTH) + uuid.slice(TOKEN_LENGTH);
}

/** Whether a version was stored by the rotation for which Secrets Manager has chosen this id. */
export function isOfRotation(versionId: string, token: string): boolean {
  return isSeedVersionId(versionId) && versionId.slice(REQUEST_TIME_LENGTH).startsWith(token.slice(0, TOKEN_LENGTH));
}

/** Whether the handler can have given this id to a version. */
export function isSeedVersionId(versionId: string): boolean {
  return SEED_VERSION_ID.test(versionId);
}

/** The mark of the device whose seed a version holds, as its id says; undefined for an id that the handler does not give. */
export function deviceMarkIn(versionId: string): string | undefined {
  return isSeedVersionId(versionId) ? versionId.slice(-MARK_LENGTH) : undefined;
}

/** When the request was made whose event stored a version, as its id says. */
export function seedStoredAt(versionId: string): Date | undefined {
  if (!isSeedVersionId(versionId)) return undefined;
  const [, year, month, day, hour, minute, second] = TIME_PARTS.exec(versionId) ?? [];
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

const TIME_PARTS = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/;
const ROTATION_VERSION_ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
const SEED_VERSION_ID = /^\d{8}T\d{6}Z-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
/** The last group of a UUID. */
const MARK_LENGTH = 12;
/** The first group of a UUID. */
const TOKEN_LENGTH = 8;
/** `20260115T120007Z-` */
const REQUEST_TIME_LENGTH = 17;

/** The mark of a device in the version ids of its seeds. */
export function deviceMark(serialNumber: string): string {
  return createHash('sha256').update(serialNumber).digest('hex').slice(0, MARK_LENGTH);
}
