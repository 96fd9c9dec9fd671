import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STS_DELAY_MILLISECONDS } from '../src/sts/mfa-codes';
import { type SigningCredentials } from './callers';
import { isInstalled } from './programs';
import { ACCOUNT_ID, codesAt, STEP, wrongCode } from './strict-account';

const SERIAL_NUMBER = `arn:aws:iam::${ACCOUNT_ID}:mfa/Bob`;

/** Starts the account. */
function startAccount(command: string, args: readonly string[], detached = false) {
  const options = { detached, stdin: 'ignore', stderr: 'inherit', buffer: false, reject: false } as const;
  return execa(command, [...args, 'local-aws/src/main.ts'], options);
}

describe.skipIf(!isInstalled('aws'))('the real aws CLI (skipped where there is none)', () => {
  let localAws: ReturnType<typeof startAccount>;
  let folder: string;
  let environment: NodeJS.ProcessEnv;
  let seed: string;
  /** When codes were accepted for the last time. */
  let enabledAt = 0;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'aws-cli-'));
    // In a group of its own, as a terminal gives it: Ctrl-C reaches npx and all that it started.
    localAws = startAccount('npx', ['tsx'], true);
    const exports = await printedExports(localAws);
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
    environment = {
      ...Object.fromEntries(own),
      ...exports,
      AWS_CONFIG_FILE: path.join(folder, 'no-config'),
      AWS_SHARED_CREDENTIALS_FILE: path.join(folder, 'no-credentials'),
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_MAX_ATTEMPTS: '1',
    };
  });

  afterAll(async () => {
    if (localAws.exitCode === null && localAws.signalCode === null) await pressCtrlC(localAws);
    rmSync(folder, { recursive: true, force: true });
  });

  const aws = async (args: readonly string[], credentials?: SigningCredentials) => {
    const env = credentials
      ? {
          ...environment,
          AWS_ACCESS_KEY_ID: credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
          ...(credentials.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: credentials.sessionToken }),
        }
      : environment;
    return execa('aws', [...args, '--output', 'json'], { env, extendEnv: false, reject: false });
  };
  const answerOf = async (args: readonly string[], credentials?: SigningCredentials) => {
    const run = await aws(args, credentials);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    return run.stdout === '' ? undefined : (JSON.parse(run.stdout) as Record<string, unknown>);
  };
  const refusalOf = async (args: readonly string[], credentials?: SigningCredentials) => {
    const { exitCode, stdout, stderr } = await aws(args, credentials);
    expect(exitCode).not.toBe(0);
    expect(stdout).toBe('');
    return stderr;
  };
  const enableWith = (AuthenticationCode1: string, AuthenticationCode2: string) => [
    ...['iam', 'enable-mfa-device', '--user-name', 'Bob', '--serial-number', SERIAL_NUMBER],
    ...['--authentication-code-1', AuthenticationCode1, '--authentication-code-2', AuthenticationCode2],
  ];
  const enableWithSteps = (first: number, second: number, moment = Date.now()) => {
    const { AuthenticationCode1, AuthenticationCode2 } = codesAt(seed, moment, first, second);
    return enableWith(AuthenticationCode1, AuthenticationCode2);
  };
  const devicesOfBob = async () =>
    (await answerOf(['iam', 'list-mfa-devices', '--user-name', 'Bob']))?.MFADevices as unknown[];
  const INVALID =
    'An error occurred (InvalidAuthenticationCode) when calling the EnableMFADevice operation: Authentication code for device is not valid.';

  it('creates a user, and devices with both bootstrap methods', async () => {
    expect(await answerOf(['iam', 'create-user', '--user-name', 'Bob'])).toMatchObject({
      User: { UserName: 'Bob', Arn: `arn:aws:iam::${ACCOUNT_ID}:user/Bob` },
    });
    const create = (name: string, method: string, file: string) =>
      answerOf([
        ...['iam', 'create-virtual-mfa-device', '--virtual-mfa-device-name', name],
        ...['--bootstrap-method', method, '--outfile', path.join(folder, file)],
      ]);
    expect(await create('Bob', 'Base32StringSeed', 'seed.txt')).toEqual({
      VirtualMFADevice: { SerialNumber: SERIAL_NUMBER },
    });
    seed = readFileSync(path.join(folder, 'seed.txt'), 'ascii');
    expect(seed).toMatch(/^[A-Z2-7]{64}$/);
    await create('other', 'QRCodePNG', 'code.png');
    expect(readFileSync(path.join(folder, 'code.png')).subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
    expect(await answerOf(['iam', 'list-virtual-mfa-devices', '--assignment-status', 'Unassigned'])).toEqual({
      VirtualMFADevices: [{ SerialNumber: SERIAL_NUMBER }, { SerialNumber: `arn:aws:iam::${ACCOUNT_ID}:mfa/other` }],
    });
  });

  it('does not enable the device with wrong, non-consecutive or stale codes', async () => {
    const { AuthenticationCode1, AuthenticationCode2 } = codesAt(seed, Date.now(), -1, 0);
    const wrong = wrongCode(seed, Date.now());
    expect(await refusalOf(enableWith(AuthenticationCode1, wrong))).toContain(INVALID);
    expect(await refusalOf(enableWith(AuthenticationCode2, AuthenticationCode1))).toContain(INVALID);
    expect(await refusalOf(enableWithSteps(-1, 1))).toContain(INVALID);
    expect(await refusalOf(enableWithSteps(-1001, -1000))).toContain(INVALID);
    expect(await refusalOf(enableWith('12345', wrong))).toMatch(
      /Invalid length for parameter AuthenticationCode1|authenticationCode1/,
    );
    expect(await devicesOfBob()).toEqual([]);
  });

  it('enables the device with the codes of the previous and the current time step', async () => {
    await beginOfTimeStep();
    expect(await answerOf(enableWithSteps(-1, 0))).toBeUndefined();
    enabledAt = Date.now();
    expect(await devicesOfBob()).toEqual([
      { UserName: 'Bob', SerialNumber: SERIAL_NUMBER, EnableDate: expect.any(String) as string },
    ]);
    expect(await refusalOf(enableWithSteps(-1, 0, enabledAt))).toContain('(EntityAlreadyExists)');
  });

  it('gets a session token with a fresh code, as the user and nobody else', async () => {
    const { AccessKey } = (await answerOf(['iam', 'create-access-key', '--user-name', 'Bob'])) as {
      AccessKey: Record<'AccessKeyId' | 'SecretAccessKey', string>;
    };
    const bob = { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
    const sessionWith = (code: string) => [
      ...['sts', 'get-session-token', '--serial-number', SERIAL_NUMBER, '--token-code', code],
    ];
    // STS learns of a device some seconds after IAM, and takes the codes that enabled it.
    await delay(STS_DELAY_MILLISECONDS + enabledAt - Date.now());
    const { AuthenticationCode1: code } = codesAt(seed, enabledAt, 0, 1);
    expect(await refusalOf(sessionWith(code))).toContain('unable to validate MFA code');
    const { Credentials } = (await answerOf(sessionWith(code), bob)) as {
      Credentials: Record<'AccessKeyId' | 'SecretAccessKey' | 'SessionToken', string>;
    };
    expect(await refusalOf(sessionWith(code), bob)).toContain('invalid MFA one time pass code');
    const session = {
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      sessionToken: Credentials.SessionToken,
    };
    expect(await answerOf(['sts', 'get-caller-identity'], session)).toMatchObject({
      Arn: `arn:aws:iam::${ACCOUNT_ID}:user/Bob`,
    });
    await answerOf(['iam', 'delete-access-key', '--user-name', 'Bob', '--access-key-id', bob.accessKeyId]);
    expect(await refusalOf(['sts', 'get-caller-identity'], bob)).toContain('(InvalidClientTokenId)');
  });

  it('deletes neither device nor user before the device is deactivated, and takes no code again after it', async () => {
    const deletion = ['iam', 'delete-virtual-mfa-device', '--serial-number', SERIAL_NUMBER];
    expect(await refusalOf(deletion)).toContain('(DeleteConflict)');
    expect(await refusalOf(['iam', 'delete-user', '--user-name', 'Bob'])).toContain('must remove tokens');
    await answerOf(['iam', 'deactivate-mfa-device', '--user-name', 'Bob', '--serial-number', SERIAL_NUMBER]);
    expect(await devicesOfBob()).toEqual([]);
    expect(await refusalOf(enableWithSteps(-1, 0, enabledAt))).toContain(INVALID);
    await answerOf(deletion);
  });

  it('enables from a JSON document of the parameters', async () => {
    await answerOf([
      ...['iam', 'create-virtual-mfa-device', '--virtual-mfa-device-name', 'Bob'],
      ...['--bootstrap-method', 'Base32StringSeed', '--outfile', path.join(folder, 'seed.txt')],
    ]);
    seed = readFileSync(path.join(folder, 'seed.txt'), 'ascii');
    const document = path.join(folder, 'enable.json');
    await beginOfTimeStep();
    const input = { UserName: 'Bob', SerialNumber: SERIAL_NUMBER, ...codesAt(seed, Date.now(), -1, 0) };
    writeFileSync(document, JSON.stringify(input));
    expect(await answerOf(['iam', 'enable-mfa-device', '--cli-input-json', `file://${document}`])).toBeUndefined();
    expect(await devicesOfBob()).toHaveLength(1);
  });

  it('deactivates and deletes everything again', async () => {
    await answerOf(['iam', 'deactivate-mfa-device', '--user-name', 'Bob', '--serial-number', SERIAL_NUMBER]);
    for (const name of ['Bob', 'other']) {
      const serialNumber = `arn:aws:iam::${ACCOUNT_ID}:mfa/${name}`;
      await answerOf(['iam', 'delete-virtual-mfa-device', '--serial-number', serialNumber]);
    }
    await answerOf(['iam', 'delete-user', '--user-name', 'Bob']);
    expect(await answerOf(['iam', 'list-virtual-mfa-devices'])).toEqual({ VirtualMFADevices: [] });
    expect(await refusalOf(['sns', 'list-topics'])).toContain('local-aws does not implement the service sns');
  });

  it('finds nobody any more after Ctrl-C', async () => {
    await pressCtrlC(localAws);
    expect(await refusalOf(['sts', 'get-caller-identity'])).toContain('Could not connect to the endpoint URL');
  });
});

describe('the account alone', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('ends with exit code 0 at %s', async (signal) => {
    // Without npx, which dies by the signal itself, whatever the exit code of what it ran.
    const localAws = startAccount(process.execPath, ['--import', 'tsx']);
    const { AWS_ENDPOINT_URL: url = '' } = await printedExports(localAws);
    expect((await fetch(url)).status).toBe(403);
    localAws.kill(signal);
    expect(await localAws).toMatchObject({ exitCode: 0 });
    await expect(fetch(url)).rejects.toThrow();
  });
});

/** Reads `export NAME=value` lines until the account has said all that it says at its start. */
async function printedExports({ stdout }: ReturnType<typeof startAccount>): Promise<Record<string, string>> {
  let printed = '';
  for await (const chunk of stdout) {
    printed += String(chunk);
    if (printed.includes('Ctrl-C')) break;
  }
  const exports = [...printed.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]);
  return Object.fromEntries(exports) as Record<string, string>;
}

/** Presses Ctrl-C: everything in the group of a process gets the signal. */
async function pressCtrlC(leader: ReturnType<typeof startAccount>): Promise<void> {
  if (leader.pid === undefined) throw new Error('local-aws was not started');
  process.kill(-leader.pid, 'SIGINT');
  await leader;
}

/** Waits where a time step is about to end, so that the codes for it are still good when they arrive. */
async function beginOfTimeStep(): Promise<void> {
  const left = STEP - (Date.now() % STEP);
  if (left < 8000) await delay(left);
}
