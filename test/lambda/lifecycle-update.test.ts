import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENROLLMENT_TAG, LOGICAL_ID_TAG, SEED_VERSION_TAG, STACK_ID_TAG } from '../../lambda/contract/own-tags';
import { AwsError } from 'local-aws';
import { type Properties, writing } from './handler-stack';
import { Lifecycle } from './lifecycle';
import { Subject } from './subject';

let lifecycle: Lifecycle;
beforeAll(async () => {
  lifecycle = await Lifecycle.start();
});
afterAll(() => lifecycle.close());

async function enrolled(properties: Properties = {}): Promise<Subject> {
  const subject = await Subject.in(lifecycle);
  const { answer } = await subject.create(properties);
  expect(answer.Status).toBe('SUCCESS');
  return subject;
}

describe('Update in place', () => {
  it('writes nothing where nothing is to do', async () => {
    const subject = await enrolled({ Tags: [{ Key: 'team', Value: 'blue' }] });
    const before = structuredClone(subject.device());

    const run = await subject.update(
      { Tags: [{ Key: 'team', Value: 'blue' }] },
      { Tags: [{ Key: 'team', Value: 'blue' }], ServiceTimeout: '1700' },
    );

    expect(run.answer.Status).toBe('SUCCESS');
    expect(run.answer.PhysicalResourceId).toBe(subject.serialNumber());
    expect(writing(run.actions)).toEqual([]);
    expect(subject.device()).toEqual(before);
    await subject.signIn();
  });

  it('sets and removes its own tags and keeps those that somebody else put there', async () => {
    const from = {
      Tags: [
        { Key: 'team', Value: 'blue' },
        { Key: 'stage', Value: 'test' },
      ],
    };
    const subject = await enrolled(from);
    await subject.administrate('iam', 'TagMFADevice', {
      SerialNumber: subject.serialNumber(),
      Tags: [{ Key: 'audited', Value: 'yes' }],
    });

    const run = await subject.update(from, { Tags: [{ Key: 'team', Value: 'red' }] });

    expect(run.answer.Status).toBe('SUCCESS');
    const tags = Object.fromEntries(subject.device()?.tags ?? []);
    expect(tags).toMatchObject({ team: 'red', audited: 'yes' });
    expect(tags).not.toHaveProperty('stage');
    expect(Object.keys(tags)).toHaveLength(6);
    expect(writing(run.actions)).toEqual(['iam:TagMFADevice', 'iam:UntagMFADevice']);
    await subject.signIn();
  });

  it('removes all of its own tags where none are wanted any more, but not its marks', async () => {
    const from = { Tags: [{ Key: 'team', Value: 'blue' }] };
    const subject = await enrolled(from);

    const run = await subject.update(from, {});

    expect(run.answer.Status).toBe('SUCCESS');
    expect([...(subject.device()?.tags.keys() ?? [])].sort()).toEqual(
      [ENROLLMENT_TAG, LOGICAL_ID_TAG, SEED_VERSION_TAG, STACK_ID_TAG].sort(),
    );
  });

  it('changes the issuer of the stored key URI and leaves device and seed as they are', async () => {
    const subject = await enrolled();
    const before = await subject.stored();

    const run = await subject.update({}, { Issuer: 'Elsewhere' });

    const after = await subject.stored();
    expect(run.answer.Status).toBe('SUCCESS');
    expect(after?.seed).toBe(before?.seed);
    expect(after?.otpauthUri).toContain('issuer=Elsewhere');
    expect(after?.otpauthUri).not.toBe(before?.otpauthUri);
    expect(writing(run.actions)).toEqual([
      'secretsmanager:PutSecretValue',
      'secretsmanager:UpdateSecretVersionStage',
      'iam:TagMFADevice',
    ]);
    await subject.signIn();
  });

  it('creates a device anew that was deleted by hand', async () => {
    const subject = await enrolled();
    const before = await subject.stored();
    await subject.deactivate();
    await subject.administrate('iam', 'DeleteVirtualMFADevice', { SerialNumber: subject.serialNumber() });

    const run = await subject.update({}, { Issuer: 'Elsewhere' });

    expect(run.answer.Status).toBe('SUCCESS');
    expect(run.answer.PhysicalResourceId).toBe(subject.serialNumber());
    expect((await subject.stored())?.seed).not.toBe(before?.seed);
    await subject.signIn();
  });

  it('makes the seed current of a device created anew, even if the first run failed right before that', async () => {
    const subject = await enrolled();
    await subject.deactivate();
    await subject.administrate('iam', 'DeleteVirtualMFADevice', { SerialNumber: subject.serialNumber() });
    lifecycle.aws.account.faults.inject({
      action: 'secretsmanager:UpdateSecretVersionStage',
      answer: new AwsError('InvalidRequestException', 'on demand'),
    });
    const failed = await subject.update({}, { Issuer: 'Elsewhere' });
    expect(failed.answer.Status).toBe('FAILED');

    const rollback = await subject.update({ Issuer: 'Elsewhere' }, {});

    expect(rollback.answer.Status).toBe('SUCCESS');
    expect((await subject.stored())?.seed).toBe(subject.device()?.seed);
  });

  it('recovers from a run that ended between the creation of a new device and the storing of its seed', async () => {
    const subject = await enrolled();
    await subject.deactivate();
    await subject.administrate('iam', 'DeleteVirtualMFADevice', { SerialNumber: subject.serialNumber() });
    await subject.orphanWithoutSeed();

    const run = await subject.update({}, { Issuer: 'Elsewhere' });

    expect(run.answer.Reason).toBeUndefined();
    expect((await subject.stored())?.seed).toBe(subject.device()?.seed);
  });

  it('enables a device again that was deactivated by hand, with the seed it has', async () => {
    const subject = await enrolled();
    const before = await subject.stored();
    await subject.deactivate();

    const run = await subject.update({}, { Tags: [{ Key: 'team', Value: 'red' }] });

    expect(run.answer.Status).toBe('SUCCESS');
    expect(await subject.stored()).toEqual(before);
    expect(run.actions).not.toContain('iam:CreateVirtualMFADevice');
    await subject.signIn();
  });

  it('marks a device again whose marks were taken away, since the secret knows it', async () => {
    const subject = await enrolled();
    subject.device()?.tags.clear();

    const run = await subject.update({}, { Tags: [{ Key: 'team', Value: 'red' }] });

    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([subject.serialNumber()]);
    await subject.signIn();
  });

  it('refuses a device that somebody else marked meanwhile, and does not touch it', async () => {
    const subject = await enrolled();
    subject.device()?.tags.set(STACK_ID_TAG, 'another stack');
    const before = structuredClone(subject.device());

    const run = await subject.update({}, { Tags: [{ Key: 'team', Value: 'red' }] });

    expect(run.answer.Status).toBe('FAILED');
    expect(run.answer.PhysicalResourceId).toBe(subject.serialNumber());
    expect(writing(run.actions)).toEqual([]);
    expect(subject.device()).toEqual(before);
  });
});

describe('Update with a replacement', () => {
  it.each<[string, (subject: Subject) => Properties]>([
    ['the user', (subject) => ({ UserName: subject.otherUserName })],
    ['the rotation id', () => ({ RotationId: 'spring' })],
    ['the path', () => ({ Path: '/robots/' })],
    ['the explicit name', (subject) => ({ VirtualMFADeviceName: `named-${subject.logicalId}` })],
  ])('of %s makes a new device with a new seed first and leaves the old one for the Delete', async (_what, change) => {
    const subject = await enrolled();
    const to = change(subject);
    const oldSerialNumber = subject.serialNumber();
    const oldDevice = structuredClone(subject.device());

    const run = await subject.update({}, to);

    const newSerialNumber = subject.serialNumber(to);
    const userName = typeof to['UserName'] === 'string' ? to['UserName'] : subject.userName;
    expect(run.answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: newSerialNumber });
    expect(newSerialNumber).not.toBe(oldSerialNumber);
    expect(subject.device(oldSerialNumber)).toEqual(oldDevice);
    expect(subject.enabledFor(userName)).toContain(newSerialNumber);
    expect(await subject.stored()).toMatchObject({ serialNumber: newSerialNumber, userName });
    expect((await subject.stored())?.seed).not.toBe(oldDevice?.seed);
    await subject.signIn(newSerialNumber, userName);

    const cleanUp = await subject.delete(oldSerialNumber);

    expect(cleanUp.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([newSerialNumber]);
    await subject.signIn(newSerialNumber, userName);
  });

  it('keeps the old id, the old device and the old current seed where it fails, and undoes the new device', async () => {
    const subject = await enrolled();
    const before = await subject.stored();
    lifecycle.aws.account.faults.inject({
      action: 'iam:EnableMFADevice',
      answer: new AwsError('LimitExceeded', 'Cannot exceed quota for MFADevicesPerUser: 8', 409),
    });

    const run = await subject.update({}, { RotationId: 'spring' });

    expect(run.answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId: subject.serialNumber() });
    expect(await subject.stored()).toEqual(before);
    expect(subject.ownDevices()).toEqual([subject.serialNumber()]);
    await subject.signIn();
  });

  it('keeps the new device where a duplicate has made its seed current, although this run could not', async () => {
    const subject = await enrolled();
    const to = { RotationId: 'spring' };
    const { faults } = lifecycle.aws.account;
    faults.inject({
      action: 'secretsmanager:UpdateSecretVersionStage',
      moment: 'after',
      answer: new AwsError('InvalidRequestException', 'on demand'),
    });

    const run = await subject.update({}, to);

    expect(run.answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: subject.serialNumber(to) });
    expect((await subject.stored())?.seed).toBe(subject.device(subject.serialNumber(to))?.seed);
    await subject.signIn(subject.serialNumber(to));
  });

  it('keeps the new device, and fails, where it cannot tell whose seed is current', async () => {
    const subject = await enrolled();
    const to = { RotationId: 'spring' };
    let isPromoted = false;
    const denied = new AwsError('InvalidRequestException', 'on demand');
    lifecycle.observer = (action) => {
      if (action !== 'secretsmanager:UpdateSecretVersionStage' || isPromoted) return;
      isPromoted = true;
      lifecycle.aws.account.faults.inject({ action: 'secretsmanager:DescribeSecret', answer: denied });
    };
    lifecycle.aws.account.faults.inject({
      action: 'secretsmanager:UpdateSecretVersionStage',
      moment: 'after',
      answer: denied,
    });

    const run = await subject.update({}, to);

    expect(run.answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId: subject.serialNumber() });
    expect(run.answer.Reason).toContain(
      `What this run did to the device ${subject.serialNumber(to)} could not be undone`,
    );
    expect(subject.enabledFor()).toContain(subject.serialNumber(to));
  });

  it('leaves the working device’s seed current where a rollback cannot enable the old device', async () => {
    const subject = await enrolled();
    const to = { RotationId: 'spring' };
    await subject.update({}, to);
    const current = await subject.stored();
    await subject.deactivate();
    lifecycle.aws.account.faults.inject({
      action: 'iam:EnableMFADevice',
      answer: new AwsError('LimitExceeded', 'Cannot exceed quota for MFADevicesPerUser: 8', 409),
    });

    const rollback = await subject.update(to, {}, subject.serialNumber());

    expect(rollback.answer.Status).toBe('FAILED');
    expect(await subject.stored()).toEqual(current);
    await subject.signIn(subject.serialNumber(to));
  });

  it('keeps the old id where the new properties are invalid, and makes no call', async () => {
    const subject = await enrolled();

    const run = await subject.update({}, { Path: 'no-slashes' });

    expect(run.answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId: subject.serialNumber() });
    expect(run.calls).toEqual([]);
  });

  it.each([['the old id'], ['the new id']])('rolls back to the old device, given %s', async (which) => {
    const subject = await enrolled();
    const to = { RotationId: 'spring' };
    const before = await subject.stored();
    await subject.update({}, to);

    const id = which === 'the old id' ? subject.serialNumber() : subject.serialNumber(to);
    const rollback = await subject.update(to, {}, id);

    expect(rollback.answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: subject.serialNumber() });
    expect(await subject.stored()).toEqual(before);
    expect(subject.enabledFor()).toContain(subject.serialNumber());

    const cleanUp = await subject.delete(subject.serialNumber(to), to);

    expect(cleanUp.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([subject.serialNumber()]);
    await subject.signIn();
  });

  it('removes in a rollback what a replacement made that CloudFormation did not wait for', async () => {
    const subject = await enrolled();
    const before = await subject.stored();
    const to = { RotationId: '2' };
    // CloudFormation cancels an update that is under way when another resource fails, and ignores its answer.
    const ignored = await subject.update({}, to);
    expect(ignored.answer.Status).toBe('SUCCESS');

    const rollback = await subject.update(to, {}, subject.serialNumber());

    expect(rollback.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([subject.serialNumber()]);
    expect(await subject.stored()).toEqual(before);
    await subject.signIn();
  });

  it('refuses a replacement under the same explicit name before it touches anything, and takes its rollback', async () => {
    const lasting = { VirtualMFADeviceName: `lasting-${Math.trunc(lifecycle.clock.now())}` };
    const subject = await enrolled(lasting);
    const serialNumber = subject.serialNumber(lasting);
    const before = structuredClone(subject.device(serialNumber));
    const to = { ...lasting, RotationId: 'spring', Tags: [{ Key: 'team', Value: 'red' }] };

    const run = await subject.update(lasting, to, serialNumber);

    expect(run.answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId: serialNumber });
    expect(run.answer.Reason).toContain('virtualMfaDeviceName');
    expect(writing(run.actions)).toEqual([]);
    expect(subject.device(serialNumber)).toEqual(before);

    const rollback = await subject.update(to, lasting, serialNumber);

    expect(rollback.answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: serialNumber });
    expect(writing(rollback.actions)).toEqual([]);
    await subject.signIn(serialNumber);
  });
});
