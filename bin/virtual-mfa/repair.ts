import { EnableMFADeviceCommand } from '@aws-sdk/client-iam';
import { UpdateSecretVersionStageCommand } from '@aws-sdk/client-secrets-manager';
import { calling } from './aws-access';
import { failures } from './command-failure';
import type { DeviceRecords } from './device-records';
import { type CodeTools, sendFreshPair } from './fresh-codes';
import type { ManagedDevice } from './inventory';
import { resync } from './resync';
import { type LocatedSeed, readStoredSeed } from './stored-seeds';

export interface RepairTools extends CodeTools {
  readonly records: DeviceRecords;
  readonly region: string;
}

/**
 * Enables a device again that somebody deactivated, and makes a seed current again that somebody wrote another value over. Only a
 * seed whose codes IAM has taken becomes current: the tags and the secret that lead to it are no proof.
 *
 * @returns the device as it is now, and what was done; undefined where there is nothing that the command could repair
 */
export async function repaired(
  device: ManagedDevice,
  tools: RepairTools,
): Promise<{ readonly device: ManagedDevice; readonly done: string } | undefined> {
  const { state, serialNumber, seedSecretArn, userName } = device;
  if (serialNumber === undefined || seedSecretArn === undefined || userName === undefined) return undefined;
  if (state !== 'deactivated' && state !== 'seed overwritten') return undefined;
  const { aws, records, region } = tools;
  const { stackId, versionId } = (await records.marksOf(serialNumber)) ?? {};
  if (stackId !== device.stackId || versionId === undefined) throw failures.notOurs(serialNumber);
  const seed = await readStoredSeed({ secretArn: seedSecretArn, region, versionId, serialNumber, userName }, aws);
  const isDeactivated = state === 'deactivated';
  await (isDeactivated
    ? sendFreshPair(seed, tools, 'iam:EnableMFADevice', (pair) => aws.iam.send(new EnableMFADeviceCommand(pair)))
    : resync(seed, tools));
  if (!seed.isCurrent) await makeCurrent(seed, tools);
  const enabled = isDeactivated ? { holder: userName, enableDate: new Date(aws.time.now()) } : {};
  const done = [...(isDeactivated ? ['enabled again'] : []), ...(seed.isCurrent ? [] : ['seed restored'])];
  return { device: { ...device, ...enabled, state: 'enabled', seedVersionId: versionId }, done: done.join(', ') };
}

/** Only if the current version is still the one that was listed: whoever changes it meanwhile knows better. */
async function makeCurrent(
  { secretArn, versionId }: LocatedSeed,
  { aws, records, region }: RepairTools,
): Promise<void> {
  const secret = (await records.secrets(region)).find(({ arn }) => arn === secretArn);
  const [current] = [...(secret?.versions ?? [])].find(([, labels]) => labels.includes('AWSCURRENT')) ?? [];
  const command = new UpdateSecretVersionStageCommand({
    SecretId: secretArn,
    VersionStage: 'AWSCURRENT',
    MoveToVersionId: versionId,
    RemoveFromVersionId: current,
  });
  await calling('secretsmanager:UpdateSecretVersionStage', secretArn, () => aws.secretsManager(region).send(command));
}
