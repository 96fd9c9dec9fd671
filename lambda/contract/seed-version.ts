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
const SEED_VERSION_ID = /^\d{8}T\d{6}Z-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
/** The last group of a UUID. */
const MARK_LENGTH = 12;

/** The mark of a device in the version ids of its seeds. */
export function deviceMark(serialNumber: string): string {
  return createHash('sha256').update(serialNumber).digest('hex').slice(0, MARK_LENGTH);
}
