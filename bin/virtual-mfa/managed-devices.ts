import {
  type IAMClient,
  ListMFADevicesCommand,
  ListMFADeviceTagsCommand,
  paginateListVirtualMFADevices,
  type VirtualMFADevice,
} from '@aws-sdk/client-iam';
import { paginateListSecrets, type SecretListEntry } from '@aws-sdk/client-secrets-manager';
import { SEED_VERSION_TAG, STACK_ID_TAG } from '../../lambda/contract/own-tags';
import { type AwsAccess, calling, isAbsent } from './aws-access';
import { failures } from './command-failure';
import type { Target } from './target';

/** A device that cdk-iam-virtual-mfa manages. */
export interface ManagedDevice {
  readonly serialNumber: string;
  /** The user for whom it is enabled, and since when; absent where it is not. */
  readonly userName?: string;
  readonly enableDate?: Date;
  readonly stackId: string;
  /** The secret with its seed; absent where that is gone. */
  readonly seedSecretArn?: string;
}

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

interface MarkedDevice {
  readonly serialNumber: string;
  readonly stackId: string;
  readonly versionId: string;
}

/** `arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<uuid>` */
const STACK_ID = /^arn:[\w-]+:cloudformation:[a-z\d-]+:\d{12}:stack\/[\w-]+\/[\w-]+$/;
/** Enough to be quick, and well below IAM's throttling. */
const CALLS_AT_ONCE = 8;
const GIVE_SECRET =
  'qr, code and session find the seed with secretsmanager:GetSecretValue alone where the ARN of its secret is given.';

/** Finds the devices that the library manages, by the tags that it puts on devices and secrets. */
export class ManagedDevices {
  readonly #secretsByRegion = new Map<string, Promise<readonly SecretListEntry[]>>();

  constructor(private readonly aws: AwsAccess) {}

  /** The devices of the stacks of a region, or of one of its stacks, sorted by user and serial number. */
  async list(region: string, stack?: string): Promise<readonly ManagedDevice[]> {
    const listed = await this.#virtualDevices('Any');
    const marked = (await this.#marked(listed.map(({ SerialNumber = '' }) => SerialNumber))).filter(
      ({ stackId }) => regionOf(stackId) === region && (stack === undefined || isStack(stackId, stack)),
    );
    const secrets = marked.length === 0 ? [] : await this.#secrets(region);
    const bySerialNumber = new Map(listed.map((device) => [device.SerialNumber, device]));
    const devices = marked.map(({ serialNumber, stackId, versionId }): ManagedDevice => {
      const { User, EnableDate } = bySerialNumber.get(serialNumber) ?? {};
      const seedSecretArn = secretsOf({ stackId, versionId }, secrets)[0]?.ARN;
      return {
        serialNumber,
        ...(User?.UserName === undefined ? {} : { userName: User.UserName }),
        ...(EnableDate === undefined ? {} : { enableDate: EnableDate }),
        stackId,
        ...(seedSecretArn === undefined ? {} : { seedSecretArn }),
      };
    });
    const sortKey = ({ userName = '', serialNumber }: ManagedDevice) => `${userName} ${serialNumber}`;
    return devices.sort((one, other) => sortKey(one).localeCompare(sortKey(other)));
  }

  /** Where the seed is of what a command was told to work on. */
  async locateSeed(target: Target): Promise<SeedLocation> {
    switch (target.kind) {
      case 'secret':
        return { secretArn: target.secretArn, region: target.region };
      case 'device': {
        const { serialNumber } = target;
        const tags = await this.#tagsOf(serialNumber);
        if (!tags) throw failures.noSuchDevice(serialNumber);
        const device = markedDevice(serialNumber, tags);
        if (!device) throw failures.notManaged(serialNumber);
        return this.#locationOf(device);
      }
      case 'user':
        return this.#locateSeedOfUser(target.userName);
    }
  }

  /** The devices that are enabled for a user, with the time since when. */
  async enabledFor(userName: string): Promise<ReadonlyMap<string, Date | undefined>> {
    try {
      const { MFADevices = [] } = await calling(
        'iam:ListMFADevices',
        `the user ${userName}`,
        () => this.aws.iam.send(new ListMFADevicesCommand({ UserName: userName })),
        GIVE_SECRET,
      );
      return new Map(MFADevices.map(({ SerialNumber = '', EnableDate }) => [SerialNumber, EnableDate]));
    } catch (error) {
      throw isAbsent(error) ? failures.noSuchUser(userName) : error;
    }
  }

  /** The version id of the seed that a device was made with; undefined where there is no such device, or it has no such tag. */
  async seedVersionOf(serialNumber: string): Promise<{ readonly exists: boolean; readonly versionId?: string }> {
    const tags = await this.#tagsOf(serialNumber);
    const versionId = tags?.get(SEED_VERSION_TAG);
    return { exists: tags !== undefined, ...(versionId === undefined ? {} : { versionId }) };
  }

  /** The user for whom a device is enabled. */
  async holderOf(serialNumber: string): Promise<string | undefined> {
    const assigned = await this.#virtualDevices('Assigned');
    return assigned.find(({ SerialNumber }) => SerialNumber === serialNumber)?.User?.UserName;
  }

  async #locateSeedOfUser(userName: string): Promise<SeedLocation> {
    const enabled = [...(await this.enabledFor(userName)).keys()];
    const devices = await this.#marked(enabled.filter((serialNumber) => serialNumber.includes(':mfa/')));
    const [device, ...others] = devices;
    if (device && others.length === 0) return { ...(await this.#locationOf(device)), userName, isEnabled: true };
    if (device) {
      throw failures.severalDevices(
        userName,
        devices.map(({ serialNumber }) => serialNumber),
      );
    }
    const deactivated = await this.#locateSeedOfDeactivated(userName);
    if (!deactivated) throw failures.noDevice(userName, enabled);
    return { ...deactivated, userName, isEnabled: false };
  }

  /** IAM does not tell whose a device was that is not enabled; the secret's description does. */
  async #locateSeedOfDeactivated(userName: string): Promise<SeedLocation | undefined> {
    const unassigned = await this.#virtualDevices('Unassigned');
    for (const device of await this.#marked(unassigned.map(({ SerialNumber = '' }) => SerialNumber))) {
      const secrets = secretsOf(device, await this.#secrets(regionOf(device.stackId)));
      const isOfUser = secrets.some(({ Description }) => Description?.endsWith(` of IAM user ${userName}`));
      if (isOfUser) return this.#locationOf(device);
    }
    return undefined;
  }

  async #locationOf(device: MarkedDevice): Promise<SeedLocation> {
    const { serialNumber, stackId, versionId } = device;
    const region = regionOf(stackId);
    const [secretArn, ...others] = secretsOf(device, await this.#secrets(region)).map(({ ARN = '' }) => ARN);
    if (secretArn === undefined) throw failures.secretNotListed(serialNumber, region);
    // The tags say so, and others can set tags too: none is better than the wrong one.
    if (others.length > 0) throw failures.severalSecrets(serialNumber, [secretArn, ...others]);
    return { secretArn, region, versionId, serialNumber };
  }

  async #marked(serialNumbers: readonly string[]): Promise<readonly MarkedDevice[]> {
    const marked: MarkedDevice[] = [];
    for (let first = 0; first < serialNumbers.length; first += CALLS_AT_ONCE) {
      const some = serialNumbers.slice(first, first + CALLS_AT_ONCE);
      const devices = await Promise.all(
        some.map(async (serialNumber) => markedDevice(serialNumber, (await this.#tagsOf(serialNumber)) ?? new Map())),
      );
      marked.push(...devices.filter((device) => device !== undefined));
    }
    return marked;
  }

  async #tagsOf(serialNumber: string): Promise<ReadonlyMap<string, string> | undefined> {
    try {
      const { Tags = [] } = await calling(
        'iam:ListMFADeviceTags',
        serialNumber,
        () => this.aws.iam.send(new ListMFADeviceTagsCommand({ SerialNumber: serialNumber })),
        GIVE_SECRET,
      );
      return new Map(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async #virtualDevices(AssignmentStatus: 'Any' | 'Assigned' | 'Unassigned'): Promise<readonly VirtualMFADevice[]> {
    const client: IAMClient = this.aws.iam;
    return calling('iam:ListVirtualMFADevices', 'the account', async () => {
      const devices: VirtualMFADevice[] = [];
      for await (const page of paginateListVirtualMFADevices({ client }, { AssignmentStatus })) {
        devices.push(...(page.VirtualMFADevices ?? []));
      }
      return devices;
    });
  }

  async #secrets(region: string): Promise<readonly SecretListEntry[]> {
    const listed = this.#secretsByRegion.get(region) ?? this.#listSecrets(region);
    this.#secretsByRegion.set(region, listed);
    return listed;
  }

  async #listSecrets(region: string): Promise<readonly SecretListEntry[]> {
    return calling(
      'secretsmanager:ListSecrets',
      `the region ${region}`,
      async () => {
        const client = this.aws.secretsManager(region);
        const secrets: SecretListEntry[] = [];
        const Filters = [{ Key: 'tag-key' as const, Values: [STACK_ID_TAG] }];
        for await (const page of paginateListSecrets({ client }, { Filters })) secrets.push(...(page.SecretList ?? []));
        return secrets;
      },
      GIVE_SECRET,
    );
  }
}

function markedDevice(serialNumber: string, tags: ReadonlyMap<string, string>): MarkedDevice | undefined {
  const stackId = tags.get(STACK_ID_TAG) ?? '';
  return !STACK_ID.test(stackId) ? undefined : { serialNumber, stackId, versionId: tags.get(SEED_VERSION_TAG) ?? '' };
}

/** The secrets that say that they have a device's version of the seed: one, unless somebody made another. */
function secretsOf(
  { stackId, versionId }: Pick<MarkedDevice, 'stackId' | 'versionId'>,
  secrets: readonly SecretListEntry[],
): readonly SecretListEntry[] {
  return secrets.filter(
    ({ Tags = [], SecretVersionsToStages = {} }) =>
      Object.hasOwn(SecretVersionsToStages, versionId) &&
      Tags.some(({ Key, Value }) => Key === STACK_ID_TAG && Value === stackId),
  );
}

function regionOf(stackId: string): string {
  return stackId.split(':')[3] ?? '';
}

function isStack(stackId: string, nameOrId: string): boolean {
  return stackId === nameOrId || stackNameOf(stackId) === nameOrId;
}

/** The name of a stack. */
export function stackNameOf(stackId: string): string {
  return stackId.split('/')[1] ?? stackId;
}
