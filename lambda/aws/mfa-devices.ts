import {
  CreateVirtualMFADeviceCommand,
  DeactivateMFADeviceCommand,
  DeleteVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  type IAMClient,
  ListMFADevicesCommand,
  ListMFADeviceTagsCommand,
  ListVirtualMFADevicesCommand,
  ResyncMFADeviceCommand,
  TagMFADeviceCommand,
  UntagMFADeviceCommand,
} from '@aws-sdk/client-iam';
import type { ConsecutiveCodes } from '../contract/authentication-codes';
import type { AwsCalls, NotYet } from './aws-calls';
import { isAbsent, isAccessDenied, isNamed } from './aws-errors';
import type { VirtualMfaDeviceTag } from '../contract/properties';

/** A device that was just made must not be taken for one that is gone: it would be left behind. */
const NEW_DEVICE_IS_NOT_SEEN_YET: NotYet = { errors: ['NoSuchEntityException'], milliseconds: 3_000 };

/** What CreateVirtualMFADevice came to. */
export type Creation =
  | { readonly outcome: 'created'; readonly seed: string }
  | {
      readonly outcome: 'exists';
      /** An earlier try may have created it, and its answer, the only one with the seed, was lost. */
      readonly triedBefore: boolean;
    };

/** IAM's MFA actions. Absence is an answer here, not an error. */
export interface MfaDevices {
  create(path: string, virtualMfaDeviceName: string, tags: readonly VirtualMfaDeviceTag[]): Promise<Creation>;
  /** @param codes computed anew for each try, right before it */
  enable(userName: string, serialNumber: string, codes: () => ConsecutiveCodes): Promise<void>;
  /**
   * Submits two codes of a device that is enabled: IAM takes them only if they are of the device's own seed.
   *
   * @param codes computed anew for each try, right before it
   */
  resync(userName: string, serialNumber: string, codes: () => ConsecutiveCodes): Promise<void>;
  /** Resolves too where the device or the user is absent, or the device is not this user's. */
  deactivate(userName: string, serialNumber: string): Promise<void>;
  /** `assigned`: the device is enabled for a user and was not deleted. */
  delete(serialNumber: string): Promise<'absent now' | 'assigned'>;
  /**
   * The device's tags by key; undefined where there is no such device.
   *
   * @param isOld whether it was made a while ago, if at all
   */
  tagsOf(serialNumber: string, isOld?: boolean): Promise<ReadonlyMap<string, string> | undefined>;
  tag(serialNumber: string, tags: readonly VirtualMfaDeviceTag[]): Promise<void>;
  untag(serialNumber: string, keys: readonly string[]): Promise<void>;
  /** Serial numbers of the devices that are enabled for a user; undefined where there is no such user. */
  enabledFor(userName: string): Promise<readonly string[] | undefined>;
  /** Name of the user for whom a device is enabled. Reads the whole account's list: for the rare case only. */
  holderOf(serialNumber: string): Promise<string | undefined>;
}

export class IamMfaDevices implements MfaDevices {
  constructor(
    private readonly client: IAMClient,
    private readonly calls: AwsCalls,
  ) {}

  async create(Path: string, VirtualMFADeviceName: string, tags: readonly VirtualMfaDeviceTag[]): Promise<Creation> {
    let tries = 0;
    try {
      const output = await this.calls.perform('iam:CreateVirtualMFADevice', () => {
        tries += 1;
        return this.client.send(new CreateVirtualMFADeviceCommand({ Path, VirtualMFADeviceName, Tags: [...tags] }));
      });
      // The blob's bytes are base32 text already.
      return { outcome: 'created', seed: new TextDecoder().decode(output.VirtualMFADevice?.Base32StringSeed) };
    } catch (error) {
      if (isNamed(error, 'EntityAlreadyExistsException')) return { outcome: 'exists', triedBefore: tries > 1 };
      throw error;
    }
  }

  async enable(UserName: string, SerialNumber: string, codes: () => ConsecutiveCodes): Promise<void> {
    await this.calls.perform('iam:EnableMFADevice', () => {
      const [AuthenticationCode1, AuthenticationCode2] = codes();
      return this.client.send(
        new EnableMFADeviceCommand({ UserName, SerialNumber, AuthenticationCode1, AuthenticationCode2 }),
      );
    });
  }

  async resync(UserName: string, SerialNumber: string, codes: () => ConsecutiveCodes): Promise<void> {
    await this.calls.perform('iam:ResyncMFADevice', () => {
      const [AuthenticationCode1, AuthenticationCode2] = codes();
      return this.client.send(
        new ResyncMFADeviceCommand({ UserName, SerialNumber, AuthenticationCode1, AuthenticationCode2 }),
      );
    });
  }

  async deactivate(UserName: string, SerialNumber: string): Promise<void> {
    const command = new DeactivateMFADeviceCommand({ UserName, SerialNumber });
    await this.#unlessAbsent(this.calls.perform('iam:DeactivateMFADevice', () => this.client.send(command)));
  }

  async delete(SerialNumber: string): Promise<'absent now' | 'assigned'> {
    const command = new DeleteVirtualMFADeviceCommand({ SerialNumber });
    try {
      await this.calls.perform('iam:DeleteVirtualMFADevice', async () => {
        try {
          await this.client.send(command);
        } catch (error) {
          // One that is gone has no tags either, and for want of them IAM denies what it would answer with NoSuchEntity.
          const mayBeGone = isAbsent(error) || isAccessDenied(error);
          if (!mayBeGone || (await this.tagsOf(SerialNumber))) throw error;
        }
      });
      return 'absent now';
    } catch (error) {
      if (isNamed(error, 'DeleteConflictException')) return 'assigned';
      throw error;
    }
  }

  async tagsOf(SerialNumber: string, isOld = false): Promise<ReadonlyMap<string, string> | undefined> {
    // A device carries 50 tags at most: they come in one page.
    const command = new ListMFADeviceTagsCommand({ SerialNumber });
    const result = await this.#unlessAbsent(
      this.calls.perform(
        'iam:ListMFADeviceTags',
        () => this.client.send(command),
        isOld ? undefined : NEW_DEVICE_IS_NOT_SEEN_YET,
      ),
    );
    return result && new Map(result.Tags?.map(({ Key = '', Value = '' }) => [Key, Value]));
  }

  async tag(SerialNumber: string, tags: readonly VirtualMfaDeviceTag[]): Promise<void> {
    const command = new TagMFADeviceCommand({ SerialNumber, Tags: [...tags] });
    await this.calls.perform('iam:TagMFADevice', () => this.client.send(command));
  }

  async untag(SerialNumber: string, keys: readonly string[]): Promise<void> {
    const command = new UntagMFADeviceCommand({ SerialNumber, TagKeys: [...keys] });
    await this.calls.perform('iam:UntagMFADevice', async () => {
      try {
        await this.client.send(command);
      } catch (error) {
        // The role may not touch a device without its marks: IAM denies what an earlier try has already done.
        const tags = isAccessDenied(error) ? await this.tagsOf(SerialNumber) : undefined;
        if (!tags || keys.some((key) => tags.has(key))) throw error;
      }
    });
  }

  async enabledFor(UserName: string): Promise<readonly string[] | undefined> {
    // A user has 8 devices at most: they come in one page.
    const command = new ListMFADevicesCommand({ UserName });
    const result = await this.#unlessAbsent(this.calls.perform('iam:ListMFADevices', () => this.client.send(command)));
    return result?.MFADevices?.map(({ SerialNumber = '' }) => SerialNumber);
  }

  async holderOf(serialNumber: string): Promise<string | undefined> {
    let marker: string | undefined;
    do {
      const command = new ListVirtualMFADevicesCommand({ AssignmentStatus: 'Assigned', Marker: marker });
      const output = await this.calls.perform('iam:ListVirtualMFADevices', () => this.client.send(command));
      const device = output.VirtualMFADevices?.find(({ SerialNumber }) => SerialNumber === serialNumber);
      if (device) return device.User?.UserName;
      marker = output.IsTruncated ? output.Marker : undefined;
    } while (marker !== undefined);
    return undefined;
  }

  async #unlessAbsent<T>(result: Promise<T>): Promise<T | undefined> {
    try {
      return await result;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }
}
