import { CloudFormationClient, DeleteStackCommand, waitUntilStackDeleteComplete } from '@aws-sdk/client-cloudformation';
import { DeactivateMFADeviceCommand } from '@aws-sdk/client-iam';
import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientsOf, keyOf, sessionOf, signIn } from '../../local-aws/test/callers';
import { codeAt } from '../../lambda/contract/authentication-codes';
import type { StoredSeed } from '../../lambda/contract/stored-seed';
import { Deployment } from './deployment';
import { watchedUsers, WATCHED } from './watch-app';

const HOUR = 60 * 60_000;

/** What watch-app.ts declares, deployed by the real CDK CLI: the real bundle under its role, and the schedule under its own. */
describe.each([
  { what: 'that only tells', context: [] },
  { what: 'that repairs', context: ['repair=true'] },
  { what: 'that makes devices anew', context: ['repair=true', 'recreate=true'] },
])('a watch $what, deployed', ({ context }) => {
  const [repairs, recreates] = [context.length > 0, context.length > 1];
  let deployment: Deployment;
  let seeds: readonly StoredSeed[];
  let logged = 0;

  beforeAll(async () => {
    deployment = await Deployment.start({}, watchedUsers);
    const { exitCode, output } = await deployment.deploy(...context);
    expect(exitCode, output).toBe(0);
    seeds = await deployment.storedSeeds();
    newLines();
  });
  afterAll(() => deployment.stop());

  const serialOf = (userName: string) => `arn:aws:iam::123456789012:mfa/${userName}Mfa`;
  const storedOf = (userName: string) => seeds.find((stored) => stored.userName === userName);
  const deviceOf = (userName: string) => deployment.localAws.iam.virtualMfaDevices.get(serialOf(userName));
  const administrate = (service: string, action: string, input: Record<string, unknown>) =>
    deployment.localAws.account.invoke(service, action, input);
  const deactivate = (UserName: string) =>
    administrate('iam', 'DeactivateMFADevice', { UserName, SerialNumber: serialOf(UserName) });

  /** What the function has written since the last look. */
  function newLines(): readonly Record<string, unknown>[] {
    const messages = deployment.localAws.logs.groups().flatMap(({ events }) => events.map(({ message }) => message));
    const fresh = messages.slice(logged);
    logged = messages.length;
    return fresh.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ type }) => type === undefined);
  }

  /** Lets an hour pass, and the schedule invoke the function. */
  async function tick() {
    deployment.localAws.account.advanceClock(HOUR);
    const invoked = await deployment.localAws.scheduler.runDue();
    const lines = newLines();
    const told = lines
      .filter(({ found }) => found !== undefined)
      .map(({ userName, message }) => `${String(userName)}: ${String(message)}`);
    return { invoked, lines, told: told.sort(), metrics: lines.find((line) => '_aws' in line) };
  }

  async function signsIn(userName: string): Promise<void> {
    const { localAws } = deployment;
    const stored = (await deployment.storedSeeds()).find((each) => each.userName === userName);
    const { seed = '', serialNumber: SerialNumber = '' } = stored ?? {};
    // STS learns of a device some seconds after it was enabled.
    localAws.account.advanceClock(20_000);
    const TokenCode = codeAt(seed, localAws.account.now());
    await signIn(clientsOf(localAws, keyOf(localAws, userName)), { SerialNumber, TokenCode });
  }

  test('is silent while all is well, but for one line with its metrics', async () => {
    await tick();
    const { invoked, lines, metrics } = await tick();

    expect(invoked).toEqual([{ schedule: expect.stringContaining('VirtualMfaStack-Watch') as string }]);
    expect(lines).toEqual([metrics]);
    expect(metrics).toMatchObject({ DevicesWatched: WATCHED.length, DevicesNotAsDeclared: 0, DevicesRepaired: 0 });
  });

  test('tells what others have done, and does what it may', async () => {
    await deactivate('Alice');
    await deactivate('Bob');
    await administrate('iam', 'DeleteVirtualMFADevice', { SerialNumber: serialOf('Bob') });
    const { SecretList } = (await administrate('secretsmanager', 'ListSecrets', {})) as {
      readonly SecretList: readonly { readonly ARN: string; readonly Name: string }[];
    };
    const SecretId = SecretList.find(({ Name }) => Name.includes('CarolMfa'))?.ARN;
    const overwriting = { SecretId, SecretString: 'nonsense', ClientRequestToken: crypto.randomUUID() };
    await administrate('secretsmanager', 'PutSecretValue', overwriting);
    deviceOf('Dora')?.tags.clear();
    const Tags = [{ Key: 'cdk-iam-virtual-mfa:watch', Value: 'off' }];
    await administrate('iam', 'TagMFADevice', { SerialNumber: serialOf('Eve'), Tags });
    await deactivate('Eve');

    const { invoked, told, metrics } = await tick();

    const words = (isRepaired: boolean) => (isRepaired ? 'Not as declared, and repaired' : 'Not as declared');
    expect(invoked[0]?.error).toBeUndefined();
    expect(told).toEqual([
      `Alice: ${words(repairs)}: The device is not enabled for its user.`,
      `Bob: ${words(recreates)}: The device was deleted.`,
      `Carol: ${words(repairs)}: The secret's current value is not the device's seed.`,
      `Dora: ${words(repairs)}: The tags of the device are gone, or name another version of the secret.`,
    ]);
    expect(metrics).toMatchObject({
      DevicesNotAsDeclared: 4,
      DevicesRepaired: Number(repairs) * 3 + Number(recreates),
      DevicesHeldOff: 1,
    });
  });

  test('leaves devices as it has told', async () => {
    expect(deployment.enabledFor('Alice')).toEqual(repairs ? [serialOf('Alice')] : []);
    expect(deployment.enabledFor('Bob')).toEqual(recreates ? [serialOf('Bob')] : []);
    expect(deployment.enabledFor('Eve')).toEqual([]);
    expect(deviceOf('Dora')?.tags.size).toBe(repairs ? 4 : 0);
    for (const userName of repairs ? ['Alice', 'Carol', 'Dora'] : []) {
      expect(deviceOf(userName)?.seed).toBe(storedOf(userName)?.seed);
      await signsIn(userName);
    }
    if (recreates) {
      expect(deviceOf('Bob')?.seed).not.toBe(storedOf('Bob')?.seed);
      await signsIn('Bob');
    }
  });

  test('tells of the same no more once it is repaired', async () => {
    const { told, metrics } = await tick();

    const left = 4 - Number(repairs) * 3 - Number(recreates);
    expect(told).toHaveLength(left);
    expect(metrics).toMatchObject({ DevicesNotAsDeclared: left, DevicesRepaired: 0 });
  });

  test('invokes its function with a role that may do nothing else', async () => {
    const { localAws } = deployment;
    const role = localAws.iam.roles.all().find(({ name }) => name.includes('WatchRole'))?.name ?? '';
    const { iam, secretsManager } = clientsOf(localAws, sessionOf(localAws, role, 'schedule'));
    const deactivation = new DeactivateMFADeviceCommand({ UserName: 'Carol', SerialNumber: serialOf('Carol') });

    await expect(iam.send(deactivation)).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(secretsManager.send(new ListSecretsCommand({}))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });

  test('is gone with its stack, whatever became of the devices', async () => {
    deployment.remember('');
    const client = new CloudFormationClient(deployment.localAws.clientConfiguration);
    if (!repairs) deployment.localAws.iam.virtualMfaDevices.delete(serialOf('Dora'));

    await client.send(new DeleteStackCommand({ StackName: 'VirtualMfaStack' }));
    await waitUntilStackDeleteComplete(
      { client, maxWaitTime: 300, minDelay: 1, maxDelay: 1 },
      { StackName: 'VirtualMfaStack' },
    );

    expect([...deployment.localAws.iam.virtualMfaDevices.keys()]).toEqual([]);
    deployment.localAws.account.advanceClock(24 * HOUR);
    expect(await deployment.localAws.scheduler.runDue()).toEqual([]);
    const everything = deployment.everythingPublic();
    for (const { seed } of seeds) expect(everything).not.toContain(seed);
  });
});
