import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeactivateMFADeviceCommand,
  DeleteVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  GetUserCommand,
  ListMFADevicesCommand,
  ListUsersCommand,
  ListVirtualMFADevicesCommand,
  ResyncMFADeviceCommand,
} from '@aws-sdk/client-iam';
import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { AssumeRoleCommand, GetSessionTokenCommand } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Clients, clientsOf, createAccessKey, credentialsOf } from '../../local-aws/test/callers';
import { codeAt, codesAt, createDevice, type Device, STEP } from '../../local-aws/test/strict-account';
import { Deployment } from './deployment';
import { mfaEnforcement } from './mfa-enforcement-app';

const DENIED = 'with an explicit deny in an identity-based policy';

/**
 * What mfa-enforcement-app.ts declares, deployed by the real CDK CLI; the account evaluates the policies as IAM does.
 * Bob and Alice are administrators: whatever is denied to them, MfaEnforcementPolicy denies.
 */
describe('MfaEnforcementPolicy, deployed', () => {
  let deployment: Deployment;
  const now = () => deployment.localAws.account.now();
  /** Lets time pass: a code is good for one use, and STS learns of a device some seconds after it was enabled. */
  const pass = (milliseconds: number) => deployment.localAws.account.advanceClock(milliseconds);
  const twoCodes = (seed: string) => codesAt(seed, now(), -1, 0);
  const withAccessKeyOf = async (userName: string) =>
    clientsOf(deployment.localAws, await createAccessKey(deployment.iam, userName));
  const withMfa = async ({ sts }: Clients, SerialNumber: string, seed: string) => {
    pass(STEP);
    const { Credentials } = await sts.send(
      new GetSessionTokenCommand({ SerialNumber, TokenCode: codeAt(seed, now()) }),
    );
    return clientsOf(deployment.localAws, credentialsOf(Credentials));
  };

  let bob: Clients;
  let alice: Clients;
  let alicesDevice: Device;

  beforeAll(async () => {
    deployment = await Deployment.start({}, mfaEnforcement);
    const { exitCode, output } = await deployment.deploy();
    expect(exitCode, output).toBe(0);
    bob = await withAccessKeyOf('Bob');
    alice = await withAccessKeyOf('Alice');
    const [stored] = await deployment.storedSeeds();
    if (stored === undefined) throw new Error('No seed is stored');
    alicesDevice = stored;
  });
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
          const { serialNumber, seed } = await createDevice(deployment.iam, `x${Date.now()}`);
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
      pass(2 * STEP);
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
      const { serialNumber, seed } = await createDevice(deployment.iam, 'Mallory');

      await expect(createDevice(alice.iam, 'Alice-2')).rejects.toThrow(DENIED);
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
    const brokenOff = await createDevice(bob.iam, 'Bob');
    await expect(createDevice(bob.iam, 'Bob')).rejects.toMatchObject({ name: 'EntityAlreadyExistsException' });
    const phone = await createDevice(bob.iam, 'Bob-phone');
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
