import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deviceTable } from '../../../bin/virtual-mfa/device-table';
import { STACK_ID } from '../../lambda/lifecycle';
import { CommandLine } from './command-line';

let commandLine: CommandLine;
beforeAll(async () => {
  commandLine = await CommandLine.start();
});
afterAll(() => commandLine.close());

async function listed(...args: readonly string[]): Promise<Record<string, unknown>[]> {
  const { exitCode, output } = await commandLine.run(['list', '--json', ...args]);
  expect(exitCode).toBe(0);
  return JSON.parse(output) as Record<string, unknown>[];
}

describe('virtual-mfa list', () => {
  test('says on which region’s devices it looked where there are none', async () => {
    const { exitCode, output, messages } = await commandLine.run(['list', '--region', 'eu-west-1']);

    expect({ exitCode, output, messages }).toEqual({ exitCode: 0, output: '', messages: 'No devices in eu-west-1.\n' });
  });

  test('shows user, serial number, since when, stack and secret, without reading a seed', async () => {
    const subject = await commandLine.enrolled();
    const reads = commandLine.callsOf('secretsmanager:GetSecretValue');
    const since = (subject.device()?.assignment?.enableDate.toISOString() ?? '').replace(/\.\d{3}/, '');

    const { output } = await commandLine.run(['list']);

    const [head, row] = output.trimEnd().split('\n');
    expect(head?.split(/ {2,}/)).toEqual(['USER', 'SERIAL NUMBER', 'ENABLED SINCE', 'STACK', 'SECRET']);
    expect(row?.split(/ {2,}/)).toEqual([
      subject.userName,
      subject.serialNumber(),
      since,
      'users',
      subject.seedSecretArn,
    ]);
    expect(commandLine.callsOf('secretsmanager:GetSecretValue')).toBe(reads);
    expect(await listed()).toContainEqual({
      userName: subject.userName,
      serialNumber: subject.serialNumber(),
      enableDate: since.replace('Z', '.000Z'),
      stackId: STACK_ID,
      seedSecretArn: subject.seedSecretArn,
    });
  });

  test('shows the secret of each of several devices', async () => {
    const subjects = [await commandLine.enrolled(), await commandLine.enrolled(), await commandLine.enrolled()];

    const devices = await listed('--stack', 'users');

    for (const { userName, seedSecretArn } of subjects) {
      expect(devices).toContainEqual(expect.objectContaining({ userName, seedSecretArn }));
    }
  });

  test('shows a device that is not enabled, and one whose secret is gone', async () => {
    const deactivated = await commandLine.enrolled();
    await deactivated.deactivate();
    const orphaned = await commandLine.enrolled();
    const forGood = { SecretId: orphaned.seedSecretArn, ForceDeleteWithoutRecovery: true };
    await orphaned.administrate('secretsmanager', 'DeleteSecret', forGood);

    const { output } = await commandLine.run(['list']);

    const rowOf = (serialNumber: string) => output.split('\n').find((line) => line.includes(serialNumber));
    expect(rowOf(deactivated.serialNumber())).toMatch(/^- .* not enabled /);
    expect(rowOf(orphaned.serialNumber())?.trimEnd()).toMatch(/ gone$/);
  });

  test('shows names without what would steer the terminal', () => {
    const table = deviceTable([{ userName: 'bob\u001b[2J', serialNumber: 'arn\u009b31m', stackId: 'x/sta\u0007ck/y' }]);

    expect(table.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(table).toContain('bob�[2J');
  });

  test('leaves out devices of other stacks, of other regions, and those that the library does not manage', async () => {
    const subject = await commandLine.enrolled();
    const foreign = 'arn:aws:iam::123456789012:mfa/by-hand';
    subject.foreignDevice(foreign, { tags: [] });
    const other = await (await commandLine.lifecycle.ofAnotherStack()).newSubject();
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
