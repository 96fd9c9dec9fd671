import type { TypeProvider } from '../provider';
import { begun, difference, ignoringAbsence, optionalText, present, tagsOf, text } from './properties';

/** `AWS::IAM::AccessKey` */
export const accessKey: TypeProvider = {
  takes: ['UserName', 'Serial'],
  create: async (change) => {
    const { AccessKey } = await change.account.invoke('iam', 'CreateAccessKey', {
      UserName: text(change.properties, 'UserName'),
    });
    const { AccessKeyId, SecretAccessKey } = AccessKey as { AccessKeyId: string; SecretAccessKey: string };
    return begun(change, AccessKeyId, { SecretAccessKey });
  },
  update: async ({ physicalId }) => ({ physicalId }),
  delete: async ({ account, physicalId: AccessKeyId, properties }) =>
    ignoringAbsence(() =>
      account.invoke('iam', 'DeleteAccessKey', { UserName: text(properties, 'UserName'), AccessKeyId }),
    ),
};

/** `AWS::IAM::VirtualMFADevice`: creates a device and throws its seed away; nothing can enable it for its users. */
export const virtualMfaDevice: TypeProvider = {
  takes: ['VirtualMfaDeviceName', 'Path', 'Users', 'Tags'],
  nameProperty: 'VirtualMfaDeviceName',
  create: async (change) => {
    const { account, properties } = change;
    const { VirtualMFADevice } = await account.invoke('iam', 'CreateVirtualMFADevice', {
      VirtualMFADeviceName: optionalText(properties, 'VirtualMfaDeviceName') ?? change.physicalName(226),
      ...present({
        Path: optionalText(properties, 'Path'),
        Tags: properties.Tags === undefined ? undefined : tagsOf(properties),
      }),
    });
    const { SerialNumber } = VirtualMFADevice as { SerialNumber: string };
    return begun(change, SerialNumber, { SerialNumber });
  },
  update: async ({ account, physicalId: SerialNumber, properties, oldProperties }) => {
    const { added, removed } = difference(tagsOf(oldProperties), tagsOf(properties));
    const kept = tagsOf(properties).map(({ Key }) => Key);
    const TagKeys = removed.map(({ Key }) => Key).filter((key) => !kept.includes(key));
    if (added.length > 0) await account.invoke('iam', 'TagMFADevice', { SerialNumber, Tags: added });
    if (TagKeys.length > 0) await account.invoke('iam', 'UntagMFADevice', { SerialNumber, TagKeys });
    return { physicalId: SerialNumber };
  },
  delete: async ({ account, physicalId: SerialNumber }) =>
    ignoringAbsence(() => account.invoke('iam', 'DeleteVirtualMFADevice', { SerialNumber })),
};
