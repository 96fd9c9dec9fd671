import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SEED_VERSION_TAG, STACK_ID_TAG } from '../../../lambda/contract/own-tags';
import { reportsAsCsv } from '../../../bin/virtual-mfa/report-formats';
import { STACK_ID, tagsByCloudFormation } from '../../lambda/handler-stack';
import type { Subject } from '../../lambda/subject';
import { CommandLine, type Ended } from './command-line';
import { type SigningCredentials } from '../../../local-aws/test/callers';

let commandLine: CommandLine;
/** Two users whose devices are as they should be, with those of the test. */
let alice: Subject;
let bob: Subject;
beforeAll(async () => {
  commandLine = await CommandLine.start();
  alice = await commandLine.enrolled();
  bob = await commandLine.enrolled();
});
afterEach(() => commandLine.expectNoSeedPrinted(alice, bob));
afterAll(() => commandLine.close());

function verify(...args: readonly string[]): Promise<Ended> {
  return commandLine.run(['verify', ...args]);
}

async function deleteByHand(subject: Subject): Promise<void> {
  await subject.deactivate();
  await subject.administrate('iam', 'DeleteVirtualMFADevice', { SerialNumber: subject.serialNumber() });
}

async function overwrite(subject: Subject, SecretString: string): Promise<void> {
  await subject.administrate('secretsmanager', 'PutSecretValue', { SecretId: subject.seedSecretArn, SecretString });
}

describe('virtual-mfa verify, of several devices,', () => {
  test('prints a line for each user, and that all is well', async () => {
    const { exitCode, output, messages } = await verify(alice.userName, bob.userName);

    expect({ exitCode, messages }).toEqual({ exitCode: 0, messages: '' });
    expect(output.split('\n')).toEqual([
      `✓ ${alice.userName}: enabled since 2026-01-15, seed 0 days old`,
      `✓ ${bob.userName}: enabled since 2026-01-15, seed 0 days old`,
      'All 2 devices are as they should be.',
      '',
    ]);
  });

  test('asks IAM once for all devices, and Secrets Manager once for each seed', async () => {
    const { calls } = commandLine.lifecycle.aws.account;
    const before = calls.length;

    await verify('--all');

    expect(
      calls
        .after(before)
        .map(({ action }) => action)
        .sort(),
    ).toEqual([
      'iam:ListVirtualMFADevices',
      'secretsmanager:GetSecretValue',
      'secretsmanager:GetSecretValue',
      'secretsmanager:ListSecrets',
    ]);
  });

  test('takes a stack, and knows of none whose name is misspelt', async () => {
    expect((await verify('--stack', 'users')).exitCode).toBe(0);
    expect((await verify('--stack', 'user')).exitCode).toBe(3);
  });

  test('says what is wrong with each, names them in a summary, and ends with 1', async () => {
    const missing = await commandLine.enrolled();
    await deleteByHand(missing);
    const deactivated = await commandLine.enrolled();
    await deactivated.deactivate();
    const overwritten = await commandLine.enrolled();
    await overwrite(overwritten, 'something');

    const { exitCode, output, messages } = await verify(
      ...[alice, missing, deactivated, overwritten].map(({ userName }) => userName),
      'Nobody',
    );

    expect(exitCode).toBe(1);
    expect(output).toContain(`✓ ${alice.userName}: enabled since`);
    expect(output).toContain(`✗ ${missing.userName}: somebody deleted it by hand; set a new rotationId and deploy\n`);
    expect(output).toContain(`✗ ${deactivated.userName}: somebody deactivated it; --repair enables it again\n`);
    expect(output).toContain(
      `✗ ${overwritten.userName}: the secret's current value is not its seed; --repair restores`,
    );
    expect(output).toContain('✗ Nobody: it has no device that cdk-iam-virtual-mfa manages in us-east-1');
    expect(messages).toContain('4 of 5 devices have problems: ');
    expect(messages).toContain('Nobody');
    expect(messages).not.toContain(alice.userName + ',');
    await Promise.all([missing, deactivated, overwritten].map((subject) => subject.delete()));
  });

  test('finds a value that is another user’s, under the version of the device', async () => {
    const subject = await commandLine.enrolled();
    const versionId = subject.device()?.tags.get(SEED_VERSION_TAG) ?? '';
    const forGood = { SecretId: subject.seedSecretArn, ForceDeleteWithoutRecovery: true };
    const tags = [{ Key: STACK_ID_TAG, Value: STACK_ID }, ...tagsByCloudFormation('Another')];
    await subject.administrate('secretsmanager', 'DeleteSecret', forGood);
    const { ARN } = await subject.administrate('secretsmanager', 'CreateSecret', {
      Name: `forged-${subject.userName}`,
      ClientRequestToken: versionId,
      SecretString: JSON.stringify(await alice.stored()),
      Tags: tags,
    });

    const { exitCode, output } = await verify(subject.userName, '--csv');

    expect(exitCode).toBe(1);
    expect(output).toContain(`has the seed of ${alice.serialNumber()}, not of ${subject.serialNumber()}`);
    await subject.administrate('secretsmanager', 'DeleteSecret', { SecretId: ARN, ForceDeleteWithoutRecovery: true });
  });

  test('finds a device that somebody made anew under the same name', async () => {
    const subject = await commandLine.enrolled();
    const serialNumber = subject.serialNumber();
    await deleteByHand(subject);
    commandLine.lifecycle.clock.advance(2 * 3_600_000);
    subject.foreignDevice(serialNumber, { enabledFor: subject.userName, tags: [] });

    const { exitCode, output } = await verify(subject.userName, '--csv');

    expect(exitCode).toBe(1);
    expect(output).toContain('somebody may have made it anew; set a new rotationId and deploy');
    commandLine.lifecycle.aws.iam.virtualMfaDevices.delete(serialNumber);
    await subject.delete();
  });

  test('prints evidence as JSON and as CSV', async () => {
    const rotated = await commandLine.enrolled();
    commandLine.lifecycle.clock.advance(86_400_000);
    const before = rotated.serialNumber();
    await rotated.update({}, { RotationId: 'new' });
    await rotated.delete(before);
    commandLine.lifecycle.clock.advance(3 * 86_400_000);

    const json = await verify('--all', '--json');
    const csv = await verify('--all', '--csv');

    const reports = JSON.parse(json.output) as Record<string, unknown>[];
    expect(reports).toContainEqual(
      expect.objectContaining({
        userName: alice.userName,
        serialNumber: alice.serialNumber(),
        state: 'enabled',
        seedAgeDays: 4,
        seedSecretArn: alice.seedSecretArn,
      }),
    );
    expect(reports.find(({ userName }) => userName === alice.userName)).not.toHaveProperty('lastRotatedDate');
    const serialNumber = rotated.serialNumber({ RotationId: 'new' });
    const report = reports.find((of) => of['serialNumber'] === serialNumber);
    expect(report).toMatchObject({ seedAgeDays: 3, lastRotatedDate: report?.['seedStoredDate'] });
    const [head, ...rows] = csv.output.split('\r\n');
    expect(head).toBe(
      'user,device,result,problem,enabled since,seed age in days,secret,last rotated,owner may read seed',
    );
    expect(rows.find((row) => row.startsWith(rotated.userName))?.trim()).toBe(
      [
        rotated.userName,
        serialNumber,
        'ok,',
        report?.['enableDate'],
        '3',
        rotated.seedSecretArn,
        report?.['lastRotatedDate'],
        '',
      ].join(','),
    );
  });

  test('asks IAM, where that is wanted and allowed, whether owners may read their seeds without the device', async () => {
    const may = { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' };
    const withMfa = { Bool: { 'aws:MultiFactorAuthPresent': 'true' } };
    await commandLine.keyOf(alice.userName, may);
    await commandLine.keyOf(bob.userName, { ...may, Condition: withMfa });
    const key = await commandLine.keyOfOperator('may-not-ask', {
      Effect: 'Allow',
      Action: ['iam:List*', 'secretsmanager:ListSecrets', 'secretsmanager:GetSecretValue'],
      Resource: '*',
    });
    const args = [alice.userName, bob.userName, '--owner-access'];

    const inWords = await verify(...args);
    const csv = await verify(...args, '--csv');
    const json = await verify(...args, '--json');
    const denied = await commandLine.run(['verify', ...args, '--csv'], {}, key);
    const { calls } = commandLine.lifecycle.aws.account;
    const before = calls.length;
    await verify(alice.userName, bob.userName);

    const cells = ({ output }: Ended) =>
      output
        .trimEnd()
        .split('\r\n')
        .slice(1)
        .map((row) => row.split(',').at(-1));
    expect(inWords.exitCode).toBe(0);
    expect(inWords.output).toMatch(
      new RegExp(`^✓ ${alice.userName}: .*, the owner may read the seed without the device$`, 'm'),
    );
    expect(inWords.output).toMatch(new RegExp(`^✓ ${bob.userName}: .* old$`, 'm'));
    expect(cells(csv)).toEqual(['yes', 'no']);
    expect((JSON.parse(json.output) as object[])[0]).toMatchObject({ ownerMayReadSeed: true });
    expect({ exitCode: denied.exitCode, cells: cells(denied) }).toEqual({ exitCode: 0, cells: ['', ''] });
    expect(calls.after(before).map(({ action }) => action)).not.toContain('iam:SimulatePrincipalPolicy');
  });

  test('writes no formula into a spreadsheet, and quotes what needs it', () => {
    const csv = reportsAsCsv([{ userName: '=cmd|x', problem: 'a "b", c' }]);

    expect(csv.split('\r\n')[1]).toBe(`'=cmd|x,,failed,"a ""b"", c",,,,,`);
  });

  test.each(['=', '+', '-', '@'])('writes a cell that begins with %s as text', (first) => {
    expect(reportsAsCsv([{ userName: `${first}1` }]).split('\r\n')[1]).toBe(`'${first}1,,ok,,,,,,`);
  });

  test('writes into a cell nothing that steers a terminal or ends the row', () => {
    const csv = reportsAsCsv([{ userName: 'bob\u001b[2J\u009b31m\u202e\r\neve' }]);

    expect(csv.split('\r\n')[1]).toBe('bob�[2J�31m� eve,,ok,,,,,,');
  });
});

describe('virtual-mfa verify --repair', () => {
  test('enables again what somebody deactivated, with its seed', async () => {
    const subject = await commandLine.enrolled();
    await subject.deactivate();

    const { exitCode, output } = await verify(alice.userName, subject.userName, '--repair');

    expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
    expect(output).toContain(`✓ ${subject.userName}: enabled again, enabled since`);
    expect(subject.enabledFor()).toEqual([subject.serialNumber()]);
    commandLine.lifecycle.clock.advance(20_000);
    await subject.signIn();
    expect((await verify(subject.userName, '--csv')).exitCode).toBe(0);
  });

  test.each([[1], [2]])(
    'restores the label of a seed that somebody wrote over, once IAM has taken its codes: %i times',
    async (times) => {
      const subject = await commandLine.enrolled();
      const stored = await subject.stored();
      for (let count = 0; count < times; count += 1) await overwrite(subject, `value ${count}`);

      const { exitCode, output } = await verify(subject.userName, '--repair');

      expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
      expect(output).toContain(`✓ ${subject.userName}: seed restored`);
      expect(await subject.stored()).toEqual(stored);
      expect((await verify(subject.userName, '--csv')).exitCode).toBe(0);
    },
  );

  test('makes no seed current whose codes IAM refuses', async () => {
    const subject = await commandLine.enrolled();
    await overwrite(subject, 'something');
    commandLine.giveAnotherSeed(subject);

    const { exitCode, output } = await verify(subject.userName, '--repair');

    expect(exitCode).toBe(1);
    expect(output).toContain(`AWS refused the codes of ${subject.serialNumber()}`);
    expect(await subject.stored()).toBeUndefined();
    await subject.delete();
  });

  test.each([
    ['there are none', (tags: Map<string, string>) => tags.clear()],
    ['another is named', (tags: Map<string, string>) => tags.set(STACK_ID_TAG, `${STACK_ID}-of-another`)],
    ['the version is not', (tags: Map<string, string>) => tags.delete(SEED_VERSION_TAG)],
  ])('enables no device whose tags do not name its stack and its seed: %s', async (_what, change) => {
    const subject = await commandLine.enrolled();
    await subject.deactivate();
    change(subject.device()?.tags ?? new Map<string, string>());

    const { exitCode, output } = await verify(subject.userName, '--repair');

    expect(exitCode).toBe(1);
    expect(output).toContain('do not name its stack and a version of its secret, so it was left as it is');
    expect(subject.enabledFor()).toEqual([]);
    commandLine.lifecycle.aws.iam.virtualMfaDevices.delete(subject.serialNumber());
  });

  test('changes nothing where nothing is wrong', async () => {
    const before = structuredClone([alice.device(), bob.device()]);

    await verify(alice.userName, bob.userName, '--repair');

    expect([alice.device(), bob.device()]).toEqual(before);
  });

  test('goes on with the others where it may not repair one', async () => {
    const subject = await commandLine.enrolled();
    await subject.deactivate();
    const key: SigningCredentials = await commandLine.keyOfOperator('auditor', {
      Effect: 'Allow',
      Action: ['iam:List*', 'secretsmanager:ListSecrets', 'secretsmanager:GetSecretValue'],
      Resource: '*',
    });

    const { exitCode, output } = await commandLine.run(
      ['verify', alice.userName, subject.userName, '--repair'],
      {},
      key,
    );

    expect(exitCode).toBe(1);
    expect(output).toContain(`✓ ${alice.userName}`);
    expect(output).toContain(`✗ ${subject.userName}: AWS denied iam:EnableMFADevice`);
    await subject.delete();
  });
});
