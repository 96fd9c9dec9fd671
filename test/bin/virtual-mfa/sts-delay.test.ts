import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { codeAt } from '../../../lambda/contract/authentication-codes';
import { AwsError } from 'local-aws';
import type { Subject } from '../../lambda/subject';
import { CommandLine } from './command-line';
import { type SigningCredentials } from '../../../local-aws/test/callers';

const UNABLE =
  'MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.';
const INVALID = 'MultiFactorAuthentication failed with invalid MFA one time pass code. ';
const THREE_MINUTES = 180_000;

let commandLine: CommandLine;
let subject: Subject;
let key: SigningCredentials;
beforeAll(async () => {
  commandLine = await CommandLine.start();
});
beforeEach(async () => {
  const { clock } = commandLine.lifecycle;
  clock.advance(THREE_MINUTES - (clock.now() % THREE_MINUTES));
  subject = await commandLine.justEnrolled();
  key = await commandLine.keyOf(subject.userName, {
    Effect: 'Allow',
    Action: ['iam:ListMFADevices', 'iam:ListMFADeviceTags', 'secretsmanager:*'],
    Resource: '*',
  });
});
afterEach(() => commandLine.expectNoSeedPrinted(subject));
afterAll(() => commandLine.close());

function stsAnswers(message: string, times: number): void {
  const answer = new AwsError('AccessDenied', message, 403);
  commandLine.lifecycle.aws.account.faults.inject({ action: 'sts:GetSessionToken', times, answer });
}

/** Runs the command, and counts its tries. */
async function session(target = subject.userName, as = key) {
  const before = commandLine.callsOf('sts:GetSessionToken');
  const ended = await commandLine.run(['session', target, '--no-cache'], {}, as);
  return { ...ended, tries: commandLine.callsOf('sts:GetSessionToken') - before };
}

/** Signs in with codes that are wrong, as another process might. */
async function spend(verifications: number): Promise<void> {
  for (let tries = 0; tries < verifications; tries += 1) {
    await expect(commandLine.signIn(subject, subject.serialNumber(), codeAt('A'.repeat(32), tries))).rejects.toThrow();
  }
}

const waited = () => commandLine.waits.reduce((sum, milliseconds) => sum + milliseconds, 0);

describe('virtual-mfa session, where STS cannot validate any code of the device,', () => {
  test('waits until STS knows a device that was enabled in this moment, and says so', async () => {
    const { exitCode, messages, tries } = await session();

    expect({ exitCode, tries }).toEqual({ exitCode: 0, tries: 2 });
    expect(commandLine.waits).toEqual([8_000]);
    expect(messages).toBe(
      'STS does not know the device yet: this takes about 15 s after it was enabled. Trying again in 8 s.\n',
    );
  });

  test('puts up with STS that takes longer, and refuses codes in between', async () => {
    stsAnswers(UNABLE, 1);
    stsAnswers(INVALID, 1);
    stsAnswers(UNABLE, 1);

    const { exitCode, messages } = await session();

    expect(exitCode).toBe(0);
    expect(messages).toContain('STS refused the code, which may have been used before. The next code comes in ');
  });

  test('puts up with STS that uses a code up which it cannot validate yet', async () => {
    commandLine.lifecycle.clock.advance(7_200);

    const { exitCode, tries } = await session();

    expect({ exitCode, tries }).toEqual({ exitCode: 0, tries: 3 });
    expect(waited()).toBeLessThanOrEqual(30_000);
  });

  test('waits for the next three minutes where the tries of these are spent, without another try, and says so', async () => {
    const { clock } = commandLine.lifecycle;
    clock.advance(60_000);
    await spend(9);

    const { exitCode, messages, tries } = await session();

    expect({ exitCode, tries }).toEqual({ exitCode: 0, tries: 2 });
    expect(messages).toBe(
      'STS verifies nine codes of a device in three minutes, and they seem to be used up. Trying again in 120 s.\n',
    );
    expect(clock.now() % THREE_MINUTES).toBeLessThan(1_000);
  });

  test('gives up within five minutes, with a few tries, and blames neither device nor caller', async () => {
    stsAnswers(UNABLE, 100);

    const { exitCode, output, messages, tries } = await session();

    expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
    expect(tries).toBeLessThanOrEqual(6);
    expect(waited()).toBeLessThanOrEqual(300_000);
    expect(messages).toContain(`STS accepts no code of ${subject.serialNumber()} from the user ${subject.userName}`);
    expect(messages).toContain('Another process may be using up the nine codes that STS verifies in three minutes');
  });

  test('waits for nothing where IAM says that the device is not enabled', async () => {
    await subject.deactivate();

    const { exitCode, messages, tries } = await session(subject.seedSecretArn);

    expect({ exitCode, tries }).toEqual({ exitCode: 5, tries: 1 });
    expect(commandLine.waits).toEqual([]);
    expect(messages).toContain(`exists, but is not enabled for the user ${subject.userName}.`);
  });

  test('waits for nothing where another user signs', async () => {
    const other = await commandLine.keyOf(subject.otherUserName, {
      Effect: 'Allow',
      Action: ['iam:*', 'secretsmanager:*'],
      Resource: '*',
    });

    const { exitCode, messages, tries } = await session(subject.userName, other);

    expect({ exitCode, tries }).toEqual({ exitCode: 5, tries: 1 });
    expect(commandLine.waits).toEqual([]);
    expect(messages).toContain(`STS does not accept codes of ${subject.serialNumber()} from arn:aws:iam::`);
  });

  test('needs no permission to list devices for that', async () => {
    const reader = await commandLine.keyOf(subject.userName, {
      Effect: 'Allow',
      Action: 'secretsmanager:GetSecretValue',
      Resource: subject.seedSecretArn,
    });

    const { exitCode, tries } = await session(subject.seedSecretArn, reader);

    expect({ exitCode, tries }).toEqual({ exitCode: 0, tries: 2 });
    expect(commandLine.waits).toEqual([8_000]);
  });
});

describe('virtual-mfa resync', () => {
  test('waits for codes that are newer than those the device was enabled with, and says so', async () => {
    const { exitCode, messages } = await commandLine.run(['resync', subject.userName]);

    expect(exitCode).toBe(0);
    expect(messages).toMatch(
      /^(IAM takes codes that are newer than the last two it took\. The next code comes in \d+ s\.\n){2}$/,
    );
    expect(waited()).toBeLessThanOrEqual(60_000);
  });
});
