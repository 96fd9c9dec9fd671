import {
  CreateUserCommand,
  CreateVirtualMFADeviceCommand,
  DeactivateMFADeviceCommand,
  DeleteVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
} from '@aws-sdk/client-iam';
import { DeleteSecretCommand, ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { generateSync } from 'otplib/functional';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AwsError } from 'local-aws';
import { Deployment } from './deployment';
import { rareCases } from './rare-cases-app';

const KEY_OF_ANOTHER_ACCOUNT = 'keyArn=arn:aws:kms:us-east-1:999999999999:key/11111111-2222-3333-4444-555555555555';
const NO_SUCH_KEY = "Key 'arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555' does not exist";

/** Rare days of one stack, in the order they might come; the app is rare-cases-app.ts. */
describe('rare cases through the real CDK CLI', () => {
  let deployment: Deployment;
  const deviceOf = (userName: string) => {
    const [serialNumber = ''] = deployment.enabledFor(userName);
    return deployment.localAws.iam.device(serialNumber);
  };
  const handCreated = async (name: string) => {
    const { VirtualMFADevice } = await deployment.iam.send(
      new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: name }),
    );
    return deployment.localAws.iam.device(VirtualMFADevice?.SerialNumber ?? '');
  };

  beforeAll(async () => {
    // In one of them the function waits a minute, for a policy that may be late.
    deployment = await Deployment.start({ functionsPassTime: true }, rareCases);
  });
  afterAll(async () => {
    await deployment.stop();
  });

  test('an explicit name that someone else has taken is refused, and the other device stays untouched', async () => {
    const taken = await handCreated('Taken');

    const { exitCode, output } = await deployment.deploy('name=Taken');

    expect(exitCode).toBe(1);
    expect(output).toContain(taken.serialNumber);
    expect(output).toContain('Choose another virtualMfaDeviceName');
    expect([...deployment.localAws.iam.virtualMfaDevices.values()]).toEqual([taken]);
    expect(taken.tags.size).toBe(0);
    await deployment.destroy();
  });

  test('a key of another account does not get the seed of a new device: the deployment fails, and leaves nothing', async () => {
    const { exitCode, output } = await deployment.deploy(KEY_OF_ANOTHER_ACCOUNT);

    expect(exitCode).toBe(1);
    expect(output).toContain(NO_SUCH_KEY);
    expect(deployment.enabledFor('Bob')).toEqual([]);
    await deployment.destroy(KEY_OF_ANOTHER_ACCOUNT);
    expect(deployment.localAws.iam.users.all()).toEqual([]);
  });

  test('while a login profile is being created, enabling is tried again with fresh codes', async () => {
    const began = deployment.localAws.account.now();
    deployment.localAws.account.faults.inject({
      action: 'iam:EnableMFADevice',
      times: 3,
      answer: new AwsError(
        'EntityTemporarilyUnmodifiable',
        'MFA cannot be enabled while the Login Profile for principal Bob is being created',
        409,
      ),
    });

    const { exitCode } = await deployment.deploy('password=Sk8board-and-kite');

    expect(exitCode).toBe(0);
    expect(deployment.enabledFor('Bob')).toHaveLength(1);
    expect(deployment.handlerCalls(began).filter((call) => call.startsWith('iam:EnableMFADevice'))).toHaveLength(4);
  });

  test('tags and issuer change in place: same device, same seed', async () => {
    const before = deviceOf('Bob');
    const began = deployment.localAws.account.now();

    const { exitCode } = await deployment.deploy('team=platform', 'issuer=Example Corp');

    expect(exitCode).toBe(0);
    expect(deviceOf('Bob')).toBe(before);
    expect(before.tags.get('team')).toBe('platform');
    const [stored] = await deployment.storedSeeds();
    expect(stored?.seed).toBe(before.seed);
    expect(stored?.otpauthUri).toContain('issuer=Example%20Corp');
    expect(deployment.handlerCalls(began)).not.toContain('iam:CreateVirtualMFADevice');
    expect(deployment.handlerCalls(began)).not.toContain('iam:EnableMFADevice');
  });

  test('a key of another account does not get the seed of an existing device: the deployment fails', async () => {
    const before = await deployment.storedSeeds();

    const { exitCode, output } = await deployment.deploy(
      'team=platform',
      'issuer=Example Corp',
      KEY_OF_ANOTHER_ACCOUNT,
    );

    expect(exitCode).toBe(1);
    expect(output).toContain(NO_SUCH_KEY);
    expect(await deployment.storedSeeds()).toEqual(before);
    const { SecretList = [] } = await deployment.secretsManager.send(new ListSecretsCommand({}));
    expect(SecretList.map(({ KmsKeyId }) => KmsKeyId)).toEqual([undefined]);
  });

  test('another user gets a new device, and the former one loses the old', async () => {
    const before = deviceOf('Bob');

    const { exitCode } = await deployment.deploy('user=Alice', 'name=Named');

    expect(exitCode).toBe(0);
    expect(deployment.enabledFor('Bob')).toEqual([]);
    expect(deployment.localAws.iam.virtualMfaDevices.has(before.serialNumber)).toBe(false);
    const [stored] = await deployment.storedSeeds();
    expect(stored?.serialNumber).toBe(deviceOf('Alice').serialNumber);
    expect(stored?.seed).toBe(deviceOf('Alice').seed);
  });

  test('a rotation under the same explicit name is refused, and the rollback leaves everything as it was', async () => {
    const before = deviceOf('Alice');

    const { exitCode, output } = await deployment.deploy('user=Alice', 'name=Named', 'rotationId=2');

    expect(exitCode).toBe(1);
    expect(output).toContain('Give another virtualMfaDeviceName together with the change');
    // The CLI cuts the status to its column.
    expect(output).toContain('UPDATE_ROLLBACK_COMPLET');
    expect(output).not.toContain('UPDATE_ROLLBACK_FAILED');
    expect(deviceOf('Alice')).toBe(before);
    const [stored] = await deployment.storedSeeds();
    expect(stored?.seed).toBe(before.seed);
  });

  test('destroy works after device and secret were removed by hand', async () => {
    const { serialNumber } = deviceOf('Alice');
    await deployment.iam.send(new DeactivateMFADeviceCommand({ UserName: 'Alice', SerialNumber: serialNumber }));
    await deployment.iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber: serialNumber }));
    const { SecretList = [] } = await deployment.secretsManager.send(new ListSecretsCommand({}));
    for (const { ARN } of SecretList) {
      await deployment.secretsManager.send(
        new DeleteSecretCommand({ SecretId: ARN, ForceDeleteWithoutRecovery: true }),
      );
    }

    const { exitCode } = await deployment.destroy('user=Alice', 'name=Named');

    expect(exitCode).toBe(0);
    expect(deployment.localAws.iam.users.all()).toEqual([]);
  });

  test('the ninth device of a user is refused at once, and the message lists the eight', async () => {
    await deployment.iam.send(new CreateUserCommand({ UserName: 'Dora' }));
    for (let count = 1; count <= 8; count += 1) {
      const { serialNumber, seed } = await handCreated(`Dora${count}`);
      const epoch = Math.floor(Date.now() / 1000);
      await deployment.iam.send(
        new EnableMFADeviceCommand({
          UserName: 'Dora',
          SerialNumber: serialNumber,
          AuthenticationCode1: generateSync({ secret: seed, epoch: epoch - 30 }),
          AuthenticationCode2: generateSync({ secret: seed, epoch }),
        }),
      );
    }

    const { exitCode, output } = await deployment.deploy('existingUser=Dora');

    expect(exitCode).toBe(1);
    expect(output).toContain('IAM allows 8 for each user');
    for (let count = 1; count <= 8; count += 1) expect(output).toContain(`:mfa/Dora${count}`);
    expect(deployment.enabledFor('Dora')).toHaveLength(8);
    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(9);
    await deployment.destroy();
  });

  test('RETAIN keeps the device enabled, and its seed, when the stack is gone', async () => {
    await deployment.iam.send(new CreateUserCommand({ UserName: 'Erin' }));
    await deployment.deploy('existingUser=Erin', 'retain=yes');
    const device = deviceOf('Erin');

    const { exitCode } = await deployment.destroy('existingUser=Erin', 'retain=yes');

    expect(exitCode).toBe(0);
    expect(deviceOf('Erin')).toBe(device);
    const [stored] = await deployment.storedSeeds();
    expect(stored?.seed).toBe(device.seed);
  });
});
