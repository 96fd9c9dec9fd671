import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Deployment } from './deployment';
import { interoperability } from './interoperability-app';

/** interoperability-app.ts, deployed into a region of China by the real CDK CLI. */
describe('in another partition, with a key, a boundary, tags and the CLI’s own credentials', () => {
  let deployment: Deployment;
  const devices = () => [...deployment.localAws.iam.virtualMfaDevices.values()];
  const tagsOfDevices = () => devices().map(({ tags }) => tags.get('team'));

  beforeAll(async () => {
    deployment = await Deployment.start({ partition: 'aws-cn', region: 'cn-north-1' }, interoperability);
  });
  afterAll(async () => {
    await deployment.stop();
  });

  test('a device is enabled, with its seed under the key', async () => {
    const { exitCode, output } = await deployment.deploy('protected=true');

    expect(exitCode, output).toBe(0);
    const [serialNumber] = deployment.enabledFor('Bob');
    expect(serialNumber).toMatch(/^arn:aws-cn:iam::123456789012:mfa\/staff\/Bob-\w+$/);
    expect(await deployment.storedSeeds()).toMatchObject([{ serialNumber, userName: 'Bob' }]);
    expect(tagsOfDevices()).toEqual(['platform']);
  });

  test('a stack with termination protection keeps it', async () => {
    const { exitCode, output } = await deployment.destroy('protected=true');

    expect(exitCode).toBe(1);
    expect(output).toContain('TerminationProtection is enabled');
    expect(deployment.enabledFor('Bob')).toHaveLength(1);
  });

  test('another tag changes the device in place', async () => {
    const [before] = devices();
    const { exitCode, output } = await deployment.deploy('team=security');

    expect(exitCode, output).toBe(0);
    expect(devices()).toEqual([before]);
    expect(tagsOfDevices()).toEqual(['security']);
  });

  test('the stack goes, and leaves no device', async () => {
    const { exitCode, output } = await deployment.destroy();

    expect(exitCode, output).toBe(0);
    expect(devices()).toEqual([]);
    expect(deployment.localAws.iam.users.all()).toEqual([]);
  });
});
