import { CreateVirtualMFADeviceCommand, EnableMFADeviceCommand } from '@aws-sdk/client-iam';
import { generateSync } from 'otplib/functional';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Deployment } from './deployment';
import { teardown } from './teardown-app';

const TOKEN = 'GAHT12345678';
const OTHERS_GO = 'others=go';

/** A user whom a stack deletes, and who has enrolled a phone and a hardware token by hand. */
describe('a user who enrolled devices by hand', () => {
  let deployment: Deployment;
  const users = () => deployment.localAws.iam.users.all().map(({ name }) => name);
  const virtualDevices = () => [...deployment.localAws.iam.virtualMfaDevices.keys()];

  async function enrollByHand(userName = 'Bob'): Promise<readonly string[]> {
    const command = new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: `phone-of-${userName}` });
    const { VirtualMFADevice: { SerialNumber = '' } = {} } = await deployment.iam.send(command);
    const { seed: secret } = deployment.localAws.iam.device(SerialNumber);
    const epoch = Math.floor(Date.now() / 1000);
    await deployment.iam.send(
      new EnableMFADeviceCommand({
        UserName: userName,
        SerialNumber,
        AuthenticationCode1: generateSync({ secret, epoch: epoch - 30 }),
        AuthenticationCode2: generateSync({ secret, epoch }),
      }),
    );
    deployment.localAws.iam.enableHardwareDevice(userName, TOKEN);
    return [SerialNumber, TOKEN];
  }

  async function deployed(...context: readonly string[]): Promise<readonly string[]> {
    const { exitCode } = await deployment.deploy(...context);
    expect(exitCode).toBe(0);
    return enrollByHand();
  }

  beforeEach(async () => {
    deployment = await Deployment.start({}, teardown);
  });
  afterEach(async () => {
    await deployment.stop();
  });

  test('keeps the stack from being deleted', async () => {
    const byHand = await deployed();

    const { exitCode, output } = await deployment.destroy();

    expect(exitCode).toBe(1);
    expect(output).toContain('must remove tokens from principal first');
    expect(users()).toEqual(['Bob']);
    expect(deployment.enabledFor('Bob')).toEqual(byHand);
  });

  test('goes with removeOtherDevicesWithUser, and leaves nothing', async () => {
    await deployed(OTHERS_GO);

    const { exitCode } = await deployment.destroy(OTHERS_GO);

    expect(exitCode).toBe(0);
    expect(users()).toEqual([]);
    expect(virtualDevices()).toEqual([]);
    expect(deployment.enabledFor('Bob')).toEqual([]);
  });

  test('goes with the option if an update removes the user, even the last one with the option', async () => {
    await deployed(OTHERS_GO);

    const { exitCode } = await deployment.deploy('user=none');

    expect(exitCode).toBe(0);
    expect(users()).toEqual(['Alice']);
    expect(virtualDevices()).toEqual(deployment.enabledFor('Alice'));
  });

  test('keeps the devices when only the option, or only the device, leaves the stack', async () => {
    const byHand = await deployed(OTHERS_GO);

    await deployment.deploy();
    expect(deployment.enabledFor('Bob')).toEqual(expect.arrayContaining([...byHand]));

    await deployment.deploy(OTHERS_GO);
    const { exitCode } = await deployment.deploy('device=none');
    expect(exitCode).toBe(0);
    expect(deployment.enabledFor('Bob')).toEqual(byHand);
  });

  test('keeps the devices when the declared one is replaced, and when that is rolled back', async () => {
    const byHand = await deployed(OTHERS_GO);

    const failed = await deployment.deploy(OTHERS_GO, 'rotationId=2', 'fails=yes');
    expect(failed.exitCode).toBe(1);
    expect(failed.output).toContain('UPDATE_ROLLBACK_COMPLET');
    const rotated = await deployment.deploy(OTHERS_GO, 'rotationId=2');
    expect(rotated.exitCode).toBe(0);

    expect(deployment.enabledFor('Bob')).toEqual(expect.arrayContaining([...byHand]));
    expect(deployment.enabledFor('Bob')).toHaveLength(3);
  });

  test('keeps the devices when another user takes the place of this one', async () => {
    const byHand = await deployed(OTHERS_GO);

    await deployment.deploy(OTHERS_GO, 'userName=Rob');

    expect(deployment.enabledFor('Rob')).toHaveLength(1);
    expect(deployment.enabledFor('Bob')).toEqual(byHand);
  });

  test('keeps the devices if the stack retains the user', async () => {
    const byHand = await deployed(OTHERS_GO, 'retainUser=yes');

    const { exitCode } = await deployment.destroy(OTHERS_GO, 'retainUser=yes');

    expect(exitCode).toBe(0);
    expect(users()).toEqual(['Bob']);
    expect(deployment.enabledFor('Bob')).toEqual(byHand);
    expect(deployment.handlerCalls()).not.toContain('cloudformation:DescribeStacks');
  });
});
