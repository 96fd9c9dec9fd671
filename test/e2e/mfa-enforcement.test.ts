import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  CreateVirtualMFADeviceCommand,
  DeactivateMFADeviceCommand,
  DeleteVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  GetUserCommand,
  IAMClient,
  ListMFADevicesCommand,
  ListUsersCommand,
  ListVirtualMFADevicesCommand,
  ResyncMFADeviceCommand,
} from '@aws-sdk/client-iam';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AssumeRoleCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { generateSync } from 'otplib/functional';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Deployment } from './deployment';

const STEP = 30_000;
const DENIED = 'with an explicit deny in an identity-based policy';

/** The service clients of one set of credentials. */
interface Clients {
  readonly iam: IAMClient;
  readonly sts: STSClient;
  readonly secretsManager: SecretsManagerClient;
}

/**
 * What mfa-enforcement-app.ts declares, deployed by the real CDK CLI; the account evaluates the policies as IAM does.
 * Bob and Alice are administrators: whatever is denied to them, MfaEnforcementPolicy denies.
 */
describe('MfaEnforcementPolicy, deployed', { timeout: 120_000 }, () => {
  let deployment: Deployment;
  /** How far the account's clock is ahead: a code is good for one use, and the next one comes a time step later. */
  let ahead = 0;
  const now = () => Date.now() + ahead;
  const codeAt = (seed: string, milliseconds: number) =>
    generateSync({ secret: seed, epoch: Math.floor(milliseconds / 1000) });
  const twoCodes = (seed: string) => ({
    AuthenticationCode1: codeAt(seed, now() - STEP),
    AuthenticationCode2: codeAt(seed, now()),
  });

  const as = (credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }): Clients => {
    const configuration = { ...deployment.localAws.clientConfiguration, credentials, maxAttempts: 1 };
    return {
      iam: new IAMClient(configuration),
      sts: new STSClient(configuration),
      secretsManager: new SecretsManagerClient(configuration),
    };
  };
  const withAccessKeyOf = async (UserName: string) => {
    const { AccessKey } = await deployment.iam.send(new CreateAccessKeyCommand({ UserName }));
    return as({ accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' });
  };
  const withMfa = async ({ sts }: Clients, SerialNumber: string, seed: string) => {
    ahead += STEP;
    const { Credentials } = await sts.send(
      new GetSessionTokenCommand({ SerialNumber, TokenCode: codeAt(seed, now()) }),
    );
    return as({
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken,
    });
  };
  const createDevice = async ({ iam }: Clients, VirtualMFADeviceName: string) => {
    const { VirtualMFADevice } = await iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName }));
    const seed = new TextDecoder().decode(VirtualMFADevice?.Base32StringSeed);
    return { serialNumber: VirtualMFADevice?.SerialNumber ?? '', seed };
  };

  let bob: Clients;
  let alice: Clients;
  let alicesDevice: { serialNumber: string; seed: string };

  beforeAll(async () => {
    deployment = await Deployment.start({ now }, 'node --import tsx test/e2e/mfa-enforcement-app.ts');
    const { exitCode, output } = await deployment.deploy();
    expect(exitCode, output).toBe(0);
    bob = await withAccessKeyOf('Bob');
    alice = await withAccessKeyOf('Alice');
    const [stored] = await deployment.storedSeeds();
    if (stored === undefined) throw new Error('No seed is stored');
    alicesDevice = stored;
  }, 120_000);
  afterAll(async () => {
    await deployment.stop();
  });

  describe('without MFA', () => {
    test.each<[what: string, call: (clients: Clients) => Promise<unknown>]>([
      ['read a secret', ({ secretsManager }) => secretsManager.send(new ListSecretsCommand({}))],
      ['list users', ({ iam }) => iam.send(new ListUsersCommand({}))],
      ['create a user', ({ iam }) => iam.send(new CreateUserCommand({ UserName: 'Mallory' }))],
      ['make an access key', ({ iam }) => iam.send(new CreateAccessKeyCommand({}))],
      ['look at another user', ({ iam }) => iam.send(new GetUserCommand({ UserName: 'Carol' }))],
      ['list the devices of another user', ({ iam }) => iam.send(new ListMFADevicesCommand({ UserName: 'Carol' }))],
      [
        'assume a role',
        ({ sts }) =>
          sts.send(
            new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::123456789012:role/admin', RoleSessionName: 'session' }),
          ),
      ],
      [
        'deactivate a device',
        ({ iam }) =>
          iam.send(new DeactivateMFADeviceCommand({ UserName: 'Alice', SerialNumber: alicesDevice.serialNumber })),
      ],
      [
        'delete a device',
        ({ iam }) => iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber: alicesDevice.serialNumber })),
      ],
      [
        'enable a device for another user',
        async (clients) => {
          const { serialNumber, seed } = await createDevice({ ...clients, iam: deployment.iam }, `x${Date.now()}`);
          const enabling = { UserName: 'Carol', SerialNumber: serialNumber, ...twoCodes(seed) };
          return clients.iam.send(new EnableMFADeviceCommand(enabling));
        },
      ],
    ])('an administrator cannot %s', async (_what, call) => {
      for (const administrator of [bob, alice]) {
        await expect(call(administrator)).rejects.toThrow(DENIED);
      }
      expect(deployment.enabledFor('Alice')).toEqual([alicesDevice.serialNumber]);
      expect(deployment.enabledFor('Carol')).toEqual([]);
    });

    test('a user can look at the own user and devices, and resynchronize one', async () => {
      ahead += 2 * STEP;
      const { MFADevices } = await alice.iam.send(new ListMFADevicesCommand({}));
      await alice.iam.send(
        new ResyncMFADeviceCommand({
          UserName: 'Alice',
          SerialNumber: alicesDevice.serialNumber,
          ...twoCodes(alicesDevice.seed),
        }),
      );

      expect(MFADevices).toMatchObject([{ SerialNumber: alicesDevice.serialNumber }]);
      expect((await alice.iam.send(new GetUserCommand({}))).User?.UserName).toBe('Alice');
      expect((await bob.iam.send(new GetUserCommand({}))).User?.Path).toBe('/staff/');
    });

    test('a user with a declared device cannot bring in another one, and neither can who has that user’s key', async () => {
      const { serialNumber, seed } = await createDevice({ ...alice, iam: deployment.iam }, 'Mallory');

      await expect(createDevice(alice, 'Alice-2')).rejects.toThrow(DENIED);
      await expect(
        alice.iam.send(
          new EnableMFADeviceCommand({ UserName: 'Alice', SerialNumber: serialNumber, ...twoCodes(seed) }),
        ),
      ).rejects.toThrow(DENIED);
      expect(deployment.enabledFor('Alice')).toEqual([alicesDevice.serialNumber]);
    });
  });

  describe('with a session of GetSessionToken and a code', () => {
    test('a user does what the other policies allow', async () => {
      const aliceWithMfa = await withMfa(alice, alicesDevice.serialNumber, alicesDevice.seed);

      expect((await aliceWithMfa.secretsManager.send(new ListSecretsCommand({}))).SecretList).toHaveLength(1);
      expect((await aliceWithMfa.iam.send(new ListUsersCommand({}))).Users).toHaveLength(3);
    });

    test('of another user’s device nobody gets a session', async () => {
      await expect(withMfa(bob, alicesDevice.serialNumber, alicesDevice.seed)).rejects.toThrow(
        'MultiFactorAuthentication failed',
      );
    });
  });

  test('a user who enrolls without help comes all the way, also after an enrollment that was broken off', async () => {
    const brokenOff = await createDevice(bob, 'Bob');
    await expect(createDevice(bob, 'Bob')).rejects.toMatchObject({ name: 'EntityAlreadyExistsException' });
    const phone = await createDevice(bob, 'Bob-phone');
    expect((await bob.iam.send(new ListVirtualMFADevicesCommand({}))).VirtualMFADevices).not.toEqual([]);
    await bob.iam.send(
      new EnableMFADeviceCommand({ UserName: 'Bob', SerialNumber: phone.serialNumber, ...twoCodes(phone.seed) }),
    );
    await expect(bob.secretsManager.send(new ListSecretsCommand({}))).rejects.toThrow(DENIED);

    const bobWithMfa = await withMfa(bob, phone.serialNumber, phone.seed);
    await bobWithMfa.secretsManager.send(new ListSecretsCommand({}));
    await bobWithMfa.iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber: brokenOff.serialNumber }));
    await bobWithMfa.iam.send(new DeactivateMFADeviceCommand({ UserName: 'Bob', SerialNumber: phone.serialNumber }));
    await bobWithMfa.iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber: phone.serialNumber }));

    expect(deployment.enabledFor('Bob')).toEqual([]);
  });
});
