import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CustomResourceEvent, type LocalAws, startLocalAws } from 'local-aws';
import { cdk } from '../../bin/cdk-command';
import { previousAndCurrentCode } from '../../lambda/contract/authentication-codes';
import { LOGICAL_ID_TAG, SEED_VERSION_TAG, STACK_ID_TAG, USER_NAME_TAG } from '../../lambda/contract/own-tags';
import { seedVersionId } from '../../lambda/contract/seed-version';
import { storedSeedOf } from '../../lambda/contract/stored-seed';

/** Runs a measurement with an empty folder. */
export async function withFolder<T>(measure: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-bench-'));
  try {
    return await measure(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a measurement with a new account, and an empty folder. */
export async function withLocalAws<T>(measure: (localAws: LocalAws, folder: string) => Promise<T>): Promise<T> {
  const localAws = await startLocalAws();
  try {
    return await withFolder((folder) => measure(localAws, folder));
  } finally {
    await localAws.close();
  }
}

/** Runs `cdk deploy`, and returns the events that CloudFormation sent to the function. */
export async function deploy(localAws: LocalAws, args: readonly string[]): Promise<readonly CustomResourceEvent[]> {
  const { cloudFormation, environment } = localAws;
  const events: CustomResourceEvent[] = [];
  cloudFormation.onCustomResourceEvent((observation) => {
    if (observation.kind === 'event') events.push(observation.event);
  });
  const { exitCode, output } = await cdk(['deploy', '--require-approval', 'never', ...args], { environment });
  if (exitCode !== 0) throw new Error(`cdk deploy failed:\n${output}`);
  return events;
}

/** A custom resource, as its events and tags name it. */
export type ResourceNames = Pick<CustomResourceEvent, 'StackId' | 'LogicalResourceId'>;

/** Creates the secret of a device, with the tags that the template gives it. Without a value it has no version. */
export async function newSeedSecret(
  { account }: LocalAws,
  { StackId, LogicalResourceId }: ResourceNames,
  userName: string,
  value: Readonly<Record<string, string>> = {},
): Promise<string> {
  const tags = {
    [STACK_ID_TAG]: StackId,
    [LOGICAL_ID_TAG]: LogicalResourceId,
    [USER_NAME_TAG]: userName,
    'aws:cloudformation:stack-id': StackId,
    'aws:cloudformation:logical-id': `${LogicalResourceId}Seed`,
  };
  const { ARN } = await account.invoke('secretsmanager', 'CreateSecret', {
    Name: `bench-${randomUUID()}`,
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    ...value,
  });
  return String(ARN);
}

/** Leaves a user, a device and its secret in the account, as the function would. */
export async function enroll(localAws: LocalAws, stackName: string, userName: string): Promise<void> {
  const { account } = localAws;
  const StackId = account.arn('cloudformation', `stack/${stackName}/8f5c2a10-aaaa-bbbb-cccc-0123456789ab`);
  const LogicalResourceId = `${userName.replace(/\W/g, '')}Mfa`;
  await account.invoke('iam', 'CreateUser', { UserName: userName });
  const VirtualMFADeviceName = `${userName}-0123456789`;
  const serialNumber = account.arn('iam', `mfa/${VirtualMFADeviceName}`);
  const versionId = seedVersionId(basicFormat(account.now()), randomUUID(), serialNumber);
  const { VirtualMFADevice } = await account.invoke('iam', 'CreateVirtualMFADevice', {
    VirtualMFADeviceName,
    Tags: [
      { Key: STACK_ID_TAG, Value: StackId },
      { Key: LOGICAL_ID_TAG, Value: LogicalResourceId },
      { Key: SEED_VERSION_TAG, Value: versionId },
    ],
  });
  const seed = (VirtualMFADevice as { Base32StringSeed: Buffer }).Base32StringSeed.toString();
  const owner = { serialNumber, userName, issuer: 'Amazon Web Services', accountId: account.accountId };
  await newSeedSecret(localAws, { StackId, LogicalResourceId }, userName, {
    ClientRequestToken: versionId,
    SecretString: JSON.stringify(storedSeedOf(owner, seed)),
  });
  const [AuthenticationCode1, AuthenticationCode2] = previousAndCurrentCode(seed, account.now());
  const codes = { AuthenticationCode1, AuthenticationCode2 };
  await account.invoke('iam', 'EnableMFADevice', { UserName: userName, SerialNumber: serialNumber, ...codes });
}

/** A time as version ids and signed URLs have it. */
export function basicFormat(millisecondsSinceEpoch: number): string {
  return new Date(millisecondsSinceEpoch).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
