import {
  CreateVirtualMFADeviceCommand,
  DeleteVirtualMFADeviceCommand,
  ListMFADeviceTagsCommand,
  TagMFADeviceCommand,
  UntagMFADeviceCommand,
} from '@aws-sdk/client-iam';
import { DeleteSecretCommand, DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import { STACK_ID_TAG } from '../../../lambda/contract/own-tags';
import { DidNotHold, inWords } from '../finding';
import type { Probe } from '../probe';
import { DENIED, GONE, isNamed } from '../probed-account';
import { allowed, CONSISTENCY_MILLISECONDS, clientsOfProductRole, denied } from '../product-role';

const PROBE_TAG = 'probe';

export const deletesItsOwnDevicesAlone: Probe = {
  assumption: 'aws:ResourceTag limits DeleteVirtualMFADevice and UntagMFADevice',
  run: async (account) => {
    const [ours, others] = [account.stackId('ours'), account.stackId('others')];
    const mark = { Key: PROBE_TAG, Value: 'x' };
    const own = await account.createDevice('own', [{ Key: STACK_ID_TAG, Value: ours }, mark]);
    const foreign = await account.createDevice('foreign', [{ Key: STACK_ID_TAG, Value: others }, mark]);
    const unmarked = await account.createDevice('unmarked', [mark]);
    const { iam } = await clientsOfProductRole(account, ours);
    const untag = (SerialNumber: string) => () =>
      iam.send(new UntagMFADeviceCommand({ SerialNumber, TagKeys: [PROBE_TAG] }));
    const remove = (SerialNumber: string) => () => iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber }));

    await allowed(account, 'UntagMFADevice of a device with the stack’s tag', untag(own.serialNumber));
    await denied('UntagMFADevice of another stack’s device', untag(foreign.serialNumber));
    await denied('UntagMFADevice of a device without a stack’s tag', untag(unmarked.serialNumber));
    await denied('DeleteVirtualMFADevice of another stack’s device', remove(foreign.serialNumber));
    await denied('DeleteVirtualMFADevice of a device without a stack’s tag', remove(unmarked.serialNumber));
    await allowed(account, 'DeleteVirtualMFADevice of a device with the stack’s tag', remove(own.serialNumber));
  },
};

export const marksNoOtherStacksDevice: Probe = {
  assumption: 'StringEqualsIfExists limits TagMFADevice to devices that no other stack has marked',
  run: async (account) => {
    const [ours, others] = [account.stackId('ours'), account.stackId('others')];
    const foreign = await account.createDevice('foreign', [{ Key: STACK_ID_TAG, Value: others }]);
    const unmarked = await account.createDevice('unmarked');
    const { iam } = await clientsOfProductRole(account, ours);
    const create = (suffix: string, stackId: string) => async () => {
      const Tags = [{ Key: STACK_ID_TAG, Value: stackId }];
      const VirtualMFADeviceName = `${account.name}-${suffix}`;
      const { VirtualMFADevice } = await iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName, Tags }));
      account.deleteLater(VirtualMFADevice?.SerialNumber ?? '');
    };
    const tag = (SerialNumber: string) => () =>
      iam.send(new TagMFADeviceCommand({ SerialNumber, Tags: [{ Key: STACK_ID_TAG, Value: ours }] }));

    await allowed(account, 'CreateVirtualMFADevice with the stack’s tag', create('own', ours));
    await denied('CreateVirtualMFADevice with another stack’s tag', create('stray', others));
    await allowed(account, 'TagMFADevice of a device without a stack’s tag', tag(unmarked.serialNumber));
    await denied('TagMFADevice of another stack’s device', tag(foreign.serialNumber));
  },
};

export const tellsThatSomethingIsGone: Probe = {
  assumption: 'A role that is limited by tags gets "not found" or "denied" for what is gone',
  run: async (account) => {
    const stackId = account.stackId('ours');
    const Tags = [{ Key: STACK_ID_TAG, Value: stackId }];
    const { serialNumber: SerialNumber } = await account.createDevice('gone', Tags);
    const SecretId = await account.createSecret(Tags);
    const { iam, secretsManager } = await clientsOfProductRole(account, stackId);
    const readTags = () => iam.send(new ListMFADeviceTagsCommand({ SerialNumber }));
    const describe = () => secretsManager.send(new DescribeSecretCommand({ SecretId }));
    await allowed(account, 'ListMFADeviceTags', readTags);
    await allowed(account, 'DescribeSecret', describe);

    await account.iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber }));
    await account.secretsManager.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true }));

    await refused('DeleteVirtualMFADevice of a device that is gone', [...GONE, ...DENIED], () =>
      iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber })),
    );
    await refused('ListMFADeviceTags of a device that is gone', GONE, readTags);
    const { DeletedDate } = await describe().catch((error: unknown) => {
      if (isNamed(error, ...GONE, ...DENIED)) return { DeletedDate: true };
      throw new DidNotHold(`DescribeSecret of a secret that is gone answers ${inWords(error)}`);
    });
    if (DeletedDate === undefined)
      throw new DidNotHold('DescribeSecret shows a secret that is gone as if it were there');
  },
};

export const knowsANewPolicy: Probe = {
  assumption: 'A new role’s policy is in force within 30 seconds',
  run: async (account) => {
    const stackId = account.stackId('ours');
    const Tags = [{ Key: STACK_ID_TAG, Value: stackId }];
    const { serialNumber: SerialNumber } = await account.createDevice('own', Tags);
    const SecretId = await account.createSecret(Tags);
    const { iam, secretsManager } = await clientsOfProductRole(account, stackId);
    await allowed(account, `${CONSISTENCY_MILLISECONDS / 1000} s later, ListMFADeviceTags`, () =>
      iam.send(new ListMFADeviceTagsCommand({ SerialNumber })),
    );
    await allowed(account, `${CONSISTENCY_MILLISECONDS / 1000} s later, DescribeSecret`, () =>
      secretsManager.send(new DescribeSecretCommand({ SecretId })),
    );
  },
};

async function refused(what: string, names: readonly string[], call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (isNamed(error, ...names)) return;
    throw new DidNotHold(`${what} answers ${inWords(error)}`);
  }
  throw new DidNotHold(`${what} succeeds`);
}
