import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AwsError } from 'local-aws';
import { Deployment } from './deployment';
import { rareCases } from './rare-cases-app';

const run = promisify(execFile);
const hasAwsCli = spawnSync('aws', ['--version']).status === 0;

/** The runbook's way out of a teardown that failed, with the real CDK CLI and the real aws CLI. */
describe.runIf(hasAwsCli)('a stack whose deletion failed on a device', () => {
  let deployment: Deployment;
  const aws = async (...args: string[]) => {
    const { stdout } = await run('aws', [...args, '--output', 'json'], {
      env: { PATH: process.env.PATH, ...deployment.localAws.environment },
    });
    return stdout === '' ? undefined : (JSON.parse(stdout) as unknown);
  };
  /** Logical and physical ids of what could not be deleted. */
  const stuck = async () =>
    (await aws(
      ...['cloudformation', 'describe-stack-resources', '--stack-name', 'VirtualMfaStack', '--query'],
      "StackResources[?ResourceStatus=='DELETE_FAILED'].[ResourceType,LogicalResourceId,PhysicalResourceId]",
    )) as [type: string, logicalId: string, physicalId: string][];

  beforeAll(async () => {
    deployment = await Deployment.start({}, rareCases);
  });
  afterAll(async () => {
    await deployment.stop();
  });

  test('keeps the device and its user, and loses function, role and secret', async () => {
    const { localAws } = deployment;
    await deployment.deploy();
    const serialNumbers = deployment.enabledFor('Bob');
    localAws.account.faults.inject({
      action: 'iam:DeactivateMFADevice',
      times: Number.POSITIVE_INFINITY,
      answer: new AwsError('InvalidInput', 'on demand'),
    });

    const { exitCode, output } = await deployment.destroy();

    expect(exitCode).toBe(1);
    expect(output).toContain('DELETE_FAILED');
    expect(deployment.enabledFor('Bob')).toEqual(serialNumbers);
    const ids = await stuck();
    expect(ids.map(([type]) => type).sort()).toEqual(['AWS::IAM::User', 'Custom::IAMVirtualMFADevice']);
    expect(ids.map(([, , physicalId]) => physicalId)).toEqual(expect.arrayContaining(['Bob', ...serialNumbers]));
    expect(localAws.iam.users.find('Alice')).toBeUndefined();
    expect(localAws.iam.roles.all().filter(({ name }) => name.startsWith('VirtualMfaStack-'))).toEqual([]);
    expect(await deployment.storedSeeds()).toEqual([]);
  });

  test('cannot be deleted by trying again, though the cause is gone: the function is gone too', async () => {
    deployment.localAws.account.faults.clear();

    const { exitCode, output } = await deployment.destroy();

    expect(exitCode).toBe(1);
    expect(output).toContain('Function not found');
    expect(deployment.enabledFor('Bob')).toHaveLength(1);
  });

  test('is deleted with the device removed by hand and its resource retained', async () => {
    const [, logicalId = '', serialNumber = ''] = (await stuck()).find(([type]) => type.startsWith('Custom::')) ?? [];

    await aws('iam', 'deactivate-mfa-device', '--user-name', 'Bob', '--serial-number', serialNumber);
    await aws('iam', 'delete-virtual-mfa-device', '--serial-number', serialNumber);
    await aws('cloudformation', 'delete-stack', '--stack-name', 'VirtualMfaStack', '--retain-resources', logicalId);
    await aws('cloudformation', 'wait', 'stack-delete-complete', '--stack-name', 'VirtualMfaStack');

    const { iam } = deployment.localAws;
    expect(iam.users.all()).toEqual([]);
    expect(iam.virtualMfaDevices.size).toBe(0);
    expect((await deployment.deploy()).exitCode).toBe(0);
    expect((await deployment.destroy()).exitCode).toBe(0);
  });
});
