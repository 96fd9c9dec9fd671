import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VIRTUAL_MFA } from '../../bin/virtual-mfa-command';
import { previousAndCurrentCode } from '../../lambda/contract/authentication-codes';
import { LOGICAL_ID_TAG, SEED_VERSION_TAG, STACK_ID_TAG, USER_NAME_TAG } from '../../lambda/contract/own-tags';
import { seedVersionId } from '../../lambda/contract/seed-version';
import { storedSeedOf } from '../../lambda/contract/stored-seed';
import { type LocalAws, startLocalAws } from 'local-aws';
import { measureProcess } from './measured-process';
import { median, type Section } from './report';

const DEVICES = [100, 1_000];
const LATENCY_MILLISECONDS = 20;
const ROUNDS = 3;
const STACK_NAME = 'Users';

/** What the commands for many devices take: on a stack of so many, each AWS call a network away. */
export async function measureManyDevices(): Promise<Section> {
  const rows: (string | number)[][] = [];
  for (const count of DEVICES) {
    const localAws = await startLocalAws();
    const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-bench-'));
    try {
      for (let number = 0; number < count; number += 1) await enroll(localAws, number);
      localAws.account.faults.latencyMilliseconds = LATENCY_MILLISECONDS;
      const commands = [
        ['list'],
        ['verify', '--all'],
        ['qr', '--stack', STACK_NAME, '--out-dir', join(folder, 'pages')],
      ];
      for (const args of commands) rows.push([args.slice(0, 2).join(' '), count, ...(await measured(localAws, args))]);
    } finally {
      await localAws.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return {
    title: 'The command, for many devices',
    head: ['command', 'devices', 'time (s)', 'AWS calls', 'of these IAM'],
    rows,
    notes: [`Medians of ${ROUNDS} runs, with ${LATENCY_MILLISECONDS} ms added to each AWS call.`],
  };
}

async function measured(localAws: LocalAws, args: readonly string[]): Promise<(string | number)[]> {
  const times: number[] = [];
  let calls: readonly string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = localAws.account.calls.length;
    const { milliseconds } = await measureProcess([VIRTUAL_MFA, ...args], { environment: localAws.environment });
    times.push(milliseconds / 1000);
    calls = localAws.account.calls.after(before).map(({ action }) => action);
  }
  return [median(times).toFixed(1), calls.length, calls.filter((action) => action.startsWith('iam:')).length];
}

/** Makes a user with a device and its secret, as the function leaves them. */
async function enroll({ account }: LocalAws, number: number): Promise<void> {
  const userName = `user-${number}`;
  const stackId = account.arn('cloudformation', `stack/${STACK_NAME}/8f5c2a10-aaaa-bbbb-cccc-0123456789ab`);
  const resource = [
    { Key: STACK_ID_TAG, Value: stackId },
    { Key: LOGICAL_ID_TAG, Value: `Mfa${number}` },
  ];
  await account.invoke('iam', 'CreateUser', { UserName: userName });
  const name = { VirtualMFADeviceName: `${userName}-0123456789` };
  const serialNumber = account.arn('iam', `mfa/${name.VirtualMFADeviceName}`);
  const versionId = seedVersionId(basicFormat(account.now()), randomUUID(), serialNumber);
  const tags = [...resource, { Key: SEED_VERSION_TAG, Value: versionId }];
  const { VirtualMFADevice } = await account.invoke('iam', 'CreateVirtualMFADevice', { ...name, Tags: tags });
  const seed = (VirtualMFADevice as { Base32StringSeed: Buffer }).Base32StringSeed.toString();
  const owner = { serialNumber, userName, issuer: 'Amazon Web Services', accountId: account.accountId };
  await account.invoke('secretsmanager', 'CreateSecret', {
    Name: `seed-${number}`,
    ClientRequestToken: versionId,
    SecretString: JSON.stringify(storedSeedOf(owner, seed)),
    Tags: [
      ...resource,
      { Key: USER_NAME_TAG, Value: userName },
      { Key: 'aws:cloudformation:stack-id', Value: stackId },
      { Key: 'aws:cloudformation:logical-id', Value: `Mfa${number}Seed` },
    ],
  });
  const [AuthenticationCode1, AuthenticationCode2] = previousAndCurrentCode(seed, account.now());
  const codes = { AuthenticationCode1, AuthenticationCode2 };
  await account.invoke('iam', 'EnableMFADevice', { UserName: userName, SerialNumber: serialNumber, ...codes });
}

/** A time as version ids have it. */
function basicFormat(millisecondsSinceEpoch: number): string {
  return new Date(millisecondsSinceEpoch).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
