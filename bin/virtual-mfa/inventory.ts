import {
  deviceMark,
  deviceMarkIn,
  isRotationVersionId,
  PENDING_LABEL,
  seedStoredAt,
} from '../../lambda/contract/seed-version';
import { failures } from './command-failure';
import {
  type DeviceMarks,
  type DeviceRecords,
  type ListedDevice,
  regionOf,
  type SeedSecret,
  stackNameOf,
} from './device-records';

/** What there is to say of a device at a glance; docs/virtual-mfa.md explains each. */
export type DeviceState =
  | 'enabled'
  | 'deactivated'
  | 'enabled for another user'
  | 'device missing'
  | 'seed overwritten'
  | 'replaced'
  | 'secret missing'
  | 'secret being deleted'
  | 'not enrolled';

/** A device that cdk-iam-virtual-mfa manages, or that it managed until somebody deleted it. */
export interface ManagedDevice {
  readonly state: DeviceState;
  /** The user that it was made for; absent where nothing says whom. */
  readonly userName?: string;
  /** Absent where the device is missing: its secret has a mark of the serial number alone. */
  readonly serialNumber?: string;
  /** The user for whom it is enabled, and since when. */
  readonly holder?: string;
  readonly holderArn?: string;
  readonly enableDate?: Date;
  readonly stackId: string;
  readonly seedSecretArn?: string;
  /** The version of the secret that has the device's seed. */
  readonly seedVersionId?: string;
  /** When the seed was stored. */
  readonly seedStoredDate?: Date;
  /** When a rotation gave the user this seed; absent where there was none. */
  readonly lastRotatedDate?: Date;
}

/**
 * The devices of a region's stacks. The secrets come first: they outlive a device that somebody deletes by hand, and the ids of their
 * versions tell which device they belong to. IAM is asked for the tags of those devices alone that no secret claims.
 */
export class Inventory {
  constructor(private readonly records: DeviceRecords) {}

  /** All of them, sorted by user and serial number. */
  async ofRegion(region: string): Promise<readonly ManagedDevice[]> {
    const [secrets, devices] = await Promise.all([this.records.secrets(region), this.records.virtualDevices()]);
    const claimants = claimantsOf(secrets, devices);
    const unclear = devices.filter((device) => claimants.get(device)?.length !== 1);
    const marks = await this.records.marksOfAll(unclear.map(({ serialNumber }) => serialNumber));
    const found = devices.flatMap((device): Found[] => {
      const ofTags = marks.get(device.serialNumber);
      if (ofTags) return regionOf(ofTags.stackId) === region ? [foundByTags(device, ofTags, secrets)] : [];
      const [secret, ...others] = claimants.get(device) ?? [];
      return secret && others.length === 0 ? [foundBySecret(device, secret)] : [];
    });
    const withDevice = new Set(found.filter(isExpected).map(({ secret }) => secret));
    const missing = secrets.filter((secret) => !secret.isBeingDeleted && !withDevice.has(secret));
    const sortKey = ({ userName = '', serialNumber = '' }: ManagedDevice) => `${userName} ${serialNumber}`;
    return [...found.map(existing), ...missing.map(withoutDevice)].sort((one, other) =>
      sortKey(one).localeCompare(sortKey(other)),
    );
  }

  /**
   * Those of one stack.
   *
   * @throws CommandFailure where no stack of this name or id has any
   */
  async ofStack(region: string, nameOrId: string): Promise<readonly ManagedDevice[]> {
    const all = await this.ofRegion(region);
    const devices = all.filter(({ stackId }) => stackId === nameOrId || stackNameOf(stackId) === nameOrId);
    if (devices.length > 0) return devices;
    throw failures.noSuchStack(nameOrId, region, [...new Set(all.map(({ stackId }) => stackNameOf(stackId)))]);
  }

  /** Those that were made for a user. */
  async ofUser(region: string, userName: string): Promise<readonly ManagedDevice[]> {
    const all = await this.ofRegion(region);
    return all.filter((device) => device.userName?.toLowerCase() === userName.toLowerCase());
  }
}

/** A device that exists, with its secret. */
interface Found {
  readonly device: ListedDevice;
  readonly stackId: string;
  readonly secret?: SeedSecret | undefined;
  /** The version of the secret that has the device's seed; absent where somebody wrote so many others that it has no label left. */
  readonly versionId?: string | undefined;
}

/** The secrets whose versions say that they hold a device's seed. Whoever may write to a secret can have it say so. */
function claimantsOf(
  secrets: readonly SeedSecret[],
  devices: readonly ListedDevice[],
): ReadonlyMap<ListedDevice, readonly SeedSecret[]> {
  const byMark = new Map(devices.map((device) => [deviceMark(device.serialNumber), device]));
  const claimants = new Map<ListedDevice, SeedSecret[]>();
  for (const secret of secrets) {
    const claimed = new Set(
      [...secret.versions.keys()].map((versionId) => byMark.get(markIn(secret, versionId) ?? '')),
    );
    for (const device of claimed) if (device) claimants.set(device, [...(claimants.get(device) ?? []), secret]);
  }
  return claimants;
}

function foundBySecret(device: ListedDevice, secret: SeedSecret): Found {
  const mark = deviceMark(device.serialNumber);
  return { device, stackId: secret.stackId, secret, versionId: presentVersion(secret, (of) => of === mark) };
}

/** With the secret of the resource that the tags name. */
function foundByTags(device: ListedDevice, tags: DeviceMarks, secrets: readonly SeedSecret[]): Found {
  const { stackId, logicalId, versionId } = tags;
  const ofResource = secrets.filter((secret) => secret.stackId === stackId && secret.logicalId === logicalId);
  const secret = ofResource.find(({ versions }) => versions.has(versionId)) ?? ofResource[0];
  return { device, stackId, secret, versionId: secret?.versions.has(versionId) ? versionId : undefined };
}

/** The version with the seed of a device that a mark tells: the current one, unless somebody wrote another value over it. */
function presentVersion(secret: SeedSecret, accepts: (mark: string) => boolean): string | undefined {
  const marked = [...secret.versions].filter(([versionId]) => {
    const mark = markIn(secret, versionId);
    return mark !== undefined && accepts(mark);
  });
  const current = marked.find(([, labels]) => labels.includes('AWSCURRENT'));
  // The ids begin with a time: the last is the latest.
  return (current ?? marked.sort(([one], [other]) => one.localeCompare(other)).at(-1))?.[0];
}

/** The mark of the device whose seed a version holds. One that a rotation has stored, last of all, holds that of the version before. */
function markIn({ versions }: SeedSecret, versionId: string): string | undefined {
  const labels = versions.get(versionId) ?? [];
  const isOfRotation =
    isRotationVersionId(versionId) && ['AWSCURRENT', PENDING_LABEL].every((label) => labels.includes(label));
  return deviceMarkIn(isOfRotation ? previousVersion(versions) : versionId);
}

function previousVersion(versions: SeedSecret['versions']): string {
  return [...versions].find(([, labels]) => labels.includes('AWSPREVIOUS'))?.[0] ?? '';
}

/** The version that was made for the device that there ought to be. */
function expectedVersion(secret: SeedSecret): string | undefined {
  return presentVersion(secret, () => true);
}

/** Whether a device is the one that there ought to be, and not one that was replaced. */
function isExpected({ device, secret, versionId }: Found): boolean {
  if (!secret) return true;
  const expected = expectedVersion(secret);
  if (expected === undefined || expected === versionId) return true;
  return markIn(secret, expected) === deviceMark(device.serialNumber);
}

function existing(found: Found): ManagedDevice {
  const { device, secret, stackId, versionId } = found;
  const { serialNumber, holder, holderArn, enableDate } = device;
  const userName = secret?.userName ?? holder;
  return {
    state: stateOf(found),
    ...(userName === undefined ? {} : { userName }),
    serialNumber,
    ...(holder === undefined ? {} : { holder }),
    ...(holderArn === undefined ? {} : { holderArn }),
    ...(enableDate === undefined ? {} : { enableDate }),
    stackId,
    ...(secret === undefined ? {} : { seedSecretArn: secret.arn }),
    ...(secret === undefined || versionId === undefined ? {} : seedDates(secret, versionId)),
  };
}

function seedDates(
  { versions, lastRotatedDate }: SeedSecret,
  versionId: string,
): Pick<ManagedDevice, 'seedVersionId' | 'seedStoredDate' | 'lastRotatedDate'> {
  const isOfRotation = isRotationVersionId(versionId);
  const stored = isOfRotation ? lastRotatedDate : seedStoredAt(versionId);
  const markBefore = deviceMarkIn(previousVersion(versions));
  const isRotated = isOfRotation || (markBefore !== undefined && markBefore !== deviceMarkIn(versionId));
  return {
    seedVersionId: versionId,
    ...(stored === undefined ? {} : { seedStoredDate: stored }),
    ...(stored === undefined || !isRotated ? {} : { lastRotatedDate: stored }),
  };
}

function stateOf(found: Found): DeviceState {
  const { device, secret, versionId = '' } = found;
  if (!secret) return 'secret missing';
  if (secret.isBeingDeleted) return 'secret being deleted';
  if (!isExpected(found)) return 'replaced';
  if (device.holder === undefined) return 'deactivated';
  if (secret.userName !== undefined && !isSameUser(device.holder, secret.userName)) return 'enabled for another user';
  return secret.versions.get(versionId)?.includes('AWSCURRENT') ? 'enabled' : 'seed overwritten';
}

/** IAM takes no two names that differ in case alone. */
function isSameUser(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function withoutDevice(secret: SeedSecret): ManagedDevice {
  const { arn, stackId, userName } = secret;
  const seedVersionId = expectedVersion(secret);
  return {
    // A stack makes the secret before the device.
    state: seedVersionId === undefined ? 'not enrolled' : 'device missing',
    ...(userName === undefined ? {} : { userName }),
    stackId,
    seedSecretArn: arn,
    ...(seedVersionId === undefined ? {} : seedDates(secret, seedVersionId)),
  };
}
