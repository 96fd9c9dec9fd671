import { AwsError } from 'local-aws';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ENROLLMENT_TAG,
  LOGICAL_ID_TAG,
  SEED_VERSION_TAG,
  STACK_ID_TAG,
  WATCH_TAG,
} from '../../lambda/contract/own-tags';
import { PENDING_LABEL } from '../../lambda/contract/seed-version';
import type { WatchEvent } from '../../lambda/contract/watch';
import { STACK_ID, watchEventFor, writing } from './handler-stack';
import { Lifecycle, type TickRun } from './lifecycle';
import { Subject } from './subject';

const READS = [
  'secretsmanager:DescribeSecret',
  'iam:ListMFADeviceTags',
  'secretsmanager:GetSecretValue',
  'secretsmanager:DescribeSecret',
  'iam:ListMFADevices',
];
const NOTHING = {
  DevicesWatched: 1,
  DevicesNotAsDeclared: 0,
  DevicesRepaired: 0,
  DevicesNotChecked: 0,
  DevicesHeldOff: 0,
};

describe('a tick of the watch', () => {
  let lifecycle: Lifecycle;
  let subject: Subject;

  beforeAll(async () => {
    lifecycle = await Lifecycle.start();
  });
  afterAll(() => lifecycle.close());
  beforeEach(async () => {
    subject = await Subject.in(lifecycle);
    expect((await subject.create()).answer.Status).toBe('SUCCESS');
  });

  /** The messages of the log, without those of calls. */
  const told = ({ logLines }: TickRun) =>
    logLines
      .map((line) => JSON.parse(line) as Record<string, string>)
      .filter(({ action }) => action === undefined)
      .map(({ message, serialNumber, userName, found, did, reason }) => ({
        message,
        serialNumber,
        userName,
        found,
        did,
        reason,
      }));
  const finding = (found: string, rest: { did?: string; reason?: string } = {}) => ({
    message: `${rest.did === undefined ? 'Not as declared' : 'Not as declared, and repaired'}: ${found}`,
    serialNumber: subject.serialNumber(),
    userName: subject.userName,
    found,
    ...rest,
  });
  const overwriteCurrentSeed = (value = 'nonsense') =>
    subject.administrate('secretsmanager', 'PutSecretValue', {
      SecretId: subject.seedSecretArn,
      SecretString: value,
      ClientRequestToken: crypto.randomUUID(),
    });
  const tagsOf = () => Object.fromEntries(subject.device()?.tags ?? []);

  it('says and writes nothing where all is as declared, but for the metrics', async () => {
    const tick = await subject.tick({ repair: true, recreate: true });

    expect(tick.logLines).toEqual([]);
    expect(tick.actions).toEqual(READS);
    expect(tick.counts).toMatchObject({ ...NOTHING, StackName: 'users' });
    expect(tick.counts._aws).toEqual({
      Timestamp: lifecycle.clock.now(),
      CloudWatchMetrics: [
        {
          Namespace: 'cdk-iam-virtual-mfa',
          Dimensions: [['StackName']],
          Metrics: ['DevicesNotAsDeclared', 'DevicesRepaired', 'DevicesNotChecked'].map((Name) => ({
            Name,
            Unit: 'Count',
          })),
        },
      ],
    });
  });

  describe.each([
    {
      what: 'deactivated',
      make: () => subject.deactivate(),
      found: 'The device is not enabled for its user.',
      did: 'enabled the device, with its own seed',
    },
    {
      what: 'stripped of its tags',
      make: async () => {
        for (const key of [STACK_ID_TAG, LOGICAL_ID_TAG, ENROLLMENT_TAG, SEED_VERSION_TAG])
          subject.device()?.tags.delete(key);
      },
      found: 'The tags of the device are gone, or name another version of the secret.',
      did: 'set its tags',
    },
    {
      what: 'without its current seed, which somebody has overwritten',
      make: () => overwriteCurrentSeed(),
      found: "The secret's current value is not the device's seed.",
      did: 'made its seed current again',
    },
    {
      what: 'without its current seed, which somebody has overwritten twice, and deactivated',
      make: async () => {
        await subject.deactivate();
        await overwriteCurrentSeed();
        await overwriteCurrentSeed('more nonsense');
      },
      found: 'The device is not enabled for its user.',
      did: 'enabled the device, with its own seed; made its seed current again',
    },
  ])('of a device that is $what', ({ make, found, did }) => {
    it('only tells', async () => {
      await make();
      const before = structuredClone(subject.device());

      const tick = await subject.tick();

      expect(told(tick)).toEqual([finding(found)]);
      expect(tick.counts).toMatchObject({ ...NOTHING, DevicesNotAsDeclared: 1 });
      expect(writing(tick.actions)).toEqual([]);
      expect(subject.device()).toEqual(before);
    });

    it('puts it right with its own seed, tells so, and is silent from then on', async () => {
      const { seed, tags } = structuredClone(subject.device()) ?? {};
      const stored = await subject.stored();
      await make();

      const tick = await subject.tick({ repair: true });

      expect(told(tick)).toEqual([finding(found, { did })]);
      expect(tick.counts).toMatchObject({ ...NOTHING, DevicesNotAsDeclared: 1, DevicesRepaired: 1 });
      expect(subject.device()).toMatchObject({ seed, tags, assignment: { userName: subject.userName } });
      expect(await subject.stored()).toEqual(stored);
      expect(tick.logLines.join('')).not.toContain(seed);
      await subject.signIn();
      expect((await subject.tick({ repair: true })).logLines).toEqual([]);
    });
  });

  describe('of a device that was deleted', () => {
    const found = 'The device was deleted.';
    beforeEach(async () => {
      await subject.deactivate();
      await subject.administrate('iam', 'DeleteVirtualMFADevice', { SerialNumber: subject.serialNumber() });
    });

    it.each([{}, { repair: true }])('tells, and makes none (%j)', async (options) => {
      const tick = await subject.tick(options);

      expect(told(tick)).toEqual([finding(found)]);
      expect(writing(tick.actions)).toEqual([]);
    });

    it('makes it anew where it may', async () => {
      const before = await subject.stored();

      const tick = await subject.tick({ repair: true, recreate: true });

      const did = 'made the device anew, with a new seed: its owner needs it';
      expect(told(tick)).toEqual([finding(found, { did })]);
      expect((await subject.stored())?.seed).not.toBe(before?.seed);
      expect((await subject.stored())?.seed).toBe(subject.device()?.seed);
      await subject.signIn();
    });

    it('keeps the new one once it is enabled, whatever goes wrong then, and goes on at the next tick', async () => {
      const answer = new AwsError('InternalServiceError', 'On demand', 500);
      const action = 'secretsmanager:UpdateSecretVersionStage';
      lifecycle.aws.account.faults.inject({ action, answer, times: 1_000 });

      const failed = await subject.tick({ repair: true, recreate: true });
      const enabled = structuredClone(subject.device());
      lifecycle.aws.account.faults.clear();
      const next = await subject.tick({ repair: true });

      expect(told(failed).at(-1)?.message).toBe(`Not as declared: ${found}`);
      expect(enabled?.assignment?.userName).toBe(subject.userName);
      expect(told(next)[0]?.did).toBe('made its seed current again');
      expect((await subject.stored())?.seed).toBe(enabled?.seed);
      await subject.signIn();
    });

    it('makes none once its resource was deleted', async () => {
      await subject.delete();

      const tick = await subject.tick({ repair: true, recreate: true });

      expect(tick.logLines).toEqual([]);
      expect(writing(tick.actions)).toEqual([]);
    });

    it('leaves it alone if its secret says so', async () => {
      const Tags = [{ Key: WATCH_TAG, Value: 'off' }];
      await subject.administrate('secretsmanager', 'TagResource', { SecretId: subject.seedSecretArn, Tags });

      const tick = await subject.tick({ repair: true, recreate: true });

      expect(tick.logLines).toEqual([]);
      expect(tick.counts).toMatchObject({ ...NOTHING, DevicesHeldOff: 1 });
      expect(writing(tick.actions)).toEqual([]);
    });
  });

  it('leaves a device alone that an administrator has deactivated and tagged', async () => {
    await subject.deactivate();
    const Tags = [{ Key: WATCH_TAG, Value: 'off' }];
    await subject.administrate('iam', 'TagMFADevice', { SerialNumber: subject.serialNumber(), Tags });

    const tick = await subject.tick({ repair: true });

    expect(tick.logLines).toEqual([]);
    expect(tick.counts).toMatchObject({ ...NOTHING, DevicesHeldOff: 1 });
    expect(subject.enabledFor()).toEqual([]);
  });

  it.each([
    ['marked as another stack’s', [[STACK_ID_TAG, `${STACK_ID}-of-another`]]],
    ['without tags, and enabled for the same user', []],
  ] as const)('tells of somebody else’s device under the name, %s, and never touches it', async (_what, tags) => {
    subject.foreignDevice(subject.serialNumber(), { enabledFor: subject.userName, tags: tags.map(([k, v]) => [k, v]) });
    const before = structuredClone(subject.device());

    const tick = await subject.tick({ repair: true, recreate: true });

    expect(JSON.stringify(told(tick))).toContain("is not this resource's");
    expect(tick.counts).toMatchObject({ ...NOTHING, DevicesNotAsDeclared: 1 });
    expect(subject.device()).toEqual(before);
    expect(writing(tick.actions).filter((action) => action !== 'iam:ResyncMFADevice')).toEqual([]);
  });

  it('tells of a device that is enabled for somebody else, and leaves it there', async () => {
    await subject.deactivate();
    const device = subject.device();
    if (device) device.assignment = { userName: subject.otherUserName, enableDate: new Date() };

    const tick = await subject.tick({ repair: true });

    expect(told(tick)[0]?.reason).toContain('is enabled already, but not for the user');
    expect(subject.enabledFor(subject.otherUserName)).toEqual([subject.serialNumber()]);
  });

  it('tells of a device whose secret was deleted, and keeps the device', async () => {
    await subject.deactivate();
    const SecretId = subject.seedSecretArn;
    await subject.administrate('secretsmanager', 'DeleteSecret', { SecretId });

    const tick = await subject.tick({ repair: true, recreate: true });

    expect(told(tick)).toEqual([finding("The device's secret was deleted.")]);
    expect(subject.device()).toBeDefined();
  });

  it('tells of a user who was deleted', async () => {
    await subject.deactivate();
    await subject.administrate('iam', 'DeleteUser', { UserName: subject.userName });

    const tick = await subject.tick();

    expect(told(tick)).toEqual([finding('The user of the device was deleted.')]);
  });

  it('is silent in the hour after a deployment, whatever it finds', async () => {
    await subject.deactivate();
    lifecycle.clock.advance(59 * 60_000);

    const early = await lifecycle.tick(subject.watchEvent({ repair: true }));
    lifecycle.clock.advance(60_000);
    const late = await lifecycle.tick(subject.watchEvent({ repair: true }));

    expect(early.logLines).toEqual([]);
    expect(early.counts).toMatchObject(NOTHING);
    expect(writing(early.actions)).toEqual([]);
    expect(late.counts).toMatchObject({ DevicesRepaired: 1 });
  });

  it('touches nothing of a device that was replaced, and whose replacement the schedule does not know yet', async () => {
    lifecycle.clock.advance(2_000);
    await subject.update({}, { RotationId: '1' });
    await subject.deactivate(subject.serialNumber({ RotationId: '1' }));
    await subject.deactivate();

    const tick = await subject.tick({ repair: true, recreate: true });

    expect(told(tick)).toEqual([finding("The secret's latest seed is of a device that has replaced this one.")]);
    expect(writing(tick.actions)).toEqual([]);
  });

  it('leaves a device alone while its seed is rotated, and tells of a rotation that does not end', async () => {
    const ClientRequestToken = crypto.randomUUID();
    lifecycle.clock.advance(2 * 60 * 60_000);
    await subject.administrate('secretsmanager', 'PutSecretValue', {
      SecretId: subject.seedSecretArn,
      ClientRequestToken,
      SecretString: JSON.stringify(await subject.stored()),
      VersionStages: ['AWSPENDING'],
    });
    await subject.deactivate();

    const rotating = await subject.tick({ repair: true });
    lifecycle.clock.advance(24 * 60 * 60_000);
    const stuck = await subject.tick({ repair: true });

    expect(rotating.logLines).toEqual([]);
    expect(told(stuck)).toEqual([finding('A rotation of the seed has begun, and not ended.')]);
    expect([...writing(rotating.actions), ...writing(stuck.actions)]).toEqual([]);
  });

  it('leaves tags of the template and the issuer to deployments', async () => {
    await subject.update({}, { Issuer: 'Elsewhere', Tags: [{ Key: 'team', Value: 'blue' }] });
    subject.device()?.tags.set('team', 'red');

    const tick = await subject.tick({ repair: true });

    expect(tick.logLines).toEqual([]);
    expect(tagsOf()).toMatchObject({ team: 'red' });
  });

  it('puts right what a failed deployment has left, with its later version', async () => {
    lifecycle.aws.account.faults.clear();
    const versionId = `${new Date(lifecycle.clock.now() + 1_000).toISOString().replace(/[-:]|\.\d{3}/g, '')}-${subject.device()?.tags.get(SEED_VERSION_TAG)?.slice(17)}`;
    await subject.administrate('secretsmanager', 'PutSecretValue', {
      SecretId: subject.seedSecretArn,
      ClientRequestToken: versionId,
      SecretString: JSON.stringify(await subject.stored()),
      VersionStages: [PENDING_LABEL],
    });
    await subject.deactivate();

    const tick = await subject.tick({ repair: true });

    expect(tick.counts).toMatchObject({ DevicesRepaired: 1 });
    expect(subject.enabledFor()).toEqual([subject.serialNumber()]);
  });

  it('tells which properties are not valid, and goes on with the others', async () => {
    await subject.deactivate();
    lifecycle.clock.advance(2 * 60 * 60_000);
    const { Watch } = subject.watchEvent({ repair: true });
    const invalid = { LogicalResourceId: 'Invalid', ResourceProperties: { UserName: 'GEZDGNBVGY3TQOJQ:' } };

    const tick = await lifecycle.tick({ Watch: { ...Watch, Devices: [invalid, ...Watch.Devices] } });

    expect(tick.counts).toMatchObject({ DevicesWatched: 2, DevicesNotAsDeclared: 2 });
    expect(tick.logLines.join('')).toContain('The property user is not valid');
    expect(tick.logLines.join('')).not.toContain('GEZDGNBVGY3TQOJQ');
  });

  it('counts a device that IAM has no time for as not checked', async () => {
    const answer = new AwsError('Throttling', 'Rate exceeded', 400);
    lifecycle.aws.account.faults.inject({ action: 'iam:ListMFADeviceTags', answer, times: 100 });

    const tick = await subject.tick({ repair: true });

    expect(tick.counts).toMatchObject({ ...NOTHING, DevicesNotChecked: 1 });
    expect(told(tick)[0]?.message).toBe('The device was not checked');
    expect(tick.elapsedMilliseconds).toBeLessThan(11_000);
  });

  it('is refused if no schedule can have sent it, before any call', async () => {
    const { Watch } = subject.watchEvent();
    const forged: readonly (readonly [member: string, watch: unknown])[] = [
      ['Watch', null],
      ['StackId', { ...Watch, StackId: 'x'.repeat(200_000) }],
      ['StackName', { ...Watch, StackName: '{"level":"ERROR"}' }],
      ['Repair', { ...Watch, Repair: 'true' }],
      ['Recreate', { ...Watch, Recreate: 1 }],
      ['Devices', { ...Watch, Devices: Array.from({ length: 501 }, () => Watch.Devices[0]) }],
      ['Devices', { ...Watch, Devices: [null] }],
      ['Devices', { ...Watch, Devices: [{ LogicalResourceId: '../x', ResourceProperties: {} }] }],
    ];
    for (const [member, watch] of forged) {
      const tick = lifecycle.tick({ Watch: watch } as WatchEvent);
      await expect(tick).rejects.toThrow(new RegExp(`^The event's ${member} is not`));
    }
  });

  it('for another stack or another resource touches nothing', async () => {
    await subject.deactivate();
    const properties = subject.properties({ VirtualMFADeviceName: subject.serialNumber().split('/').at(-1) });
    const LogicalResourceId = subject.logicalId;
    lifecycle.clock.advance(2 * 60 * 60_000);

    for (const event of [
      watchEventFor(`${STACK_ID}-of-another`, [{ LogicalResourceId, properties }], true, true),
      watchEventFor(STACK_ID, [{ LogicalResourceId: 'Other', properties }], true, true),
    ]) {
      const tick = await lifecycle.tick(event);
      expect(tick.counts).toMatchObject({ DevicesNotAsDeclared: 1, DevicesRepaired: 0 });
    }
    expect(subject.enabledFor()).toEqual([]);
  });
});

describe('ticks over many devices', () => {
  let lifecycle: Lifecycle;
  beforeAll(async () => {
    lifecycle = await Lifecycle.start();
  });
  afterAll(() => lifecycle.close());

  it('look at all before they repair, tell the rest at the next tick, and begin elsewhere', async () => {
    const subjects: Subject[] = [];
    for (let count = 0; count < 8; count += 1) {
      const subject = await Subject.in(lifecycle);
      await subject.create();
      subjects.push(subject);
    }
    lifecycle.clock.advance(2 * 60 * 60_000);
    const devices = subjects.map((subject) => ({
      LogicalResourceId: subject.logicalId,
      properties: subject.properties(),
    }));
    const PolicyDocument = JSON.stringify({
      Statement: { Effect: 'Allow', Action: 'iam:ListMFADevices', Resource: '*' },
    });
    const policy = { RoleName: lifecycle.roleName, PolicyName: 'AllUsers', PolicyDocument };
    await lifecycle.aws.account.invoke('iam', 'PutRolePolicy', policy);
    // A quarter of a minute for each call: there is time for some of the devices.
    lifecycle.observer = () => lifecycle.clock.advance(15_000);
    const looked = new Set<string>();
    let seed = 1;
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;

    for (let ticks = 0; ticks < 12; ticks += 1) {
      const tick = await lifecycle.tick(watchEventFor(STACK_ID, devices, false, false), { random });
      const late = tick.logLines.map((line) => (JSON.parse(line) as Record<string, string>).logicalResourceId);
      expect(tick.counts.DevicesNotChecked).toBe(late.length);
      expect(late.length).toBeGreaterThan(0);
      for (const { LogicalResourceId } of devices) if (!late.includes(LogicalResourceId)) looked.add(LogicalResourceId);
    }

    expect(looked.size).toBe(8);
  });
});
