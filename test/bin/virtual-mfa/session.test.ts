import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SessionCredentials } from '../../../bin/virtual-mfa/session';
import type { Subject } from '../../lambda/subject';
import { CommandLine } from './command-line';
import { clientsOf } from '../../../local-aws/test/callers';

let commandLine: CommandLine;
let subject: Subject;
beforeAll(async () => {
  commandLine = await CommandLine.start();
});
afterEach(() => commandLine.expectNoSeedPrinted(subject));
afterAll(() => commandLine.close());

/** What a robot may do on its own, where nothing keeps it from reading its seed. */
const FIND_AND_READ = {
  Effect: 'Allow',
  Action: [
    'iam:ListMFADevices',
    'iam:ListMFADeviceTags',
    'secretsmanager:ListSecrets',
    'secretsmanager:GetSecretValue',
  ],
  Resource: '*',
};

const SESSIONS = () => commandLine.callsOf('sts:GetSessionToken');
const cacheFiles = () => {
  const folder = join(commandLine.home, '.aws/virtual-mfa/cache');
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
};

function sessionIn(output: string): SessionCredentials {
  return JSON.parse(output) as SessionCredentials;
}

function keptIn(file: string): unknown {
  return (JSON.parse(readFileSync(file, 'utf8')) as { session: unknown }).session;
}

describe('virtual-mfa session', () => {
  test('prints what credential_process wants: credentials of the user, with MFA', async () => {
    subject = await commandLine.enrolled();
    commandLine.lifecycle.clock.advance(30_000);
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);

    const { exitCode, output, messages } = await commandLine.run(['session', subject.userName, '--no-cache'], {}, key);

    expect({ exitCode, messages }).toEqual({ exitCode: 0, messages: '' });
    const { Version, AccessKeyId, SecretAccessKey, SessionToken, Expiration } = sessionIn(output);
    expect(Version).toBe(1);
    expect(Date.parse(Expiration) - commandLine.lifecycle.clock.now()).toBe(12 * 3_600_000);
    const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
    const { sts } = clientsOf(commandLine.lifecycle.aws, credentials);
    const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
    sts.destroy();
    expect(Arn).toMatch(new RegExp(`:user/${subject.userName}$`));
    const { account } = commandLine.lifecycle.aws;
    expect(account.credentials.principalOf(AccessKeyId, SessionToken).multiFactorAuthPresent).toBe(true);
  });

  test('waits a used code out, and says so', async () => {
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);

    const first = await commandLine.run(['session', subject.userName, '--no-cache'], {}, key);
    const waitsOfFirst = commandLine.waits;
    const second = await commandLine.run(['session', subject.userName, '--no-cache'], {}, key);

    expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
    expect(waitsOfFirst).toEqual([]);
    expect(commandLine.waits).toHaveLength(1);
    expect(second.messages).toMatch(
      /^STS refused the code, which may have been used before\. The next code comes in \d+ s\.\n$/,
    );
  });

  test('keeps the session in a file of its owner, and takes it from there until shortly before its end', async () => {
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    const ask = () => commandLine.run(['session', subject.userName, '--duration-seconds', '3600'], {}, key);
    const first = await ask();
    const [file = '', ...others] = cacheFiles();
    const sessions = SESSIONS();

    commandLine.lifecycle.clock.advance(44 * 60_000);
    const second = await ask();
    const sessionsOfSecond = SESSIONS();
    commandLine.lifecycle.clock.advance(2 * 60_000);
    const third = await ask();

    expect(others).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(commandLine.home, '.aws/virtual-mfa/cache')).mode & 0o777).toBe(0o700);
    expect(second.output).toBe(first.output);
    expect(sessionsOfSecond).toBe(sessions);
    expect(third.output).not.toBe(first.output);
    expect(cacheFiles()).toEqual([file]);
    expect(keptIn(file)).toEqual(sessionIn(third.output));
  });

  test('keeps a session of 15 minutes for ten of them', async () => {
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    const ask = () => commandLine.run(['session', subject.userName, '--duration-seconds', '900'], {}, key);
    const first = await ask();

    commandLine.lifecycle.clock.advance(9 * 60_000);
    const second = await ask();
    commandLine.lifecycle.clock.advance(2 * 60_000);
    const third = await ask();

    expect(second.output).toBe(first.output);
    expect(third.output).not.toBe(first.output);
  });

  test('takes no session from a file that others could have read', async () => {
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    const before = cacheFiles();
    const first = await commandLine.run(['session', subject.userName], {}, key);
    const [file = ''] = cacheFiles().filter((path) => !before.includes(path));
    chmodSync(file, 0o644);

    const second = await commandLine.run(['session', subject.userName], {}, key);

    expect(second.output).not.toBe(first.output);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('takes no session from a file that answers another question', async () => {
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    const before = cacheFiles();
    const first = await commandLine.run(['session', subject.userName], {}, key);
    const [file = ''] = cacheFiles().filter((path) => !before.includes(path));
    const kept = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...kept, question: 'another' }), { mode: 0o600 });

    const second = await commandLine.run(['session', subject.userName], {}, key);

    expect(sessionIn(second.output)).not.toEqual(sessionIn(first.output));
  });

  test('takes no session from before a change of the files with profiles', async () => {
    subject = await commandLine.enrolled();
    const { accessKeyId, secretAccessKey } = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    const file = join(commandLine.home, 'robot-credentials');
    const content = `[robot]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`;
    writeFileSync(file, content, { mode: 0o600 });
    const {
      AWS_ACCESS_KEY_ID: _id,
      AWS_SECRET_ACCESS_KEY: _secret,
      ...account
    } = commandLine.lifecycle.aws.environment;
    const environment = { ...account, AWS_SHARED_CREDENTIALS_FILE: file };
    const ask = () => commandLine.runIn(environment, ['session', subject.userName, '--profile', 'robot']);
    const first = await ask();
    const second = await ask();
    const { atime, mtime } = statSync(file);
    writeFileSync(file, content);
    utimesSync(file, atime, mtime);

    const third = await ask();

    expect(first.exitCode).toBe(0);
    expect(second.output).toBe(first.output);
    expect(sessionIn(third.output)).not.toEqual(sessionIn(first.output));
  });

  test.each([
    ['profile', ['--profile', 'other']],
    ['duration', ['--duration-seconds', '901']],
  ])('takes no session that was asked for with another %s', async (_what, args) => {
    subject = await commandLine.enrolled();
    const { accessKeyId, secretAccessKey } = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    const file = join(commandLine.home, `two-profiles-${subject.userName}`);
    const key = `aws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`;
    writeFileSync(file, `[robot]\n${key}[other]\n${key}`, { mode: 0o600 });
    const environment = { ...commandLine.lifecycle.aws.environment, AWS_SHARED_CREDENTIALS_FILE: file };
    const first = await commandLine.runIn(environment, ['session', subject.userName, '--profile', 'robot']);
    const second = await commandLine.runIn(environment, ['session', subject.userName, '--profile', 'robot', ...args]);

    expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
    expect(sessionIn(second.output)).not.toEqual(sessionIn(first.output));
  });

  test('keeps nothing where that is not wanted', async () => {
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    const before = cacheFiles();

    await commandLine.run(['session', subject.userName, '--no-cache'], {}, key);

    expect(cacheFiles()).toEqual(before);
  });

  test('gives the session all the same where it cannot be kept', async () => {
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    const home = join(commandLine.home, 'read-only');
    writeFileSync(home, 'no directory');

    const { exitCode, output, messages } = await commandLine.run(['session', subject.userName], { home }, key);

    expect(exitCode).toBe(0);
    expect(sessionIn(output).SessionToken).not.toBe('');
    expect(messages).toContain('The session is not cached: ');
  });

  test('keeps nothing where there is no home directory', async () => {
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    const before = existsSync('.aws');

    const { exitCode } = await commandLine.run(['session', subject.userName], { home: '' }, key);

    expect(exitCode).toBe(0);
    expect(existsSync('.aws')).toBe(before);
  });

  test.each([
    ['the cache, by its group', '.aws/virtual-mfa/cache', 0o770],
    ['the cache', '.aws/virtual-mfa/cache', 0o707],
    ['a parent', '.aws/virtual-mfa', 0o777],
    ['~/.aws', '.aws', 0o777],
    ['the home directory', '.', 0o757],
  ])('neither takes nor keeps a session where others can write: %s', async (_what, folder, mode) => {
    const home = join(commandLine.home, `written-${mode}-${folder.length}`);
    mkdirSync(home);
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    const ask = () => commandLine.run(['session', subject.userName], { home }, key);
    const first = await ask();
    const cache = join(home, '.aws/virtual-mfa/cache');
    const files = readdirSync(cache);
    const kept = files.map((name) => readFileSync(join(cache, name), 'utf8'));
    chmodSync(join(home, folder), mode);

    const second = await ask();

    expect(second.exitCode).toBe(0);
    expect(sessionIn(second.output)).not.toEqual(sessionIn(first.output));
    expect(second.messages).toContain(
      `The session is not cached: Others could replace sessions in ${join(home, folder)} (owner uid ${statSync(home).uid}, mode 0${mode.toString(8)}). `,
    );
    expect(second.messages).toContain('run chmod go-w on it');
    expect(readdirSync(cache).map((name) => readFileSync(join(cache, name), 'utf8'))).toEqual(kept);
  });

  test('neither takes nor keeps a session in a cache of another user', async () => {
    const home = join(commandLine.home, 'of-another');
    mkdirSync(home);
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    const first = await commandLine.run(['session', subject.userName], { home }, key);
    const { uid } = statSync(home);

    const second = await commandLine.run(['session', subject.userName], { home, uid: uid + 1 }, key);

    expect(sessionIn(second.output)).not.toEqual(sessionIn(first.output));
    const cache = join(home, '.aws/virtual-mfa/cache');
    expect(second.messages).toContain(`Others could replace sessions in ${cache} (owner uid ${uid}`);
  });

  test('puts up with directories that the user’s group can write, and with links to directories of the user', async () => {
    const home = join(commandLine.home, 'grouped');
    mkdirSync(join(home, 'settings/aws'), { recursive: true });
    chmodSync(join(home, 'settings/aws'), 0o775);
    symlinkSync('settings/aws', join(home, '.aws'));
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    const first = await commandLine.run(['session', subject.userName], { home }, key);

    const second = await commandLine.run(['session', subject.userName], { home }, key);

    expect(second.output).toBe(first.output);
    expect(readdirSync(join(home, 'settings/aws/virtual-mfa/cache'))).toHaveLength(1);
  });

  test('follows no link in the cache: it takes no session from where one leads, and writes none there', async () => {
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    const before = cacheFiles();
    const first = await commandLine.run(['session', subject.userName], {}, key);
    const [file = ''] = cacheFiles().filter((path) => !before.includes(path));
    const elsewhere = join(commandLine.home, 'elsewhere.json');
    renameSync(file, elsewhere);
    symlinkSync(elsewhere, file);

    const second = await commandLine.run(['session', subject.userName], {}, key);

    expect(sessionIn(second.output)).not.toEqual(sessionIn(first.output));
    expect(keptIn(elsewhere)).toEqual(sessionIn(first.output));
    expect(keptIn(file)).toEqual(sessionIn(second.output));
  });

  test('takes the session that another process got while this one waited for the next code', async () => {
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    commandLine.lifecycle.clock.advance(30_000);
    const other = await commandLine.run(['session', subject.userName], {}, key);
    const [file = ''] = cacheFiles().filter((path) =>
      readFileSync(path, 'utf8').includes(sessionIn(other.output).AccessKeyId),
    );
    const kept = readFileSync(file);
    rmSync(file);

    const { output } = await commandLine.run(
      ['session', subject.userName],
      { atWait: () => writeFileSync(file, kept, { mode: 0o600 }) },
      key,
    );

    expect(sessionIn(output)).toEqual(sessionIn(other.output));
  });

  test('gives up where AWS takes no code in three time steps, and blames neither clock nor user', async () => {
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    commandLine.giveAnotherSeed(subject);

    const { exitCode, output, messages } = await commandLine.run(['session', subject.userName], {}, key);

    expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' });
    expect(commandLine.waits).toHaveLength(2);
    expect(messages).toContain(`AWS refused the codes of ${subject.serialNumber()} in several time steps`);
  });

  test.each([
    [
      'another user’s key',
      'notAssigned',
      (userName: string) => `with an access key of the user ${userName} (--profile)`,
    ],
    ['a session', 'accessDenied', (userName: string) => `Give a profile with an access key of the user ${userName}`],
  ])('says whose key is needed, given %s', async (what, kind, remedy) => {
    subject = await commandLine.enrolled();
    const { account } = commandLine.lifecycle.aws;
    const userName = what === 'a session' ? subject.userName : subject.otherUserName;
    const key = await commandLine.keyOf(userName, FIND_AND_READ);
    const principal = account.credentials.principalOf(key.accessKeyId, undefined);
    const session = () => account.credentials.issueSession({ ...principal, multiFactorAuthPresent: true }, 3_600);
    const signing = what === 'a session' ? session() : key;
    commandLine.lifecycle.clock.advance(30_000);

    const { exitCode, messages } = await commandLine.run(['session', subject.userName, '--json'], {}, signing);

    const { error } = JSON.parse(messages) as { error: { kind: string; message: string; exitCode: number } };
    expect(error).toMatchObject({ kind, exitCode });
    expect(error.message).toContain(remedy(subject.userName));
  });

  test.each([['899'], ['129601'], ['1h'], ['1000.5']])('refuses a duration of %s', async (duration) => {
    const { exitCode, messages } = await commandLine.run(['session', 'bob', '--duration-seconds', duration]);

    expect(exitCode).toBe(2);
    expect(messages).toContain('Allowed: 900 to 129600 seconds');
  });

  test('ends at an interrupt, while it waits', async () => {
    subject = await commandLine.enrolled();
    const key = await commandLine.keyOf(subject.userName, FIND_AND_READ);
    await commandLine.run(['session', subject.userName, '--no-cache'], {}, key);

    const { exitCode, output } = await commandLine.run(['session', subject.userName], { interruptAtWait: 1 }, key);

    expect({ exitCode, output }).toEqual({ exitCode: 130, output: '' });
  });
});
