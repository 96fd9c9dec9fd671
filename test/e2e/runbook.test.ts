import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { AwsError } from 'local-aws';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VIRTUAL_MFA } from '../../bin/virtual-mfa-command';
import { codeAt } from '../../lambda/contract/authentication-codes';
import { Deployment } from './deployment';
import { rareCases } from './rare-cases-app';
import { clientsOf, keyOf, signIn, type SigningCredentials } from '../../local-aws/test/callers';
import { isInstalled } from '../../local-aws/test/programs';

const STACK_NAME = 'VirtualMfaStack';

/** The commands of docs/runbook.md, by the heading that they stand under. */
const COMMANDS = commandsIn(readFileSync(join(__dirname, '../../docs/runbook.md'), 'utf8'));

/** Does on local-aws what the runbook says, with the commands as they stand there, the real aws CLI, and the real CDK CLI's code. */
describe.skipIf(!isInstalled('aws'))('the runbook (needs the aws CLI)', () => {
  let deployment: Deployment;
  let home = '';
  /** Milliseconds by which the account's clock is ahead, only while somebody signs in. */
  let ahead = 0;
  const done = new Set<string>();

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'virtual-mfa-runbook-'));
    deployment = await Deployment.start({ now: () => Date.now() + ahead }, rareCases);
    await deploy();
  });
  afterAll(async () => {
    await deployment.stop();
    rmSync(home, { recursive: true, force: true });
  });

  async function deploy(...context: readonly string[]): Promise<void> {
    expect(await deployment.deploy(...context)).toMatchObject({ exitCode: 0 });
  }

  /** Runs the commands of one block under a heading in a shell, and returns what they print. */
  async function follow(heading: string, block = 0, variables: Readonly<Record<string, string>> = {}): Promise<string> {
    const commands = COMMANDS.get(heading)?.[block] ?? '';
    expect(commands).not.toBe('');
    done.add(commands);
    // The package is not installed in itself: this takes the place of npx alone.
    const script = `set -eu\nnpx() { shift 2; "${process.execPath}" "${VIRTUAL_MFA}" "$@"; }\n${commands}`;
    return run('bash', ['-c', script], variables);
  }

  /** Runs a program with the account's credentials, and nothing else of the machine's environment. */
  async function run(program: string, args: readonly string[], variables: NodeJS.ProcessEnv = {}): Promise<string> {
    const env = { PATH: process.env.PATH, ...deployment.localAws.environment, HOME: home, ...variables };
    const { stdout } = await execa(program, args, { env, extendEnv: false, stripFinalNewline: false });
    return stdout;
  }

  function administrate(service: string, action: string, input: Readonly<Record<string, unknown>> = {}) {
    return deployment.localAws.account.invoke(service, action, input);
  }

  function deviceOfBob() {
    const [serialNumber = ''] = deployment.enabledFor('Bob');
    return deployment.localAws.iam.device(serialNumber);
  }

  /** IAM takes a pair of codes that is newer than the last: lets that time pass. */
  function letCodesBeNew(): void {
    delete deviceOfBob().lastPairTimeStep;
  }

  async function seedSecretArn(): Promise<string> {
    const { SecretList } = await administrate('secretsmanager', 'ListSecrets', { IncludePlannedDeletion: true });
    return (SecretList as { ARN: string }[])[0]?.ARN ?? '';
  }

  async function accessKeyOf(UserName: string): Promise<string> {
    const { AccessKey } = await administrate('iam', 'CreateAccessKey', { UserName });
    return (AccessKey as { AccessKeyId: string }).AccessKeyId;
  }

  async function removeDeviceOfBob(): Promise<void> {
    const { serialNumber } = deviceOfBob();
    await administrate('iam', 'DeactivateMFADevice', { UserName: 'Bob', SerialNumber: serialNumber });
    await administrate('iam', 'DeleteVirtualMFADevice', { SerialNumber: serialNumber });
  }

  /** A session of Bob, with a code where a device is given; as whoever has the seed and an access key gets it. */
  async function session(device?: {
    readonly serialNumber: string;
    readonly seed: string;
  }): Promise<SigningCredentials> {
    const { localAws } = deployment;
    // STS learns of a device late. A policy that revokes sessions knows the time to the second: those without a device begin before it.
    ahead = device === undefined ? -1_000 : 30_000;
    try {
      const code = device && {
        SerialNumber: device.serialNumber,
        TokenCode: codeAt(device.seed, localAws.account.now()),
      };
      return await signIn(clientsOf(localAws, keyOf(localAws, 'Bob')), code);
    } finally {
      ahead = 0;
    }
  }

  /** Whether a session may do what Bob's policy allows. */
  async function isGood(credentials: SigningCredentials): Promise<boolean> {
    const client = clientsOf(deployment.localAws, credentials).secretsManager;
    try {
      return await client.send(new ListSecretsCommand({})).then(
        () => true,
        () => false,
      );
    } finally {
      client.destroy();
    }
  }

  test('a new phone: the QR code is shown again, and all is as it should be', async () => {
    const output = await follow('A new phone');

    expect(output).toMatch(/█▀▀▀▀▀█/);
    expect(output).toContain('✓ stored seed');
    expect(output).not.toContain('✗');
  });

  test('a stolen phone: the old seed signs in no more, older sessions end, the access key is gone', async () => {
    const heading = 'A stolen phone, or a leaked seed';
    const stolen = { ...deviceOfBob() };
    const allowed = { Statement: { Effect: 'Allow', Action: 'secretsmanager:ListSecrets', Resource: '*' } };
    const own = { UserName: 'Bob', PolicyName: 'own' };
    await administrate('iam', 'PutUserPolicy', { ...own, PolicyDocument: JSON.stringify(allowed) });
    await session(stolen);
    const [before, leaked] = [await session(), await accessKeyOf('Bob')];

    await deploy('rotationId=stolen');
    await follow(heading, 0);
    const keys = await follow(heading, 1);
    await follow(heading, 2, { ACCESS_KEY_ID: keys.trim() });

    expect(keys.trim()).toBe(leaked);
    expect(deployment.localAws.iam.users.get('Bob').accessKeys.size).toBe(0);
    await expect(session(stolen)).rejects.toThrow('MultiFactorAuthentication failed');
    expect(await isGood(before)).toBe(false);
    expect(await isGood(await session(deviceOfBob()))).toBe(true);
    await follow(heading, 3);
    expect(await isGood(before)).toBe(true);
    await administrate('iam', 'DeleteUserPolicy', own);
  });

  test('a device that was deleted: list says so, and a new rotationId makes another', async () => {
    await removeDeviceOfBob();

    const output = await follow('A device that was deleted');
    await deploy('rotationId=deleted');

    expect(output).toMatch(/^Bob +device missing /m);
    await session(deviceOfBob());
    expect(await follow('A new phone')).not.toContain('✗');
  });

  test('a device that was deactivated is enabled again, with its seed', async () => {
    const { serialNumber, seed } = deviceOfBob();
    letCodesBeNew();
    await administrate('iam', 'DeactivateMFADevice', { UserName: 'Bob', SerialNumber: serialNumber });

    await follow('A device that was deactivated');

    expect(deviceOfBob()).toMatchObject({ serialNumber, seed });
    expect(await follow('A new phone')).not.toContain('✗');
  });

  test('a seed that was overwritten is current again', async () => {
    const before = await deployment.storedSeeds();
    await administrate('secretsmanager', 'PutSecretValue', { SecretId: await seedSecretArn(), SecretString: 'x' });
    letCodesBeNew();

    await follow('A secret that was overwritten or deleted', 0);

    expect(await deployment.storedSeeds()).toEqual(before);
  });

  test('a secret that is scheduled for deletion is restored', async () => {
    const heading = 'A secret that was overwritten or deleted';
    const arn = await seedSecretArn();
    await administrate('secretsmanager', 'DeleteSecret', { SecretId: arn });

    const output = await follow(heading, 1);
    const [, listed = ''] = /^Bob +secret being deleted .* (arn:aws:secretsmanager:\S+)$/m.exec(output) ?? [];
    const restored = await follow(heading, 2, { SEED_SECRET_ARN: listed });

    expect(listed).toBe(arn);
    expect(restored).toContain('✓ stored seed');
  });

  test('a secret that was deleted for good: the device is removed, and declared again', async () => {
    await administrate('secretsmanager', 'DeleteSecret', {
      SecretId: await seedSecretArn(),
      ForceDeleteWithoutRecovery: true,
    });
    // A role is denied what has no tags, and the function waits a minute for a policy that may be late. Here it need not wait.
    const { faults } = deployment.localAws.account;
    const answer = new AwsError('ResourceNotFoundException', 'on demand', 400);
    for (const action of ['GetSecretValue', 'DescribeSecret', 'TagResource']) {
      faults.inject({
        action: `secretsmanager:${action}`,
        callerType: 'role',
        times: Number.POSITIVE_INFINITY,
        answer,
      });
    }

    await deploy('device=none');
    faults.clear();
    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(0);
    await deploy();

    expect(await follow('A new phone')).not.toContain('✗');
  });

  test('an update whose rollback failed goes on once the cause is gone', async () => {
    const before = deviceOfBob().serialNumber;
    deployment.localAws.account.faults.inject({
      action: 'secretsmanager:GetSecretValue',
      times: Number.POSITIVE_INFINITY,
      callerType: 'role',
      answer: new AwsError('InvalidRequest', 'on demand'),
    });
    const { exitCode, output } = await deployment.deploy('rotationId=fails');
    expect({ exitCode, output }).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('UPDATE_ROLLBACK_F') as string,
    });
    deployment.localAws.account.faults.clear();

    await follow('A rollback that failed', 0, { STACK_NAME });
    await run('aws', ['cloudformation', 'wait', 'stack-rollback-complete', '--stack-name', STACK_NAME]);

    expect(deviceOfBob().serialNumber).toBe(before);
    expect(await follow('A new phone')).not.toContain('✗');
  });

  test('a retained device and its seed are removed by hand', async () => {
    await deploy('retain=yes');
    const { serialNumber } = deviceOfBob();
    const variables = { USER_NAME: 'Bob', SERIAL_NUMBER: serialNumber, SEED_SECRET_ARN: await seedSecretArn() };

    await follow('Tear down', 0, variables);

    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(0);
    await deploy('device=none');
  });

  test('a stack that cannot be deleted because of an access key', async () => {
    await deploy();
    const key = await accessKeyOf('Bob');
    const { exitCode, output } = await deployment.destroy();
    expect({ exitCode, output }).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('DELETE_FAILED') as string,
    });

    await deleteStackOfUserWithKey(key);

    expect(deployment.localAws.iam.users.all()).toEqual([]);
  });

  test('a creation whose rollback failed because of an access key', async () => {
    let key: Promise<string> | undefined;
    deployment.localAws.account.faults.inject({
      action: 'iam:EnableMFADevice',
      answer: new AwsError('InvalidInput', 'on demand'),
      strike: () => void (key = accessKeyOf('Bob')),
    });
    const { exitCode, output } = await deployment.deploy();
    expect({ exitCode, output }).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('ROLLBACK_FAILED') as string,
    });

    await deleteStackOfUserWithKey((await key) ?? '');

    expect(deployment.localAws.iam.users.all()).toEqual([]);
    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(0);
  });

  async function deleteStackOfUserWithKey(key: string): Promise<void> {
    const variables = { STACK_NAME, USER_NAME: 'Bob' };
    const keys = await follow('A user who has an access key', 0, variables);
    expect(keys.trim()).toBe(key);
    await follow('A user who has an access key', 1, { ...variables, ACCESS_KEY_ID: keys.trim() });
  }

  test('a stack that cannot be deleted because the user enrolled a device by hand', async () => {
    await deploy();
    const created = await administrate('iam', 'CreateVirtualMFADevice', { VirtualMFADeviceName: 'phone' });
    const { SerialNumber } = created.VirtualMFADevice as { readonly SerialNumber: string };
    const { iam } = deployment.localAws;
    iam.device(SerialNumber).assignment = { userName: 'Bob', enableDate: new Date() };
    const { exitCode, output } = await deployment.destroy();
    expect({ exitCode, output }).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('must remove tokens from principal first') as string,
    });

    const variables = { STACK_NAME, USER_NAME: 'Bob' };
    const left = await follow('A user who enrolled devices by hand', 0, variables);
    await follow('A user who enrolled devices by hand', 1, { ...variables, SERIAL_NUMBER: left.trim() });

    expect(left.trim()).toBe(SerialNumber);
    expect(iam.users.all()).toEqual([]);
    expect(iam.virtualMfaDevices.size).toBe(0);
  });

  test('a stack that cannot be deleted because of a device: trying again is of no use, the runbook is', async () => {
    await deploy();
    const { serialNumber } = deviceOfBob();
    const { faults } = deployment.localAws.account;
    const answer = new AwsError('InvalidInput', 'on demand');
    faults.inject({ action: 'iam:DeactivateMFADevice', times: Number.POSITIVE_INFINITY, answer });
    expect((await deployment.destroy()).exitCode).toBe(1);
    faults.clear();
    expect(deployment.enabledFor('Bob')).toEqual([serialNumber]);
    expect(await deployment.storedSeeds()).toEqual([]);
    const again = await deployment.destroy();

    const left = (await follow('A deletion that failed', 0, { STACK_NAME })).trim().split('\n');
    const [, logicalId = '', physicalId = ''] = left.find((line) => line.startsWith('Custom::'))?.split('\t') ?? [];
    const variables = { STACK_NAME, USER_NAME: 'Bob', SERIAL_NUMBER: physicalId, LOGICAL_ID: logicalId };
    await follow('A deletion that failed', 1, variables);

    expect(again).toMatchObject({ exitCode: 1, output: expect.stringContaining('Function not found') as string });
    expect(left.map((line) => line.split('\t')[0]).sort()).toEqual(['AWS::IAM::User', 'Custom::IAMVirtualMFADevice']);
    expect(physicalId).toBe(serialNumber);
    expect(deployment.localAws.iam.users.all()).toEqual([]);
    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(0);
  });

  test('has no command that was not run here', () => {
    expect([...COMMANDS.values()].flat().filter((commands) => !done.has(commands))).toEqual([]);
  });
});

/** The blocks of shell commands under each heading, those in lists without their indentation. */
function commandsIn(markdown: string): ReadonlyMap<string, readonly string[]> {
  const sections = markdown.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => [
      section.split('\n')[0] ?? '',
      [...section.matchAll(/^( *)```sh\n(.*?)^ *```$/gms)].map(([, indentation = '', code = '']) =>
        code.replaceAll(new RegExp(`^${indentation}`, 'gm'), ''),
      ),
    ]),
  );
}
