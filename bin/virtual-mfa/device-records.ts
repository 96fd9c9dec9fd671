import {
  type IAMClient,
  ListMFADevicesCommand,
  ListMFADeviceTagsCommand,
  paginateListVirtualMFADevices,
} from '@aws-sdk/client-iam';
import { paginateListSecrets, type SecretListEntry } from '@aws-sdk/client-secrets-manager';
import { LOGICAL_ID_TAG, SEED_VERSION_TAG, STACK_ID_TAG, USER_NAME_TAG } from '../../lambda/contract/own-tags';
import { versionIdInTag } from '../../lambda/contract/seed-version';
import { type AwsAccess, calling, isAbsent } from './aws-access';
import { failures } from './command-failure';
import { severalAtOnce } from './several-at-once';

/** A virtual device, as IAM lists it. */
export interface ListedDevice {
  readonly serialNumber: string;
  /** The user for whom it is enabled, and since when. */
  readonly holder?: string | undefined;
  readonly enableDate?: Date | undefined;
  readonly holderArn?: string | undefined;
}

/** What the library's tags on a device say. */
export interface DeviceMarks {
  readonly stackId: string;
  readonly logicalId: string;
  /** The version of the secret with the seed that the device was made with. */
  readonly versionId: string;
}

/** A secret that a stack made for a seed, as Secrets Manager lists it. */
export interface SeedSecret {
  readonly arn: string;
  readonly stackId: string;
  readonly logicalId: string;
  /** The user whose device it is for. */
  readonly userName?: string | undefined;
  /** The labels of each version. */
  readonly versions: ReadonlyMap<string, readonly string[]>;
  readonly isBeingDeleted: boolean;
  /** When Secrets Manager rotated it. */
  readonly lastRotatedDate?: Date | undefined;
}

/** `arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<uuid>` */
const STACK_ID = /^arn:[\w-]+:cloudformation:[a-z\d-]+:\d{12}:stack\/[\w-]+\/[\w-]+$/;
/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html */
const STACK_ID_BY_CLOUDFORMATION = 'aws:cloudformation:stack-id';
/** That of the secret, not of the device: it need only be there. */
const LOGICAL_ID_BY_CLOUDFORMATION = 'aws:cloudformation:logical-id';
/** @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html (IAM may return fewer, and then a marker) */
const DEVICES_PER_PAGE = 1000;
const GIVE_SECRET =
  'qr, code and session find the seed with secretsmanager:GetSecretValue alone where the ARN of its secret is given.';

/** What AWS has on record of devices and of the secrets with their seeds. */
export class DeviceRecords {
  readonly #secretsByRegion = new Map<string, Promise<readonly SeedSecret[]>>();

  constructor(private readonly aws: AwsAccess) {}

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

  /** What the tags of a device say: nothing of one that the library did not make. Undefined where there is no such device. */
  async marksOf(serialNumber: string): Promise<Partial<DeviceMarks> | undefined> {
    try {
      const { Tags = [] } = await calling(
        'iam:ListMFADeviceTags',
        serialNumber,
        () => this.aws.iam.send(new ListMFADeviceTagsCommand({ SerialNumber: serialNumber })),
        GIVE_SECRET,
      );
      const tags = new Map(Tags.map(({ Key, Value }) => [Key, Value]));
      const tag = tags.get(SEED_VERSION_TAG);
      const [stackId = '', logicalId = ''] = [tags.get(STACK_ID_TAG), tags.get(LOGICAL_ID_TAG)];
      return {
        ...(tag === undefined ? {} : { versionId: versionIdInTag(tag) }),
        ...(STACK_ID.test(stackId) ? { stackId, logicalId } : {}),
      };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** What the tags of devices say that the library made; others are left out. */
  async marksOfAll(serialNumbers: readonly string[]): Promise<ReadonlyMap<string, DeviceMarks>> {
    const marks = await severalAtOnce(serialNumbers, async (serialNumber) => {
      const { stackId, logicalId = '', versionId = '' } = (await this.marksOf(serialNumber)) ?? {};
      return stackId === undefined ? [] : [[serialNumber, { stackId, logicalId, versionId }] as const];
    });
    return new Map(marks.flat());
  }

  /** The virtual devices of the account, whoever made them. */
  async virtualDevices(): Promise<readonly ListedDevice[]> {
    const client: IAMClient = this.aws.iam;
    return calling('iam:ListVirtualMFADevices', 'the account', async () => {
      const devices: ListedDevice[] = [];
      const paging = { client, pageSize: DEVICES_PER_PAGE };
      for await (const { VirtualMFADevices = [] } of paginateListVirtualMFADevices(paging, {})) {
        for (const { SerialNumber = '', User, EnableDate } of VirtualMFADevices) {
          devices.push({
            serialNumber: SerialNumber,
            holder: User?.UserName,
            holderArn: User?.Arn,
            enableDate: EnableDate,
          });
        }
      }
      return devices;
    });
  }

  /** The secrets that stacks of a region made for seeds, with those that are scheduled for deletion. */
  async secrets(region: string): Promise<readonly SeedSecret[]> {
    const listed = this.#secretsByRegion.get(region) ?? this.#listSecrets(region);
    this.#secretsByRegion.set(region, listed);
    return listed;
  }

  async #listSecrets(region: string): Promise<readonly SeedSecret[]> {
    return calling(
      'secretsmanager:ListSecrets',
      `the region ${region}`,
      async () => {
        const paging = { client: this.aws.secretsManager(region), pageSize: 100 };
        const Filters = [{ Key: 'tag-key' as const, Values: [STACK_ID_TAG] }];
        const secrets: SeedSecret[] = [];
        for await (const page of paginateListSecrets(paging, { Filters, IncludePlannedDeletion: true })) {
          secrets.push(...(page.SecretList ?? []).flatMap(seedSecret));
        }
        // A replica of a secret of another region has its tags.
        return secrets.filter(({ stackId }) => regionOf(stackId) === region);
      },
      GIVE_SECRET,
    );
  }
}

/** The secrets that say that they have a device's version of the seed: one, unless somebody made another. */
export function secretsOf(
  { stackId, versionId }: Pick<DeviceMarks, 'stackId' | 'versionId'>,
  secrets: readonly SeedSecret[],
): readonly SeedSecret[] {
  return secrets.filter((secret) => secret.stackId === stackId && secret.versions.has(versionId));
}

export function regionOf(stackId: string): string {
  return stackId.split(':')[3] ?? '';
}

/** The name of a stack. */
export function stackNameOf(stackId: string): string {
  return stackId.split('/')[1] ?? stackId;
}

/**
 * Anybody who may create a secret can give it the library's tags. CloudFormation's own nobody else can set: they tell which stack made
 * the secret.
 */
function seedSecret({
  ARN = '',
  Tags = [],
  SecretVersionsToStages = {},
  DeletedDate,
  LastRotatedDate,
}: SecretListEntry): SeedSecret[] {
  const tags = new Map(Tags.map(({ Key, Value }) => [Key, Value]));
  const stackId = tags.get(STACK_ID_TAG) ?? '';
  const isOfStack = tags.get(STACK_ID_BY_CLOUDFORMATION) === stackId && tags.has(LOGICAL_ID_BY_CLOUDFORMATION);
  if (!STACK_ID.test(stackId) || !isOfStack) return [];
  return [
    {
      arn: ARN,
      stackId,
      logicalId: tags.get(LOGICAL_ID_TAG) ?? '',
      userName: tags.get(USER_NAME_TAG),
      versions: new Map(Object.entries(SecretVersionsToStages)),
      isBeingDeleted: DeletedDate !== undefined,
      lastRotatedDate: LastRotatedDate,
    },
  ];
}
