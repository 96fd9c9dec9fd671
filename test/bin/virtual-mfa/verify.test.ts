import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SEED_VERSION_TAG } from '../../../lambda/contract/own-tags';
import { codeAt } from '../../../lambda/contract/authentication-codes';
import type { Subject } from '../../lambda/subject';
import { CommandLine } from './command-line';

let commandLine: CommandLine;
let subject: Subject;
beforeAll(async () => {
  commandLine = await CommandLine.start();
});
afterEach(() => commandLine.expectNoSeedPrinted(subject));
afterAll(() => commandLine.close());

/** What verify found, by name. */
async function found(...args: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const { output } = await commandLine.run(['verify', ...args, '--json']);
  const { checks } = JSON.parse(output) as { checks: { name: string; outcome: string }[] };
  return Object.fromEntries(checks.map(({ name, outcome }) => [name, outcome]));
}

const GOOD = {
  device: 'proven',
  enabled: 'proven',
  'right user': 'proven',
  'stored seed': 'proven',
  'seed at IAM': 'not proven',
  clock: 'proven',
};

describe('virtual-mfa verify', () => {
  test('says what is proven, what is not, and how it would be', async () => {
    subject = await commandLine.enrolled();

    const { exitCode, output } = await commandLine.run(['verify', subject.userName]);

    expect(exitCode).toBe(0);
    expect(output).toContain(`✓ device       ${subject.serialNumber()} exists\n`);
    expect(output).toContain(`✓ enabled      for ${subject.userName}, since 2026-`);
    expect(output).toContain('- seed at IAM  not proven: IAM gives out no seeds; --resync proves');
    expect(await found(subject.userName)).toEqual(GOOD);
    expect(await found(subject.serialNumber())).toEqual(GOOD);
    expect(await found(subject.seedSecretArn)).toEqual(GOOD);
  });

  test('changes nothing without --resync', async () => {
    subject = await commandLine.enrolled();
    const before = structuredClone(subject.device());

    await commandLine.run(['verify', subject.userName]);

    expect(subject.device()).toEqual(before);
    expect(commandLine.callsOf('iam:ResyncMFADevice')).toBe(0);
  });

  test('proves with --resync that IAM has the stored seed, after the codes that are used up', async () => {
    subject = await commandLine.enrolled();

    expect(await found(subject.userName, '--resync')).toEqual({ ...GOOD, 'seed at IAM': 'proven' });
    expect(commandLine.waits.length).toBeGreaterThan(0);
  });

  test('finds with --resync that IAM has another seed', async () => {
    subject = await commandLine.enrolled();
    commandLine.giveAnotherSeed(subject);

    const { exitCode, messages } = await commandLine.run(['verify', subject.userName, '--resync']);

    expect(exitCode).toBe(1);
    expect(messages).toContain(`The device ${subject.serialNumber()} fails these checks: seed at IAM.`);
  });

  test.each([['userName' as const], ['seedSecretArn' as const]])(
    'finds a device that somebody deactivated, by %s',
    async (key) => {
      subject = await commandLine.enrolled();
      await subject.deactivate();

      const { exitCode, output } = await commandLine.run(['verify', subject[key], '--resync']);

      expect(exitCode).toBe(1);
      expect(output).toContain('✗ enabled      it is deactivated');
      expect(output).toContain('- seed at IAM  not proven: IAM would accept no codes');
    },
  );

  test('finds a device that is enabled for another user', async () => {
    subject = await commandLine.enrolled();
    await subject.deactivate();
    const device = subject.device();
    if (device) device.assignment = { userName: subject.otherUserName, enableDate: new Date() };

    const { output } = await commandLine.run(['verify', subject.serialNumber()]);

    expect(output).toContain(`✗ enabled      for another user, ${subject.otherUserName}`);
  });

  test('finds a secret whose current value is not the one that the device was made with', async () => {
    subject = await commandLine.enrolled();
    const stored = await subject.stored();
    const input = { SecretId: subject.seedSecretArn, SecretString: JSON.stringify(stored) };
    await subject.administrate('secretsmanager', 'PutSecretValue', input);

    expect(await found(subject.userName)).toEqual({ ...GOOD, 'stored seed': 'failed' });
    expect(await found(subject.seedSecretArn)).toEqual({ ...GOOD, 'stored seed': 'failed' });
  });

  test('finds that the device of a secret is gone', async () => {
    subject = await commandLine.enrolled();
    await subject.deactivate();
    await subject.administrate('iam', 'DeleteVirtualMFADevice', { SerialNumber: subject.serialNumber() });

    expect(await found(subject.seedSecretArn)).toEqual({ device: 'failed' });
  });

  test('finds that the clock is wrong, and proves nothing by codes then', async () => {
    subject = await commandLine.enrolled();

    const { exitCode, output } = await commandLine.run(['verify', subject.userName, '--resync'], {
      clockAhead: -95_000,
    });

    expect(exitCode).toBe(1);
    expect(output).toContain("✗ clock        The clock of this machine is 95 seconds behind AWS's");
    expect(commandLine.waits).toEqual([]);
  });

  test('finds a device without the tag that names its seed', async () => {
    subject = await commandLine.enrolled();
    subject.device()?.tags.delete(SEED_VERSION_TAG);

    expect(await found(subject.seedSecretArn)).toEqual({ ...GOOD, 'stored seed': 'failed' });
  });
});

describe('virtual-mfa verify --code', () => {
  const codeIn = async (timeSteps: number) => {
    const now = commandLine.lifecycle.clock.now() + timeSteps * 30_000;
    return codeAt((await subject.stored())?.seed ?? '', now);
  };

  test.each([[0], [-1], [2]])(
    'confirms a code that the owner reads out, without AWS: of time step %i',
    async (timeSteps) => {
      subject = await commandLine.enrolled();
      const code = await codeIn(timeSteps);
      const { calls } = commandLine.lifecycle.aws.account;
      const before = calls.length;

      const { exitCode, output } = await commandLine.run(['verify', subject.userName, '--code'], {
        input: `${code}\n`,
      });

      expect(exitCode).toBe(0);
      expect(output).toContain('✓ code         the app of the owner has the stored seed\n');
      expect(output).not.toContain(code);
      expect(calls.after(before).filter(({ action }) => action.startsWith('sts:'))).toEqual([]);
      await subject.signIn();
    },
  );

  test.each([
    [-20, 'its clock is 600 s behind'],
    [3, 'its clock is 90 s ahead'],
  ])('says how far off the phone’s clock is: %i time steps', async (timeSteps, words) => {
    subject = await commandLine.enrolled();

    const input = await codeIn(timeSteps);
    const { exitCode, output } = await commandLine.run(['verify', subject.userName, '--code'], { input });

    expect(exitCode).toBe(1);
    expect(output).toContain(`✗ code         the app has the stored seed, but ${words}`);
  });

  test('says that an app has another seed', async () => {
    subject = await commandLine.enrolled();
    const codes = await Promise.all(Array.from({ length: 250 }, (_, index) => codeIn(index - 125)));
    const wrong = ['000000', '111111', '222222'].find((code) => !codes.includes(code)) ?? '';

    const { exitCode, output } = await commandLine.run(['verify', subject.userName, '--code'], { input: wrong });

    expect(exitCode).toBe(1);
    expect(output).toContain('✗ code         it is not a code of the stored seed: the app has another seed');
  });

  test.each([
    [['Bob', '--code', '123456']],
    [['--code', '123456']],
    [['Bob', '--code=123456']],
    [['Bob', 'Alice', '--code']],
    [['--all', '--resync']],
    [['--all', 'Bob']],
    [[]],
    [['--all', '--json', '--csv']],
  ])('does not take %j, and repeats no code', async (args) => {
    const { calls } = commandLine.lifecycle.aws.account;
    const before = calls.length;

    const { exitCode, messages } = await commandLine.run(['verify', ...args], { input: '654321' });

    expect(exitCode).toBe(2);
    expect(messages).not.toContain('123456');
    expect(calls.length).toBe(before);
  });

  test('asks a person for the code, and takes it with a space, as apps show it', async () => {
    subject = await commandLine.enrolled();
    const code = await codeIn(0);
    const input = `${code.slice(0, 3)} ${code.slice(3)}\r\nnot read\n`;

    const typed = await commandLine.run(['verify', subject.userName, '--code'], { input, isTerminal: true });
    const piped = await commandLine.run(['verify', subject.userName, '--code'], { input });

    expect(typed).toMatchObject({ exitCode: 0, messages: 'Type the code that the owner of the device reads out:\n' });
    expect(piped).toMatchObject({ exitCode: 0, messages: '' });
  });

  test.each([
    ['nothing', ''],
    ['an empty line', '\n123456\n'],
    ['seven digits', '1234567\n'],
    ['a seed', 'GEZDGNBV\n'],
  ])('takes no input of %s, and does not repeat it', async (_what, input) => {
    subject = await commandLine.enrolled();

    const { exitCode, output, messages } = await commandLine.run(['verify', subject.userName, '--code'], { input });

    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(messages).toContain('is no code. Type the six digits that the app shows');
    expect(messages).not.toMatch(/123456|GEZ/);
  });
});

describe('virtual-mfa resync', () => {
  test('synchronizes a device that has drifted, with the stored seed', async () => {
    subject = await commandLine.enrolled();
    const device = subject.device();
    if (device) device.driftTimeSteps = 5;

    const { exitCode, output } = await commandLine.run(['resync', subject.userName]);

    expect({ exitCode, output }).toEqual({ exitCode: 0, output: `${subject.serialNumber()} is synchronized.\n` });
    expect(subject.device()?.driftTimeSteps).toBe(0);
    await subject.signIn();
  });

  test('makes the codes from AWS’s time: a clock that is a little off does not become the device’s', async () => {
    subject = await commandLine.enrolled();

    const { exitCode } = await commandLine.run(['resync', subject.userName], { clockAhead: 45_000 });

    expect(exitCode).toBe(0);
    expect(subject.device()?.driftTimeSteps).toBe(0);
  });

  test('answers JSON', async () => {
    subject = await commandLine.enrolled();

    const { output } = await commandLine.run(['resync', subject.seedSecretArn, '--json']);

    const { userName } = subject;
    expect(JSON.parse(output)).toEqual({ userName, serialNumber: subject.serialNumber(), synchronized: true });
  });

  test('says that a device of a secret is not enabled', async () => {
    subject = await commandLine.enrolled();
    await subject.deactivate();

    const { exitCode, messages } = await commandLine.run(['resync', subject.seedSecretArn]);

    expect(exitCode).toBe(5);
    expect(messages).toContain(`is not enabled for the user ${subject.userName}`);
  });
});
