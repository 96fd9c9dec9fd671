import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RealUser, ShippedFunction } from './shipped-function';

const CREATE_CALLS = [
  'iam:CreateVirtualMFADevice',
  'secretsmanager:PutSecretValue',
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'iam:EnableMFADevice',
];
const REPLACEMENT_CALLS = [...CREATE_CALLS, 'secretsmanager:UpdateSecretVersionStage'];
const DELETE_CALLS = [
  'secretsmanager:GetSecretValue',
  'secretsmanager:TagResource',
  'iam:ListMFADeviceTags',
  'iam:DeactivateMFADevice',
  'iam:DeleteVirtualMFADevice',
];
const IN_PLACE_CALLS = [
  'iam:ListMFADeviceTags',
  'secretsmanager:GetSecretValue',
  'iam:TagMFADevice',
  'secretsmanager:PutSecretValue',
  'secretsmanager:DescribeSecret',
  'secretsmanager:UpdateSecretVersionStage',
  'iam:ListMFADevices',
];
const MOMENTS = ['before', 'after'] as const;

const everyCrash = (calls: readonly string[]) => calls.flatMap((call) => MOMENTS.map((moment) => ({ call, moment })));

/** The shipped bundle in a real Node 24 process, killed at each of its calls; Lambda's own retry has to heal it. */
describe('a function that is killed', () => {
  let shipped: ShippedFunction;
  beforeAll(async () => {
    shipped = await ShippedFunction.start({ asyncRetryDelaysMilliseconds: [10, 10] });
  });
  afterAll(() => shipped.close());

  const killAt = (action: string, moment: 'before' | 'after') => {
    shipped.aws.account.faults.inject({
      action,
      moment,
      callerType: 'role',
      answer: 'connection reset',
      strike: () => shipped.kill(),
    });
  };

  /** The user has this device and no other; it is enabled, and its seed is current. */
  const holdsDevice = async (user: RealUser, serialNumber: unknown) => {
    expect(shipped.enabledFor(user)).toEqual([serialNumber]);
    expect(shipped.devicesFor(user)).toEqual([serialNumber]);
    const stored = await shipped.currentSeed(user);
    expect(stored.serialNumber).toBe(serialNumber);
    expect(shipped.aws.iam.device(stored.serialNumber).seed === stored.seed).toBe(true);
    return stored;
  };

  test.each(everyCrash(CREATE_CALLS))(
    '$moment $call creates one enabled device all the same',
    async ({ call, moment }) => {
      const user = await shipped.newUser();
      killAt(call, moment);

      const answer = await shipped.send({ RequestType: 'Create', ResourceProperties: user.properties });

      expect(answer.Status).toBe('SUCCESS');
      await holdsDevice(user, answer.PhysicalResourceId);
    },
  );

  test.each(everyCrash(REPLACEMENT_CALLS))(
    '$moment $call replaces the device all the same',
    async ({ call, moment }) => {
      const user = await shipped.newUser();
      const { properties } = user;
      const oldId = await shipped.created(properties);
      const rotated = { ...properties, RotationId: '2' };
      killAt(call, moment);

      const answer = await shipped.send({
        RequestType: 'Update',
        PhysicalResourceId: oldId,
        OldResourceProperties: properties,
        ResourceProperties: rotated,
      });
      // CloudFormation's clean-up.
      await shipped.send({ RequestType: 'Delete', PhysicalResourceId: oldId, ResourceProperties: properties });

      expect(answer.Status).toBe('SUCCESS');
      expect(answer.PhysicalResourceId).not.toBe(oldId);
      await holdsDevice(user, answer.PhysicalResourceId);
    },
  );

  test.each(everyCrash(IN_PLACE_CALLS))('$moment $call changes the device in place all the same', async (crash) => {
    const user = await shipped.newUser();
    const { properties } = user;
    const PhysicalResourceId = await shipped.created(properties);
    killAt(crash.call, crash.moment);

    const answer = await shipped.send({
      RequestType: 'Update',
      PhysicalResourceId,
      OldResourceProperties: properties,
      ResourceProperties: { ...properties, Issuer: 'Elsewhere', Tags: [{ Key: 'team', Value: 'red' }] },
    });

    expect(answer.Status).toBe('SUCCESS');
    expect(answer.PhysicalResourceId).toBe(PhysicalResourceId);
    const stored = await holdsDevice(user, PhysicalResourceId);
    expect(stored.otpauthUri).toContain('issuer=Elsewhere');
    expect(shipped.aws.iam.device(PhysicalResourceId).tags.get('team')).toBe('red');
  });

  test.each(everyCrash(IN_PLACE_CALLS.concat('iam:DeactivateMFADevice', 'iam:DeleteVirtualMFADevice')))(
    '$moment $call rolls a replacement back all the same',
    async (crash) => {
      const user = await shipped.newUser();
      const { properties } = user;
      const PhysicalResourceId = await shipped.created(properties);
      const rotated = { ...properties, RotationId: '2' };
      const replacement = { RequestType: 'Update', PhysicalResourceId, OldResourceProperties: properties };
      await shipped.completed({ ...replacement, ResourceProperties: rotated });
      killAt(crash.call, crash.moment);

      // CloudFormation did not wait for the answer to the update, and knows the old id alone.
      const rollback = { RequestType: 'Update', PhysicalResourceId, OldResourceProperties: rotated };
      const answer = await shipped.send({ ...rollback, ResourceProperties: properties });

      expect(answer.Status).toBe('SUCCESS');
      expect(answer.PhysicalResourceId).toBe(PhysicalResourceId);
      await holdsDevice(user, PhysicalResourceId);
    },
  );

  test.each(everyCrash(DELETE_CALLS))('$moment $call deletes the device all the same', async ({ call, moment }) => {
    const user = await shipped.newUser();
    const { userName, properties } = user;
    const PhysicalResourceId = await shipped.created(properties);
    killAt(call, moment);

    const answer = await shipped.send({ RequestType: 'Delete', PhysicalResourceId, ResourceProperties: properties });

    expect(answer.Status).toBe('SUCCESS');
    expect(shipped.devicesFor(user)).toEqual([]);
    await expect(shipped.aws.account.invoke('iam', 'DeleteUser', { UserName: userName })).resolves.toBeDefined();
  });
});
