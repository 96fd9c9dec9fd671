import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deviceTable } from '../../../bin/virtual-mfa/device-table';
import { SEED_VERSION_TAG, STACK_ID_TAG, USER_NAME_TAG } from '../../../lambda/contract/own-tags';
import { STACK_ID, tagsByCloudFormation } from '../../lambda/handler-stack';
import { Subject } from '../../lambda/subject';
import { CommandLine } from './command-line';

let commandLine: CommandLine;
beforeAll(async () => {
  commandLine = await CommandLine.start();
});
afterAll(() => commandLine.close());

async function listed(...args: readonly string[]): Promise<Record<string, unknown>[]> {
  const { exitCode, output, messages } = await commandLine.run(['list', '--json', ...args]);
  expect({ exitCode, messages }).toEqual({ exitCode: 0, messages: '' });
  return JSON.parse(output) as Record<string, unknown>[];
}

async function deleteByHand(subject: Subject): Promise<void> {
  await subject.deactivate();
  await subject.administrate('iam', 'DeleteVirtualMFADevice', { SerialNumber: subject.serialNumber() });
}

describe('virtual-mfa list', () => {
  test('says on which region’s devices it looked where there are none', async () => {
    const { exitCode, output, messages } = await commandLine.run(['list', '--region', 'eu-west-1']);

    expect({ exitCode, output, messages }).toEqual({ exitCode: 0, output: '', messages: 'No devices in eu-west-1.\n' });
  });

  test('asks IAM once, however many devices there are, and for the tags of those that no secret claims', async () => {
    const subjects = [await commandLine.enrolled(), await commandLine.enrolled(), await commandLine.enrolled()];
    const byHand = 'arn:aws:iam::123456789012:mfa/by-hand';
    subjects[0]?.foreignDevice(byHand, { tags: [] });
    const { calls } = commandLine.lifecycle.aws.account;
    const before = calls.length;

    const devices = await listed();

    commandLine.lifecycle.aws.iam.virtualMfaDevices.delete(byHand);
    expect(devices).toHaveLength(subjects.length);
    const asked = calls.after(before).filter(({ action }) => action.startsWith('iam:'));
    expect(asked.map(({ action }) => action).sort()).toEqual(['iam:ListMFADeviceTags', 'iam:ListVirtualMFADevices']);
  });

  test('shows user, state, device, since when and stack, without reading a seed', async () => {
    const subject = await commandLine.enrolled();
    const reads = commandLine.callsOf('secretsmanager:GetSecretValue');
    const since = subject.device()?.assignment?.enableDate;

    const { output } = await commandLine.run(['list']);

    const [head] = output.split('\n');
    const row = output.split('\n').find((line) => line.startsWith(subject.userName));
    expect(head?.split(/ {2,}/)).toEqual(['USER', 'STATE', 'DEVICE', 'SINCE', 'STACK']);
    expect(row?.split(/ {2,}/)).toEqual([
      subject.userName,
      'enabled',
      subject.serialNumber().split('/').at(-1),
      since?.toISOString().slice(0, 10),
      'users',
    ]);
    expect(commandLine.callsOf('secretsmanager:GetSecretValue')).toBe(reads);
    expect(await listed()).toContainEqual({
      state: 'enabled',
      userName: subject.userName,
      serialNumber: subject.serialNumber(),
      holder: subject.userName,
      holderArn: expect.stringMatching(new RegExp(`:user/${subject.userName}$`)) as string,
      enableDate: since?.toISOString().replace(/\.\d{3}/, '.000'),
      stackId: STACK_ID,
      seedSecretArn: subject.seedSecretArn,
      seedVersionId: subject.device()?.tags.get(SEED_VERSION_TAG),
      seedStoredDate: expect.any(String) as string,
    });
  });

  test('shows ARNs with --wide', async () => {
    const subject = await commandLine.enrolled();

    const { output } = await commandLine.run(['list', '--wide']);

    const row = output.split('\n').find((line) => line.includes(subject.serialNumber()));
    expect(row).toContain(subject.seedSecretArn);
  });

  test('shows the secret of each of several devices', async () => {
    const subjects = [await commandLine.enrolled(), await commandLine.enrolled(), await commandLine.enrolled()];

    const devices = await listed('--stack', 'users');

    for (const { userName, seedSecretArn } of subjects) {
      expect(devices).toContainEqual(expect.objectContaining({ userName, seedSecretArn }));
    }
  });

  test('says what is wrong with a device', async () => {
    const missing = await commandLine.enrolled();
    const deactivated = await commandLine.enrolled();
    const moved = await commandLine.enrolled();
    const overwritten = await commandLine.enrolled();
    const again = await commandLine.enrolled();
    const orphaned = await commandLine.enrolled();
    const scheduled = await commandLine.enrolled();
    const untagged = await commandLine.enrolled();
    const empty = await Subject.in(commandLine.lifecycle);
    const destroyed = await commandLine.enrolled();
    await destroyed.delete();
    await destroyed.administrate('secretsmanager', 'DeleteSecret', { SecretId: destroyed.seedSecretArn });
    await deleteByHand(missing);
    await deactivated.deactivate();
    await moved.deactivate();
    const device = moved.device();
    if (device) device.assignment = { userName: moved.otherUserName, enableDate: new Date() };
    const value = { SecretId: overwritten.seedSecretArn, SecretString: 'something' };
    await overwritten.administrate('secretsmanager', 'PutSecretValue', value);
    // Twice, and the seed's version has no label any more.
    for (const SecretString of ['one', 'two']) {
      await again.administrate('secretsmanager', 'PutSecretValue', { SecretId: again.seedSecretArn, SecretString });
    }
    const forGood = { SecretId: orphaned.seedSecretArn, ForceDeleteWithoutRecovery: true };
    await orphaned.administrate('secretsmanager', 'DeleteSecret', forGood);
    await scheduled.administrate('secretsmanager', 'DeleteSecret', { SecretId: scheduled.seedSecretArn });
    untagged.device()?.tags.clear();

    const devices = await listed();

    const stateOf = ({ userName }: Subject) => devices.filter((row) => row['userName'] === userName);
    expect(stateOf(missing)).toEqual([
      expect.objectContaining({ state: 'device missing', seedSecretArn: missing.seedSecretArn }),
    ]);
    for (const [subject, state] of [
      [deactivated, 'deactivated'],
      [moved, 'enabled for another user'],
      [overwritten, 'seed overwritten'],
      [again, 'seed overwritten'],
      [orphaned, 'secret missing'],
      [scheduled, 'secret being deleted'],
      [untagged, 'enabled'],
    ] as const) {
      expect(stateOf(subject)).toEqual([expect.objectContaining({ state, serialNumber: subject.serialNumber() })]);
    }
    expect(stateOf(destroyed)).toEqual([]);
    expect(stateOf(empty)).toEqual([expect.objectContaining({ state: 'not enrolled' })]);
  });

  test('shows the device that a rotation could not remove beside the new one', async () => {
    const subject = await commandLine.enrolled();
    const { answer } = await subject.update({}, { RotationId: 'stolen' });
    expect(answer.Status).toBe('SUCCESS');

    const devices = (await listed()).filter(({ userName }) => userName === subject.userName);

    expect(devices.map(({ serialNumber, state }) => [serialNumber, state]).sort()).toEqual(
      [
        [subject.serialNumber(), 'replaced'],
        [subject.serialNumber({ RotationId: 'stolen' }), 'enabled'],
      ].sort(),
    );
  });

  test('believes the tags of a device that two secrets claim', async () => {
    const subject = await commandLine.enrolled();
    const created = await subject.administrate('secretsmanager', 'CreateSecret', {
      Name: `claims-${subject.userName}`,
      ClientRequestToken: subject.device()?.tags.get(SEED_VERSION_TAG),
      SecretString: 'a seed, it says',
      Tags: [
        { Key: STACK_ID_TAG, Value: STACK_ID },
        { Key: USER_NAME_TAG, Value: 'mallory' },
        ...tagsByCloudFormation('Another'),
      ],
    });

    const devices = await listed();

    expect(devices).toContainEqual(
      expect.objectContaining({ serialNumber: subject.serialNumber(), seedSecretArn: subject.seedSecretArn }),
    );
    expect(devices).toContainEqual(
      expect.objectContaining({ state: 'device missing', userName: 'mallory', seedSecretArn: created['ARN'] }),
    );
    await subject.administrate('secretsmanager', 'DeleteSecret', {
      SecretId: created['ARN'],
      ForceDeleteWithoutRecovery: true,
    });
  });

  test('keeps within 100 columns, and shows names without what would steer the terminal', () => {
    const long = { state: 'enabled for another user', serialNumber: `arn:aws:iam::1:mfa/${'d'.repeat(90)}` } as const;
    const table = deviceTable(
      [
        { ...long, userName: 'u'.repeat(64), stackId: `x/${'s'.repeat(128)}/y` },
        { ...long, userName: 'bob\u001b[2J', stackId: 'x/sta\u0007ck/y' },
      ],
      false,
    );

    expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(table.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(table).toContain('bob�[2J');
    expect(table).toContain('enabled for another user');
  });

  test('escapes in JSON what would steer a terminal, here and in the other commands of several devices', async () => {
    const userName = 'bob\u009b2J\u007f\u202e\u2028\u{e0041}';
    const { account } = commandLine.lifecycle.aws;
    const { ARN } = await account.invoke('secretsmanager', 'CreateSecret', {
      Name: 'steering',
      Tags: [
        { Key: STACK_ID_TAG, Value: STACK_ID },
        { Key: USER_NAME_TAG, Value: userName },
        ...tagsByCloudFormation('Steering'),
      ],
    });
    const directory = mkdtempSync(join(tmpdir(), 'virtual-mfa-list-'));

    const outputs = [
      (await commandLine.run(['list', '--json'])).output,
      (await commandLine.run(['verify', '--all', '--json'])).output,
      (await commandLine.run(['qr', '--stack', 'users', '--out-dir', directory, '--json'])).output,
    ];

    for (const output of outputs) {
      expect(output.trim()).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      expect(JSON.parse(output)).toContainEqual(expect.objectContaining({ userName }));
    }
    rmSync(directory, { recursive: true });
    await account.invoke('secretsmanager', 'DeleteSecret', { SecretId: ARN, ForceDeleteWithoutRecovery: true });
  });

  test('knows of no stack whose name is misspelt, and names those that there are', async () => {
    await commandLine.enrolled();

    const { exitCode, output, messages } = await commandLine.run(['list', '--stack', 'user']);

    expect({ exitCode, output }).toEqual({ exitCode: 3, output: '' });
    expect(messages).toContain('No stack user in us-east-1 has devices that cdk-iam-virtual-mfa manages.');
    expect(messages).toMatch(/Give one of these stacks: .*users/);
  });

  test('leaves out devices of other stacks, of other regions, and those that the library does not manage', async () => {
    const subject = await commandLine.enrolled();
    const foreign = 'arn:aws:iam::123456789012:mfa/by-hand';
    subject.foreignDevice(foreign, { tags: [] });
    const other = await Subject.in(await commandLine.lifecycle.ofAnotherStack());
    await other.create();

    const ofStack = await listed('--stack', STACK_ID);
    const ofRegion = await listed();
    const elsewhere = await listed('--region', 'eu-west-1');

    const serialNumbers = (devices: Record<string, unknown>[]) => devices.map(({ serialNumber }) => serialNumber);
    expect(serialNumbers(ofStack)).toContain(subject.serialNumber());
    expect(serialNumbers(ofStack)).not.toContain(other.serialNumber());
    expect(serialNumbers(ofRegion)).toContain(other.serialNumber());
    expect(serialNumbers(ofRegion)).not.toContain(foreign);
    expect(elsewhere).toEqual([]);
  });
});
