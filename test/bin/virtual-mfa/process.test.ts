import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { CreateUserCommand, EnableMFADeviceCommand } from '@aws-sdk/client-iam';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeAt } from '../../../lambda/contract/authentication-codes';
import { storedSeedOf } from '../../../lambda/contract/stored-seed';
import { VIRTUAL_MFA } from '../../../bin/virtual-mfa-command';
import { type LocalAws, startLocalAws } from 'local-aws';
import { clientsOf, createAccessKey, type SigningCredentials } from '../../../local-aws/test/callers';
import { isInstalled } from '../../../local-aws/test/programs';
import { codesAt, createDevice } from '../../../local-aws/test/strict-account';

/** The bundle, in processes of its own, on a machine and an account whose clocks are the real one. */
let localAws: LocalAws;
let seedSecretArn = '';
let seed = '';
let home = '';
let environment: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  // The device was enabled a minute ago: its codes of now are fresh, and nothing has to wait for them.
  let behind = 60_000;
  localAws = await startLocalAws({ now: () => Date.now() - behind });
  const { iam, secretsManager } = clientsOf(localAws, localAws.credentials);
  await iam.send(new CreateUserCommand({ UserName: 'Bob' }));
  const device = await createDevice(iam, 'Bob');
  const codes = codesAt(device.seed, Date.now() - behind, -1, 0);
  await iam.send(new EnableMFADeviceCommand({ UserName: 'Bob', SerialNumber: device.serialNumber, ...codes }));
  const owner = { serialNumber: device.serialNumber, userName: 'Bob', issuer: 'local-aws', accountId: '123456789012' };
  const stored = storedSeedOf(owner, device.seed);
  const { ARN } = await secretsManager.send(
    new CreateSecretCommand({ Name: 'BobSeed', SecretString: JSON.stringify(stored) }),
  );
  seedSecretArn = ARN ?? '';
  ({ seed } = device);
  const key = await createAccessKey(iam, 'Bob');
  behind = 0;

  home = mkdtempSync(join(tmpdir(), 'virtual-mfa-process-'));
  const config = join(home, 'config');
  writeFileSync(
    config,
    [
      `[profile bob]\ncredential_process = ${commandLine('--profile bob-key --seed-profile administrator')}`,
      `[profile circle]\ncredential_process = ${commandLine('')}`,
      profile('bob-key', key),
      profile('administrator', localAws.credentials),
      '',
    ].join('\n'),
  );
  const { AWS_ACCESS_KEY_ID: _id, AWS_SECRET_ACCESS_KEY: _secret, ...account } = localAws.environment;
  environment = {
    PATH: process.env['PATH'],
    HOME: home,
    ...account,
    AWS_CONFIG_FILE: config,
    AWS_SHARED_CREDENTIALS_FILE: join(home, 'credentials'),
  };
});
afterAll(async () => {
  rmSync(home, { recursive: true, force: true });
  await localAws.close();
});

function commandLine(options: string): string {
  return `${process.execPath} ${VIRTUAL_MFA} session ${seedSecretArn} ${options}`;
}

function profile(name: string, { accessKeyId, secretAccessKey }: SigningCredentials): string {
  return `[profile ${name}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}`;
}

function start(args: readonly string[], env = environment) {
  const options = { env, extendEnv: false, reject: false } as const;
  return execa(process.execPath, [VIRTUAL_MFA, ...args, '--profile', 'administrator'], options);
}

async function shell(command: string): Promise<{ exitCode: number; output: string; messages: string }> {
  const options = { env: environment, extendEnv: false, reject: false, stripFinalNewline: false } as const;
  const { exitCode = 1, stdout, stderr } = await execa('bash', ['-c', command], options);
  return { exitCode, output: stdout, messages: stderr };
}

/** Asks STS who a profile is, with the SDK in a process of its own. */
const WHO_AM_I = `
const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');
new STSClient({ profile: process.argv[1] }).send(new GetCallerIdentityCommand({})).then(
  ({ Arn }) => console.log(Arn),
  (error) => { console.log(error.message); process.exitCode = 1; },
);`;

describe('virtual-mfa, as a process,', () => {
  test('gives a robot, through credential_process, sessions with MFA: once, and then from the cache', async () => {
    const who = `${process.execPath} -e "${WHO_AM_I}" bob`;

    const first = await shell(who);
    const second = await shell(who);

    expect(first).toMatchObject({ exitCode: 0, output: 'arn:aws:iam::123456789012:user/Bob\n' });
    expect(second.output).toBe(first.output);
    const sessions = localAws.account.calls.since(0).filter(({ action }) => action === 'sts:GetSessionToken');
    expect(sessions).toHaveLength(1);
    const [asked] = localAws.account.calls.since(0).filter(({ action }) => action === 'sts:GetCallerIdentity');
    expect(asked?.caller).toBe('arn:aws:iam::123456789012:user/Bob');
  });

  test('gives a session from the cache without the SDK and without its program', async () => {
    const ask = commandLine('--profile bob-key --seed-profile administrator');
    const first = await shell(ask);
    const calls = localAws.account.calls.length;
    // What the entry has beside it is not loaded: with a program that fails, it answers all the same.
    const alone = join(home, 'alone.js');
    copyFileSync(VIRTUAL_MFA, alone);

    const second = await shell(ask.replace(VIRTUAL_MFA, alone));
    const other = await shell(`${ask.replace(VIRTUAL_MFA, alone)} --no-cache`);

    expect(first.exitCode).toBe(0);
    expect(second).toEqual(first);
    expect(localAws.account.calls.length).toBe(calls);
    expect(other.exitCode).toBe(1);
    expect(other.messages).toContain('virtual-mfa-program.js');
  });

  test('prints no session from the cache into a file that others can read', async () => {
    const file = join(home, 'session.txt');
    const ask = `umask 022; ${commandLine('--profile bob-key --seed-profile administrator')}`;
    await shell(ask);

    const { exitCode, messages } = await shell(`${ask} > ${file}`);

    expect(exitCode).toBe(7);
    expect(messages).toContain('Others can read the file that the output goes to (mode 0644)');
    expect(statSync(file).size).toBe(0);
  });

  test.runIf(isInstalled('aws'))('gives the real aws command a session with MFA', async () => {
    const { output } = await shell('aws sts get-caller-identity --profile bob --query Arn --output text');

    expect(output).toBe('arn:aws:iam::123456789012:user/Bob\n');
  });

  test('comes to an end where a profile would get its credentials from itself, and says what to do', async () => {
    const { exitCode, messages } = await shell(`AWS_PROFILE=circle ${commandLine('')}`);
    const innermost = await shell(
      `VIRTUAL_MFA_SESSIONS_UNDER_WAY='["${seedSecretArn}","circle",""]' AWS_PROFILE=circle ${commandLine('')}`,
    );

    expect(exitCode).toBe(4);
    expect(messages).toContain('it cannot get its credentials from itself');
    expect(innermost.exitCode).toBe(2);
    expect(innermost.messages).toContain('The profile circle gets its credentials from this very command');
  });

  test('prints nothing beside what it is asked for', async () => {
    const { exitCode, output, messages } = await shell(
      `${process.execPath} ${VIRTUAL_MFA} code ${seedSecretArn} --profile administrator`,
    );

    expect({ exitCode, messages }).toEqual({ exitCode: 0, messages: '' });
    expect(output).toMatch(/^\d{6} {2}\d+ s left\n$/);
  });

  test('refuses a shell’s output file that others can read; umask 077 makes one that they cannot', async () => {
    const qr = `${process.execPath} ${VIRTUAL_MFA} qr ${seedSecretArn} --uri --profile administrator`;

    const refused = await shell(`umask 022; ${qr} > ${join(home, 'open.txt')}`);
    const taken = await shell(`umask 077; ${qr} > ${join(home, 'closed.txt')}`);
    const piped = await shell(`${qr} | wc -l`);

    expect(refused.exitCode).toBe(7);
    expect(statSync(join(home, 'open.txt')).size).toBe(0);
    expect(taken.exitCode).toBe(0);
    expect(statSync(join(home, 'closed.txt')).size).toBeGreaterThan(50);
    expect(piped.output.trim()).toBe('1');
  });

  test('refuses a FIFO that others can open, and takes one that they cannot', async () => {
    const [open, closed] = [join(home, 'open.fifo'), join(home, 'closed.fifo')];
    const qr = `${process.execPath} ${VIRTUAL_MFA} qr ${seedSecretArn} --uri --profile administrator`;
    const into = (fifo: string, mode: string) =>
      `mkfifo -m ${mode} ${fifo}; cat ${fifo} & ${qr} > ${fifo}; code=$?; wait; exit $code`;

    const refused = await shell(into(open, '666'));
    const taken = await shell(into(closed, '600'));

    expect({ exitCode: refused.exitCode, output: refused.output }).toEqual({ exitCode: 7, output: '' });
    expect(refused.messages).toContain('Others can read the file that the output goes to (mode 0666)');
    expect(taken.exitCode).toBe(0);
    expect(taken.output).toContain(seed);
  });

  test('checks a code that comes through a pipe, and ends while the pipe stays open', async () => {
    const verifying = start(['verify', seedSecretArn, '--code']);

    verifying.stdin.write(`${codeAt(seed, Date.now())}\n`);
    const { stdout } = await verifying;

    expect(stdout).toContain('✓ code         the app of the owner has the stored seed');
  });

  test('ends at SIGTERM, while AWS does not answer', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
    const { port } = silent.address() as AddressInfo;
    const asked = new Promise((resolve) => silent.once('connection', resolve));
    const asking = start(['list'], { ...environment, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` });
    await asked;

    asking.kill('SIGTERM');

    expect(await asking).toMatchObject({ exitCode: 130 });
    silent.close();
  });

  test('ends quietly when its reader stops reading', async () => {
    const { exitCode, output, messages } = await shell(
      `${process.execPath} ${VIRTUAL_MFA} --help | head -1; exit \${PIPESTATUS[0]}`,
    );

    expect({ exitCode, messages }).toEqual({ exitCode: 0, messages: '' });
    expect(output).toMatch(/^Usage: virtual-mfa/);
  });

  test('ends at SIGINT, while it watches', async () => {
    const watching = start(['code', seedSecretArn, '--watch']);
    await once(watching.stdout, 'data');

    watching.kill('SIGINT');

    expect(await watching).toMatchObject({ exitCode: 130 });
  });

  test('shows the seed to nobody who lists processes', async () => {
    const watching = start(['code', seedSecretArn, '--watch']);
    await once(watching.stdout, 'data');

    const { output } = await shell(
      `tr '\\0' ' ' < /proc/${watching.pid ?? 0}/cmdline < /proc/${watching.pid ?? 0}/environ`,
    );

    watching.kill('SIGTERM');
    await watching;
    expect(output).not.toContain(seed);
  });
});
