import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ADOPTED_TAG,
  EXISTING_SEED_FIELD_TAG,
  EXISTING_SEED_TAG,
  LOGICAL_ID_TAG,
  SEED_VERSION_TAG,
  STACK_ID_TAG,
  USER_NAME_TAG,
} from '../../lambda/contract/own-tags';
import { ACCOUNT_ID, iamWrites, KNOWN_SEED, type Properties, STACK_ID } from './handler-stack';
import { Lifecycle, type Run } from './lifecycle';
import { Subject } from './subject';

const OTHER_SEED = 'MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43UOV3HO6DZPI';
const MINUTE = 60_000;

/** Devices that a script, another tool or a person made, and whose seed somebody has. */
describe('a device that exists', () => {
  let lifecycle: Lifecycle;
  beforeAll(async () => {
    lifecycle = await Lifecycle.start();
  });
  afterAll(() => lifecycle.close());

  const tagsOf = (subject: Subject) => subject.device(subject.existingSerialNumber)?.tags;
  const holderOf = (subject: Subject) => subject.device(subject.existingSerialNumber)?.assignment?.userName;

  async function unassigned(secretString?: string) {
    const subject = await Subject.in(lifecycle);
    return { subject, existing: await subject.existingDevice({}, secretString) };
  }

  async function enabledForItsUser(secretString?: string) {
    const subject = await Subject.in(lifecycle);
    return { subject, existing: await subject.existingDevice({ enabledFor: subject.userName }, secretString) };
  }

  const fails = ({ answer }: Run, reason: string) => {
    expect(answer).toMatchObject({ Status: 'FAILED' });
    expect(answer.Reason).toContain(reason);
  };
  const succeeds = ({ answer }: Run, subject: Subject) => {
    expect(answer.Reason).toBeUndefined();
    expect(answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: subject.existingSerialNumber });
  };

  async function holds(subject: Subject, existing: Properties) {
    const serialNumber = subject.existingSerialNumber;
    expect(subject.serialNumber(existing)).toBe(serialNumber);
    expect(subject.ownDevices()).toEqual([serialNumber]);
    expect(holderOf(subject)).toBe(subject.userName);
    expect(await subject.stored()).toMatchObject({ serialNumber, userName: subject.userName, seed: KNOWN_SEED });
    await subject.signIn(serialNumber);
  }

  describe('is adopted', () => {
    it('by enabling it with the codes of its seed, where it is enabled for nobody', async () => {
      const { subject, existing } = await unassigned();

      const run = await subject.create(existing);

      succeeds(run, subject);
      // docs/performance.md states how many these are.
      expect(run.actions).toEqual([
        'iam:ListMFADevices',
        'iam:ListMFADeviceTags',
        'iam:ListVirtualMFADevices',
        'iam:ListMFADeviceTags',
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
        'iam:TagMFADevice',
        'secretsmanager:PutSecretValue',
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
        'iam:EnableMFADevice',
        'iam:ListMFADeviceTags',
        'secretsmanager:DescribeSecret',
      ]);
      expect(run.answer.Data).toMatchObject({ VirtualMFADeviceName: `phone-of-${subject.userName}` });
      expect(tagsOf(subject)?.get(ADOPTED_TAG)).toBe('unassigned');
      await holds(subject, existing);
    });

    it('by a proof, and nothing that its owner notices, where it is enabled for the user already', async () => {
      const { subject, existing } = await enabledForItsUser();
      const enabledAt = subject.device(subject.existingSerialNumber)?.assignment?.enableDate;

      const run = await subject.create(existing);

      succeeds(run, subject);
      expect(run.actions).toEqual([
        'iam:ListMFADevices',
        'iam:ListMFADeviceTags',
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
        'iam:ResyncMFADevice',
        'iam:TagMFADevice',
        'secretsmanager:PutSecretValue',
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
      ]);
      expect(tagsOf(subject)?.get(ADOPTED_TAG)).toBe('enabled');
      expect(subject.device(subject.existingSerialNumber)?.assignment?.enableDate).toEqual(enabledAt);
      await holds(subject, existing);
    });

    it.each([
      ['in groups and small letters, as a console shows it', 'gezd gnbv gy3t qojq gezd-gnbv-gy3t-qojq\n', undefined],
      ['in a member of JSON', JSON.stringify({ user: 'bob', totp: KNOWN_SEED }), 'totp'],
    ])('with a seed that is stored %s', async (_how, secretString, SeedField) => {
      const { subject, existing } = await unassigned(secretString);
      const properties = { Existing: { ...existing.Existing, ...(SeedField && { SeedField }) } };

      succeeds(await subject.create(properties), subject);

      await holds(subject, properties);
    });

    it('by an update, in place of a device that was made', async () => {
      const { subject, existing } = await unassigned();
      await subject.create();
      const made = subject.serialNumber();

      succeeds(await subject.update({}, existing), subject);
      await subject.delete(made);

      await holds(subject, existing);
    });

    it('by a second run, where the first one died right after it had enabled the device', async () => {
      const { subject, existing } = await unassigned();
      lifecycle.observer = (action, place) => {
        if (action === 'iam:EnableMFADevice') lifecycle.interruption = { place, moment: 'after', what: 'death' };
      };
      const event = subject.event({ RequestType: 'Create' }, existing);
      await subject.tagSecret(event.ResourceProperties);
      await lifecycle.run(event);
      lifecycle.observer = undefined;
      lifecycle.interruption = undefined;
      lifecycle.clock.advance(MINUTE);

      succeeds(await lifecycle.run(event), subject);

      expect(tagsOf(subject)?.get(ADOPTED_TAG)).toBe('unassigned');
      await holds(subject, existing);
    });
  });

  describe('stays as it was, and the deployment fails,', () => {
    async function isRefused(subject: Subject, existing: Properties, reason: string, allowed: readonly string[] = []) {
      const before = structuredClone(subject.device(subject.existingSerialNumber));

      const run = await subject.create(existing);

      fails(run, reason);
      expect(iamWrites(run.actions).filter((action) => !allowed.includes(action))).toEqual([]);
      expect(subject.device(subject.existingSerialNumber)).toEqual(before);
      const said = [...run.answers, ...run.logLines].join('');
      [KNOWN_SEED, OTHER_SEED].forEach((seed) => expect(said.includes(seed)).toBe(false));
      // CloudFormation's clean-up.
      const { PhysicalResourceId } = run.answer;
      expect((await subject.delete(PhysicalResourceId, existing)).answer.Status).toBe('SUCCESS');
      expect(subject.device(subject.existingSerialNumber)).toEqual(before);
    }

    it('where IAM refuses the codes at the enabling', async () => {
      const { subject, existing } = await unassigned(OTHER_SEED);

      const passing = ['iam:TagMFADevice', 'iam:EnableMFADevice', 'iam:UntagMFADevice'];
      await isRefused(subject, existing, 'it is not the seed of the device', passing);
    });

    it('where IAM refuses the codes at the proof', async () => {
      const { subject, existing } = await enabledForItsUser(OTHER_SEED);

      await isRefused(subject, existing, 'it is not the seed of the device', ['iam:ResyncMFADevice']);
    });

    it('where it is enabled for another user', async () => {
      const subject = await Subject.in(lifecycle);
      const existing = await subject.existingDevice({ enabledFor: subject.otherUserName });

      await isRefused(subject, existing, `is enabled already, but not for the user ${subject.userName}`);
    });

    it('where another stack has marked it', async () => {
      const subject = await Subject.in(lifecycle);
      const existing = await subject.existingDevice({ tags: [[STACK_ID_TAG, `${STACK_ID}-of-another`]] });

      await isRefused(subject, existing, 'its tags say that it belongs to another resource');
    });

    it('where another resource of the stack has marked it', async () => {
      const subject = await Subject.in(lifecycle);
      const tags = [
        [STACK_ID_TAG, STACK_ID],
        [LOGICAL_ID_TAG, 'Another'],
      ] as const;
      const existing = await subject.existingDevice({ tags: tags.map(([key, value]) => [key, value]) });

      await isRefused(subject, existing, 'its tags say that it belongs to another resource');
    });

    it.each([
      ['no seed', 'hello'],
      ['JSON, where no member is named', JSON.stringify({ seed: KNOWN_SEED })],
    ])('where the secret holds %s', async (_what, secretString) => {
      const { subject, existing } = await unassigned(secretString);

      await isRefused(subject, existing, 'holds no seed; allowed: text of 26 to 256 characters of base32');
    });

    it.each([
      ['no JSON', 'hello'],
      ['another member', JSON.stringify({ other: KNOWN_SEED })],
      ['null', 'null'],
    ])('where the secret has not the member that is named, but %s', async (_what, secretString) => {
      const { subject, existing } = await unassigned(secretString);
      const properties = { Existing: { ...existing.Existing, SeedField: 'seed' } };

      await isRefused(subject, properties, 'holds no seed; allowed: text of 26 to 256 characters of base32');
    });

    it('where the secret is gone', async () => {
      const { subject, existing } = await unassigned();
      const SecretId = existing.Existing.SeedSecretArn;
      await subject.administrate('secretsmanager', 'DeleteSecret', { SecretId });

      await isRefused(subject, existing, 'has no value, or was deleted');
    });
  });

  it('has to be there', async () => {
    const { subject, existing } = await unassigned();
    subject.aws.iam.virtualMfaDevices.delete(subject.existingSerialNumber);

    const run = await subject.create(existing);

    fails(run, `There is no virtual MFA device ${subject.existingSerialNumber} to adopt`);
    expect(iamWrites(run.actions)).toEqual([]);
  });

  it.each([
    ['a hardware token', { SerialNumber: 'GAHT12345678' }, 'a hardware token or a passkey cannot be adopted'],
    ['a passkey', { SerialNumber: `arn:aws:iam::${ACCOUNT_ID}:u2f/user/bob/key-ABC` }, 'nobody can read its seed'],
    ['another account', { SerialNumber: 'arn:aws:iam::999999999999:mfa/phone' }, "of the stack's account"],
    ['another partition', { SerialNumber: `arn:aws-cn:iam::${ACCOUNT_ID}:mfa/phone` }, "of the stack's account"],
    ['no secret', { SeedSecretArn: KNOWN_SEED }, 'existing.seed is not valid: got a text of 32 characters'],
    ['an empty member', { SeedField: '' }, 'existing.seedField is not valid: got an empty text'],
  ])('has to be a virtual device of the account: %s is refused before any call', async (_what, changes, reason) => {
    const { subject, existing } = await unassigned();

    const run = await subject.create({ Existing: { ...existing.Existing, ...changes } });

    fails(run, reason);
    expect(run.actions).toEqual([]);
  });

  describe('and somebody who invokes the function with a forged event', () => {
    it('cannot have the seed of another resource copied', async () => {
      const alice = await Subject.in(lifecycle);
      await alice.create();
      const seed = (await alice.stored())?.seed;
      const bob = await Subject.in(lifecycle);
      bob.foreignDevice(bob.existingSerialNumber, { tags: [] });
      const source = { SerialNumber: bob.existingSerialNumber, SeedSecretArn: alice.seedSecretArn, SeedField: 'seed' };

      const run = await lifecycle.run(bob.event({ RequestType: 'Create' }, { Existing: source }));

      fails(run, 'do not name this resource and this user');
      expect(run.actions).not.toContain('secretsmanager:GetSecretValue');
      const pending = await bob.stored('cdk-iam-virtual-mfa-pending');
      expect(pending?.seed === seed).toBe(false);
    });

    it('cannot have a device of a known seed enabled for a user whose device the template does not adopt', async () => {
      const eve = await Subject.in(lifecycle);
      const known = await eve.existingDevice();
      const alice = await Subject.in(lifecycle);
      await alice.create();
      lifecycle.clock.advance(MINUTE);

      const run = await lifecycle.run(alice.event({ RequestType: 'Create' }, known));

      fails(run, 'do not name this resource and this user');
      expect(alice.enabledFor()).toEqual([alice.serialNumber()]);
    });
  });

  describe('that was adopted', () => {
    async function adopted(found: 'unassigned' | 'enabled', changes: Properties = {}) {
      const { subject, existing } = found === 'enabled' ? await enabledForItsUser() : await unassigned();
      subject.device(subject.existingSerialNumber)?.tags.set('phone', 'old');
      const before = structuredClone(subject.device(subject.existingSerialNumber));
      const properties = { ...existing, ...changes };
      succeeds(await subject.create(properties), subject);
      return { subject, properties, before };
    }
    const isAsFound = (subject: Subject, before: unknown) => {
      const { lastPairTimeStep: _used, ...device } =
        structuredClone(subject.device(subject.existingSerialNumber)) ?? {};
      expect(device).toEqual(before);
    };

    it.each(['unassigned', 'enabled'] as const)(
      'is left as it was found, %s, when it leaves the stack',
      async (found) => {
        const { subject, properties, before } = await adopted(found, { Tags: [{ Key: 'team', Value: 'red' }] });

        const run = await subject.delete(subject.existingSerialNumber, properties);

        succeeds(run, subject);
        isAsFound(subject, before);
        expect(await subject.stored()).toMatchObject({ seed: KNOWN_SEED });
      },
    );

    it('can be adopted by another stack then', async () => {
      const { subject, properties } = await adopted('enabled');
      await subject.delete(subject.existingSerialNumber, properties);
      const secret = await subject.administrate('secretsmanager', 'CreateSecret', {
        Name: `another-seed-${subject.userName}`,
        Tags: [
          { Key: STACK_ID_TAG, Value: STACK_ID },
          { Key: LOGICAL_ID_TAG, Value: 'Another' },
          { Key: USER_NAME_TAG, Value: subject.userName },
          { Key: EXISTING_SEED_TAG, Value: (properties['Existing'] as { SeedSecretArn: string }).SeedSecretArn },
          { Key: EXISTING_SEED_FIELD_TAG, Value: '' },
        ],
      });
      const event = subject.event({ RequestType: 'Create' }, { ...properties, SeedSecretArn: secret['ARN'] });
      lifecycle.clock.advance(MINUTE);

      const run = await lifecycle.run({ ...event, LogicalResourceId: 'Another' });

      succeeds(run, subject);
      expect(tagsOf(subject)?.get(LOGICAL_ID_TAG)).toBe('Another');
    });

    it('is deleted only where the stack says so', async () => {
      const { subject, properties } = await adopted('enabled');
      const deleting = { Existing: { ...(properties['Existing'] as object), DeleteDevice: 'true' } };
      succeeds(await subject.update(properties, deleting), subject);

      await subject.delete(subject.existingSerialNumber, deleting);

      expect(subject.device(subject.existingSerialNumber)).toBeUndefined();
    });

    it('is never deleted where its properties cannot be read any more', async () => {
      const { subject, before } = await adopted('enabled');

      const run = await subject.delete(subject.existingSerialNumber, {
        Existing: { SerialNumber: 'x' },
        Issuer: 'a:b',
      });

      succeeds(run, subject);
      expect(holderOf(subject)).toBe(before?.assignment?.userName);
    });

    it('is left as it was found when the replacement that adopted it is rolled back', async () => {
      const { subject, existing } = await unassigned();
      const before = structuredClone(subject.device(subject.existingSerialNumber));
      await subject.create();
      const made = subject.serialNumber();
      succeeds(await subject.update({}, existing), subject);

      const rollback = await subject.update(existing, {}, made);

      expect(rollback.answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: made });
      expect(subject.enabledFor()).toEqual([made]);
      isAsFound(subject, before);
      await subject.signIn(made);
    });

    it('changes in place, and its given seed is not read again', async () => {
      const { subject, properties } = await adopted('unassigned');
      const secretArn = (properties['Existing'] as { SeedSecretArn: string }).SeedSecretArn;
      await subject.administrate('secretsmanager', 'DeleteSecret', { SecretId: secretArn });
      const renamed = { ...properties, Issuer: 'Elsewhere', Tags: [{ Key: 'team', Value: 'red' }] };

      succeeds(await subject.update(properties, renamed), subject);

      expect(tagsOf(subject)?.get('team')).toBe('red');
      expect(tagsOf(subject)?.get(ADOPTED_TAG)).toBe('unassigned');
      expect((await subject.stored())?.otpauthUri).toContain('issuer=Elsewhere');
      await holds(subject, renamed);
    });

    it('stays the resource’s own when existing is removed and the name stays', async () => {
      const { subject, properties } = await adopted('unassigned');
      const named = { VirtualMFADeviceName: `phone-of-${subject.userName}`, Path: '/phones/' };

      succeeds(await subject.update(properties, named), subject);

      await holds(subject, named);
    });

    it('is enabled again with its given seed where the copy of the seed is lost', async () => {
      const { subject, properties } = await adopted('unassigned');
      await subject.deactivate(subject.existingSerialNumber);
      tagsOf(subject)?.set(SEED_VERSION_TAG, 'lost');
      lifecycle.clock.advance(MINUTE);

      const run = await subject.update(properties, { ...properties, Issuer: 'Elsewhere' });

      succeeds(run, subject);
      await holds(subject, properties);
    });

    it('is told missing, and no other is made, once somebody has deleted it', async () => {
      const { subject, properties } = await adopted('unassigned');
      await subject.deactivate(subject.existingSerialNumber);
      subject.aws.iam.virtualMfaDevices.delete(subject.existingSerialNumber);

      const run = await subject.update(properties, { ...properties, Issuer: 'Elsewhere' });

      fails(run, 'There is no virtual MFA device');
      expect(iamWrites(run.actions)).toEqual([]);
    });

    describe('and is watched,', () => {
      const tick = async (subject: Subject, properties: Properties) => {
        lifecycle.clock.advance(120 * MINUTE);
        const options = { repair: true, recreate: true };
        return lifecycle.tick(subject.watchEvent(options, subject.properties(properties)));
      };

      it('is enabled again with its own seed, once somebody has deactivated it', async () => {
        const { subject, properties } = await adopted('unassigned');
        await subject.deactivate(subject.existingSerialNumber);

        const { counts } = await tick(subject, properties);

        expect(counts).toMatchObject({ DevicesNotAsDeclared: 1, DevicesRepaired: 1 });
        await holds(subject, properties);
      });

      it('is told missing, once somebody has deleted it, and not made anew', async () => {
        const { subject, properties } = await adopted('unassigned');
        await subject.deactivate(subject.existingSerialNumber);
        subject.aws.iam.virtualMfaDevices.delete(subject.existingSerialNumber);

        const { counts, logLines, actions } = await tick(subject, properties);

        expect(counts).toMatchObject({ DevicesNotAsDeclared: 1, DevicesRepaired: 0 });
        expect(logLines.join('')).toContain('There is no virtual MFA device');
        expect(iamWrites(actions)).toEqual([]);
      });
    });

    it('cannot go to another user under its serial number', async () => {
      const { subject, properties } = await adopted('unassigned');

      const run = await subject.update(properties, { ...properties, UserName: subject.otherUserName });

      fails(run, 'virtualMfaDeviceName or existing gives it the serial number of the old one');
      await holds(subject, properties);
    });

    it('is rotated like any other, and is kept then', async () => {
      const { subject, properties } = await adopted('enabled');

      const runs = await subject.rotate();

      expect(runs.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded']);
      expect((await subject.stored())?.seed).not.toBe(KNOWN_SEED);
      await subject.signIn(subject.existingSerialNumber);
      succeeds(await subject.delete(subject.existingSerialNumber, properties), subject);
      expect(subject.enabledFor()).toEqual([subject.existingSerialNumber]);
      expect(subject.ownDevices()).toEqual([]);
    });
  });

  it('is not adopted by a Create that runs after its Delete', async () => {
    const { subject, existing } = await unassigned();
    const before = structuredClone(subject.device(subject.existingSerialNumber));
    const create = subject.event({ RequestType: 'Create' }, existing);
    await subject.tagSecret(create.ResourceProperties);
    lifecycle.clock.advance(MINUTE);
    await subject.delete(subject.existingSerialNumber, existing);

    const late = await lifecycle.run(create);

    fails(late, 'took over while this one was running');
    expect(subject.device(subject.existingSerialNumber)).toEqual(before);
  });
});
