import {
  CreateUserCommand,
  CreateVirtualMFADeviceCommand,
  DeactivateMFADeviceCommand,
  DeleteUserCommand,
  DeleteVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  type IAMClient,
  ListMFADevicesCommand,
  TagMFADeviceCommand,
  UntagMFADeviceCommand,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { STACK_ID_TAG } from '../../lambda/contract/own-tags';
import { AwsError } from 'local-aws';
import { DEPLOY, Deployment } from './deployment';

/** Deploying takes seconds: the cases follow one another on one account, as a team's days do. */
describe('through the real CDK CLI', () => {
  let deployment: Deployment;
  const seedsSeen = new Set<string>();
  const rememberSeeds = async () => {
    for (const { seed } of await deployment.storedSeeds()) seedsSeen.add(seed);
  };

  beforeAll(async () => {
    deployment = await Deployment.start();
  });
  afterAll(async () => {
    await deployment.stop();
  });

  test('a failed create leaves no device, and says what IAM refused', async () => {
    deployment.localAws.account.faults.inject({
      action: 'iam:EnableMFADevice',
      times: 1,
      answer: new AwsError('LimitExceeded', 'Cannot exceed quota for MFADevicesPerUser: 8', 409),
    });

    const { exitCode, output } = await deployment.deploy('users=Bob');

    expect(exitCode).toBe(1);
    expect(output).toContain('IAM reports a quota as reached, although the user Bob has 0 of the 8 MFA devices');
    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(0);
    expect(deployment.localAws.iam.users.all()).toEqual([]);
    await deployment.destroy('users=Bob');
  });

  test('cdk deploy gives each user an enabled device, in five calls each', async () => {
    const began = Date.now();

    const { exitCode } = await deployment.cdkWithApp(DEPLOY, 'users=Bob,Alice');

    expect(exitCode).toBe(0);
    await rememberSeeds();
    expect(deployment.enabledFor('Bob')).toHaveLength(1);
    expect(deployment.enabledFor('Alice')).toHaveLength(1);
    expect([...deployment.handlerCalls(began)].sort()).toEqual(
      [
        'iam:CreateVirtualMFADevice',
        'secretsmanager:PutSecretValue',
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
        'iam:EnableMFADevice',
      ]
        .flatMap((action) => [action, action])
        .sort(),
    );
  });

  test('the stored seeds are those of the enabled devices', async () => {
    const stored = await deployment.storedSeeds();

    for (const { serialNumber, userName, seed } of stored) {
      expect(deployment.enabledFor(userName)).toEqual([serialNumber]);
      expect(deployment.localAws.iam.device(serialNumber).seed).toBe(seed);
    }
    expect(stored).toHaveLength(2);
  });

  describe('the handler’s role', () => {
    const ANOTHER_STACK = 'arn:aws:cloudformation:us-east-1:123456789012:stack/another/1';
    let iam: IAMClient;
    let SerialNumber = '';

    beforeAll(async () => {
      iam = deployment.iamOfHandler();
      const { VirtualMFADevice } = await deployment.iam.send(
        new CreateVirtualMFADeviceCommand({
          VirtualMFADeviceName: 'of-another-stack',
          Tags: [{ Key: STACK_ID_TAG, Value: ANOTHER_STACK }],
        }),
      );
      SerialNumber = VirtualMFADevice?.SerialNumber ?? '';
      await deployment.iam.send(new CreateUserCommand({ UserName: 'Mallory' }));
    });
    afterAll(async () => {
      iam.destroy();
      await deployment.iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber }));
      await deployment.iam.send(new DeleteUserCommand({ UserName: 'Mallory' }));
    });

    const ownMark = () => [
      { Key: STACK_ID_TAG, Value: deployment.localAws.iam.device(enabledOf('Bob')).tags.get(STACK_ID_TAG) },
    ];
    const enabledOf = (userName: string) => deployment.enabledFor(userName)[0] ?? '';
    const refused = { name: 'AccessDenied' };

    test('may not delete, mark or unmark a device of another stack', async () => {
      await expect(iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber }))).rejects.toMatchObject(refused);
      await expect(iam.send(new TagMFADeviceCommand({ SerialNumber, Tags: ownMark() }))).rejects.toMatchObject(refused);
      const unmark = new UntagMFADeviceCommand({ SerialNumber, TagKeys: [STACK_ID_TAG] });
      await expect(iam.send(unmark)).rejects.toMatchObject(refused);
      expect(deployment.localAws.iam.device(SerialNumber).tags.get(STACK_ID_TAG)).toBe(ANOTHER_STACK);
    });

    test('may not create a device in another stack’s name, nor one that nobody owns', async () => {
      const create = (Tags: { Key: string; Value: string }[]) =>
        iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: 'mine', Tags }));

      await expect(create([{ Key: STACK_ID_TAG, Value: ANOTHER_STACK }])).rejects.toMatchObject(refused);
      await expect(create([])).rejects.toMatchObject(refused);
    });

    test('may not enable, deactivate or list devices of a user outside the stack', async () => {
      const UserName = 'Mallory';
      const codes = { AuthenticationCode1: '000000', AuthenticationCode2: '000000' };
      const enable = new EnableMFADeviceCommand({ UserName, SerialNumber, ...codes });

      await expect(iam.send(enable)).rejects.toMatchObject(refused);
      await expect(iam.send(new DeactivateMFADeviceCommand({ UserName, SerialNumber }))).rejects.toMatchObject(refused);
      await expect(iam.send(new ListMFADevicesCommand({ UserName }))).rejects.toMatchObject(refused);
    });

    test('may list the devices of the stack’s own users', async () => {
      const { MFADevices } = await iam.send(new ListMFADevicesCommand({ UserName: 'Bob' }));

      expect(MFADevices?.map((device) => device.SerialNumber)).toEqual(deployment.enabledFor('Bob'));
    });
  });

  test('cdk diff sees no difference, and a second deploy changes nothing', async () => {
    const began = Date.now();

    const diff = await deployment.cdk(['diff'], 'users=Bob,Alice');
    const again = await deployment.deploy('users=Bob,Alice');

    expect(diff.output).toContain('There were no differences');
    expect(again.output).toContain('(no changes)');
    expect(deployment.handlerCalls(began)).toEqual([]);
  });

  test('a failed rotation rolls back to the devices and seeds as they were', async () => {
    const before = await deployment.storedSeeds();
    deployment.localAws.account.faults.inject({
      action: 'iam:EnableMFADevice',
      times: 2,
      answer: new AwsError('LimitExceeded', 'Cannot exceed quota for MFADevicesPerUser: 8', 409),
    });

    const { exitCode } = await deployment.deploy('users=Bob,Alice', 'rotationId=failing');

    expect(exitCode).toBe(1);
    expect(await deployment.storedSeeds()).toEqual(before);
    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(2);
    for (const { serialNumber, userName } of before) expect(deployment.enabledFor(userName)).toEqual([serialNumber]);
  });

  test('a rotation replaces device and seed, and the new seed is current', async () => {
    const before = await deployment.storedSeeds();

    const { exitCode } = await deployment.deploy('users=Bob,Alice', 'rotationId=2');

    expect(exitCode).toBe(0);
    await rememberSeeds();
    const after = await deployment.storedSeeds();
    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(2);
    for (const { seed, serialNumber, userName } of after) {
      expect(before.map((stored) => stored.seed)).not.toContain(seed);
      expect(deployment.enabledFor(userName)).toEqual([serialNumber]);
      expect(deployment.localAws.iam.device(serialNumber).seed).toBe(seed);
    }
  });

  test('a user removed from the app goes with the device, though the role no longer names that user', async () => {
    const { exitCode } = await deployment.deploy('users=Bob', 'rotationId=2');

    expect(exitCode).toBe(0);
    expect(deployment.localAws.iam.users.all().map(({ name }) => name)).toEqual(['Bob']);
    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(1);
  });

  test('a device deleted by hand is no obstacle to the next deploy, nor to destroy', async () => {
    const [serialNumber = ''] = deployment.enabledFor('Bob');
    await deployment.iam.send(new DeactivateMFADeviceCommand({ UserName: 'Bob', SerialNumber: serialNumber }));
    await deployment.iam.send(new DeleteVirtualMFADeviceCommand({ SerialNumber: serialNumber }));

    const deployed = await deployment.deploy('users=Bob,Carol', 'rotationId=2');
    await rememberSeeds();
    const destroyed = await deployment.destroy('users=Bob,Carol', 'rotationId=2');

    expect(deployed.exitCode).toBe(0);
    expect(destroyed.exitCode).toBe(0);
    expect(deployment.localAws.iam.users.all()).toEqual([]);
    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(0);
    expect(deployment.localAws.iam.managedPolicies.size).toBe(0);
    expect(await deployment.storedSeeds()).toEqual([]);
  });

  test('no seed was ever printed, logged, answered or written to a template', () => {
    const text = deployment.everythingPublic();

    // Two users, their rotation, and the third user: five enrolments succeeded.
    expect(seedsSeen.size).toBe(5);
    for (const seed of seedsSeen) {
      expect(seed).toMatch(/^[A-Z2-7]{64}$/);
      expect(text.includes(seed)).toBe(false);
    }
    // The search would find one: the handler's log, its answers, the templates and the CLI's words are all in the text.
    for (const sign of [
      '"action":"iam:EnableMFADevice"',
      'PhysicalResourceId',
      'AWS::IAM::ManagedPolicy',
      'CREATE_COMPLETE',
    ]) {
      expect(text.includes(sign)).toBe(true);
    }
  });
});
