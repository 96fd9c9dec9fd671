import { bridgeOf, isOrBridges, SERIAL_NUMBER_MAX_LENGTH } from '../../lambda/contract/serial-number';
import { deviceMark, deviceMarkIn } from '../../lambda/contract/seed-version';
import type { AwsAccess } from './aws-access';
import { CommandFailure, failures } from './command-failure';
import { type DeviceMarks, type DeviceRecords, regionOf, secretsOf, stackNameOf } from './device-records';
import { Inventory, type ManagedDevice } from './inventory';
import type { Target } from './target';

/** Where the seed of a device is. */
export interface SeedLocation {
  readonly secretArn: string;
  readonly region: string;
  /** The version that is this device's; the current one where it is not known. */
  readonly versionId?: string;
  /** Whether the device is enabled; absent where nobody asked IAM. */
  readonly isEnabled?: boolean;
  /** The device, and the user, whose seed it has to be; absent where the secret itself was given. */
  readonly serialNumber?: string;
  readonly userName?: string;
}

/** Finds the seed of what a command was told to work on, by the tags of devices and secrets. */
export class SeedFinder {
  constructor(
    private readonly records: DeviceRecords,
    private readonly aws: AwsAccess,
  ) {}

  /** @throws CommandFailure that says what became of the device, where there is none */
  async find(target: Target): Promise<SeedLocation> {
    switch (target.kind) {
      case 'secret':
        return { secretArn: target.secretArn, region: target.region };
      case 'device':
        return this.#ofDevice(target.serialNumber);
      case 'user':
        return this.#ofUser(target.userName);
    }
  }

  async #ofDevice(serialNumber: string): Promise<SeedLocation> {
    const marks = await this.records.marksOf(serialNumber);
    if (!marks) {
      // While a rotation makes a device anew, another serves its user.
      const bridge = bridgeOf(serialNumber);
      if (bridge.length <= SERIAL_NUMBER_MAX_LENGTH && (await this.records.marksOf(bridge)))
        return this.#ofDevice(bridge);
      throw (await this.#deleted(serialNumber)) ?? failures.noSuchDevice(serialNumber);
    }
    const { stackId, versionId = '' } = marks;
    if (stackId === undefined) throw failures.notManaged(serialNumber);
    return this.#locationOf(serialNumber, { stackId, versionId });
  }

  async #ofUser(userName: string): Promise<SeedLocation> {
    const enabled = [...(await this.records.enabledFor(userName)).keys()];
    const marks = await this.records.marksOfAll(enabled.filter((serialNumber) => serialNumber.includes(':mfa/')));
    const [device, ...others] = marks;
    if (device && others.length === 0) return { ...(await this.#locationOf(...device)), userName, isEnabled: true };
    if (device && others.length === 1 && others.every(([other]) => isRotation(device[0], other))) {
      const { secretArn, region } = await this.#locationOf(...device);
      return { secretArn, region, userName, isEnabled: true };
    }
    if (device) throw failures.severalDevices(userName, [...marks.keys()]);
    const region = await this.aws.region();
    const devices = await new Inventory(this.records).ofUser(region, userName);
    const deactivated = devices.find(({ state }) => state === 'deactivated');
    if (deactivated) return { ...locationIn(deactivated, region), userName, isEnabled: false };
    throw devices.map(whatBecameOf).find((failure) => failure !== undefined) ?? failures.noDevice(userName, enabled);
  }

  async #locationOf(serialNumber: string, marks: Pick<DeviceMarks, 'stackId' | 'versionId'>): Promise<SeedLocation> {
    const region = regionOf(marks.stackId);
    const [secret, ...others] = secretsOf(marks, await this.records.secrets(region));
    if (!secret) throw failures.secretNotListed(serialNumber, region);
    // The tags say so, and others can set tags too: none is better than the wrong one.
    if (others.length > 0) {
      throw failures.severalSecrets(
        serialNumber,
        [secret, ...others].map(({ arn }) => arn),
      );
    }
    return { secretArn: secret.arn, region, versionId: marks.versionId, serialNumber };
  }

  /** Whether a secret is the present one of a device that IAM does not know. */
  async #deleted(serialNumber: string): Promise<CommandFailure | undefined> {
    try {
      const mark = deviceMark(serialNumber);
      const secrets = await this.records.secrets(await this.aws.region());
      const secret = secrets.find(({ versions }) =>
        [...versions].some(([id, labels]) => deviceMarkIn(id) === mark && labels.includes('AWSCURRENT')),
      );
      return secret && failures.deviceMissing(secret.userName ?? 'unknown', stackNameOf(secret.stackId), secret.arn);
    } catch (error) {
      if (error instanceof CommandFailure && error.kind === 'accessDenied') return undefined;
      throw error;
    }
  }
}

/** Whether one of two devices serves while the other is rotated: the current seed is that of the one that works. */
function isRotation(one: string, other: string): boolean {
  return isOrBridges(one, other) || isOrBridges(other, one);
}

function locationIn({ serialNumber, seedSecretArn = '', seedVersionId }: ManagedDevice, region: string): SeedLocation {
  return {
    secretArn: seedSecretArn,
    region,
    ...(serialNumber === undefined ? {} : { serialNumber }),
    ...(seedVersionId === undefined ? {} : { versionId: seedVersionId }),
  };
}

function whatBecameOf(device: ManagedDevice): CommandFailure | undefined {
  const { state, userName = '', stackId, seedSecretArn = '' } = device;
  const stack = stackNameOf(stackId);
  if (state === 'device missing') return failures.deviceMissing(userName, stack, seedSecretArn);
  if (state === 'not enrolled') return failures.notEnrolled(userName, stack);
  return undefined;
}
