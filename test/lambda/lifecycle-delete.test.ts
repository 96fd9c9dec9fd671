import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STACK_ID_TAG } from '../../lambda/contract/own-tags';
import { AwsError } from 'local-aws';
import { ACCOUNT_ID, iamWrites, STACK_ID } from './handler-stack';
import { Lifecycle } from './lifecycle';
import { Subject } from './subject';

describe('Delete', () => {
  let lifecycle: Lifecycle;
  beforeAll(async () => {
    lifecycle = await Lifecycle.start();
  });
  afterAll(() => lifecycle.close());

  async function enrolled(): Promise<Subject> {
    const subject = await Subject.in(lifecycle);
    const { answer } = await subject.create();
    expect(answer.Status).toBe('SUCCESS');
    return subject;
  }

  it('deactivates and deletes an enabled device, in that order', async () => {
    const subject = await enrolled();

    const run = await subject.delete();

    expect(run.answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: subject.serialNumber() });
    expect(run.answer).not.toHaveProperty('Data');
    expect(iamWrites(run.actions)).toEqual(['iam:DeactivateMFADevice', 'iam:DeleteVirtualMFADevice']);
    expect(subject.ownDevices()).toEqual([]);
    expect(subject.enabledFor()).toEqual([]);
  });

  it('deletes a device whose other properties were valid once, and are no more', async () => {
    const subject = await enrolled();

    const run = await subject.delete(subject.serialNumber(), {
      RotationId: '{{resolve:ssm:/rotation}}',
      Issuer: 'a:b',
    });

    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([]);
  });

  it('leaves a device whose user it cannot know, and says so', async () => {
    const subject = await enrolled();

    const run = await subject.delete(subject.serialNumber(), { UserName: '' });

    expect(run.answer.Status).toBe('SUCCESS');
    expect(run.actions).toEqual([]);
    expect(run.logLines.join('')).toContain('"leftBecause":"its properties name no user and no secret"');
  });

  it('says nothing of a device that was never created, because its properties were refused', async () => {
    const subject = await Subject.in(lifecycle);
    const { answer } = await subject.create({ Issuer: 'a:b' });

    const run = await subject.delete(answer.PhysicalResourceId, { Issuer: 'a:b' });

    expect(run.answer.Status).toBe('SUCCESS');
    expect(run.actions).toEqual([]);
    expect(run.logLines.join('')).not.toContain('leftBecause');
  });

  it('lets the user go afterwards', async () => {
    const subject = await enrolled();

    await subject.delete();

    await expect(subject.administrate('iam', 'DeleteUser', { UserName: subject.userName })).resolves.toBeDefined();
  });

  it('succeeds without a write where the device is gone already', async () => {
    const subject = await enrolled();
    await subject.delete();

    const again = await subject.delete();

    expect(again.answer.Status).toBe('SUCCESS');
    expect(iamWrites(again.actions)).toEqual([]);
  });

  it('deletes a device that is enabled for nobody', async () => {
    const subject = await enrolled();
    await subject.deactivate();

    const run = await subject.delete();

    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([]);
  });

  it('deletes the device of a user who is gone', async () => {
    const subject = await enrolled();
    await subject.deactivate();
    await subject.administrate('iam', 'DeleteUser', { UserName: subject.userName });

    const run = await subject.delete();

    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([]);
  });

  it('finds out for whom the device is enabled, if it is another user, and takes it away there', async () => {
    const subject = await enrolled();
    const device = subject.device();
    if (!device) throw new Error('There is no device');
    device.assignment = { userName: subject.otherUserName, enableDate: new Date(lifecycle.clock.now()) };

    const run = await subject.delete();

    expect(run.answer.Status).toBe('SUCCESS');
    expect(run.actions).toContain('iam:ListVirtualMFADevices');
    expect(subject.ownDevices()).toEqual([]);
    expect(subject.enabledFor(subject.otherUserName)).toEqual([]);
  });

  it('finds the holder beyond the first page of the account', async () => {
    const subject = await Subject.in(lifecycle);
    const others = Array.from({ length: 130 }, (_, index) => `arn:aws:iam::${ACCOUNT_ID}:mfa/crowd-${index}`);
    others.forEach((serialNumber) => subject.foreignDevice(serialNumber, { enabledFor: subject.otherUserName }));
    await subject.create();
    const device = subject.device();
    if (!device) throw new Error('There is no device');
    device.assignment = { userName: subject.otherUserName, enableDate: new Date(lifecycle.clock.now()) };

    const run = await subject.delete();

    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([]);
    expect(subject.enabledFor(subject.otherUserName)).toEqual(others);
    others.forEach((serialNumber) => lifecycle.aws.iam.virtualMfaDevices.delete(serialNumber));
  });

  it('finds the device by its properties where CloudFormation invented the id', async () => {
    const subject = await enrolled();

    const run = await subject.delete('users-Mfa-1ABCDEFGHIJKL');

    expect(run.answer).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'users-Mfa-1ABCDEFGHIJKL' });
    expect(subject.ownDevices()).toEqual([]);
  });

  it('leaves a device alone that is not its own, and succeeds', async () => {
    const subject = await Subject.in(lifecycle);
    const serialNumber = `arn:aws:iam::${ACCOUNT_ID}:mfa/private-${subject.logicalId}`;
    subject.foreignDevice(serialNumber, { enabledFor: subject.userName });
    const before = structuredClone(subject.device(serialNumber));

    const run = await subject.delete(serialNumber);

    expect(run.answer.Status).toBe('SUCCESS');
    expect(iamWrites(run.actions)).toEqual([]);
    expect(subject.device(serialNumber)).toEqual(before);
  });

  it('leaves a device alone that another resource of the same stack has marked', async () => {
    const subject = await enrolled();
    const neighbour = await Subject.in(lifecycle);

    const run = await neighbour.delete(subject.serialNumber());

    expect(run.answer.Status).toBe('SUCCESS');
    expect(iamWrites(run.actions)).toEqual([]);
    expect(subject.enabledFor()).toEqual([subject.serialNumber()]);
  });

  it('leaves a device alone that has no marks, though the secret names it, and says why', async () => {
    const subject = await enrolled();
    subject.device()?.tags.clear();

    const run = await subject.delete();

    expect(run.answer.Status).toBe('SUCCESS');
    expect(iamWrites(run.actions)).toEqual([]);
    expect(subject.enabledFor()).toEqual([subject.serialNumber()]);
    expect(run.logLines.join('')).toContain('"leftBecause":"its tags say that it is unmarked"');
    lifecycle.aws.iam.virtualMfaDevices.delete(subject.serialNumber());
  });

  it('makes no call for properties that created nothing, and succeeds', async () => {
    const subject = await Subject.in(lifecycle);
    const failed = await subject.create({ UserName: 'not allowed' });

    const run = await subject.delete(failed.answer.PhysicalResourceId, { UserName: 'not allowed' });

    expect(run.answer).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId: failed.answer.PhysicalResourceId,
    });
    expect(run.calls).toEqual([]);
  });

  it('works where the secret is gone', async () => {
    const subject = await enrolled();
    await subject.administrate('secretsmanager', 'DeleteSecret', {
      SecretId: subject.seedSecretArn,
      ForceDeleteWithoutRecovery: true,
    });

    const run = await subject.delete();

    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([]);
  });

  it('answers FAILED, with the id it was given, where IAM refuses for minutes, and can be tried again', async () => {
    const subject = await enrolled();
    lifecycle.aws.account.faults.inject({
      action: 'iam:DeactivateMFADevice',
      times: Number.POSITIVE_INFINITY,
      answer: new AwsError('ServiceFailure', 'on demand', 500),
    });

    const run = await subject.delete();
    lifecycle.aws.account.faults.clear();

    expect(run.answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId: subject.serialNumber() });
    expect(run.answer.Reason).toContain('iam:DeactivateMFADevice');
    expect(subject.device()?.tags.get(STACK_ID_TAG)).toBe(STACK_ID);
    expect((await subject.delete()).answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([]);
  });

  it('does not claim that nothing is left behind where the device is', async () => {
    const subject = await enrolled();
    lifecycle.aws.account.faults.inject({
      action: 'iam:DeleteVirtualMFADevice',
      times: Number.POSITIVE_INFINITY,
      answer: new AwsError('ServiceFailure', 'on demand', 500),
    });

    const run = await subject.delete();

    expect(subject.device()).toBeDefined();
    expect(run.answer.Reason).not.toContain('Nothing is left behind');
  });

  it('does not block the stack for a device of a user whom the role may not reach, since it was never enabled', async () => {
    const subject = await Subject.in(lifecycle);
    const stranger = { UserName: `stranger-of-${subject.userName}` };
    await subject.administrate('iam', 'CreateUser', stranger);

    const failed = await subject.create(stranger);
    const afterFailure = subject.ownDevices();
    await subject.orphanWithoutSeed(stranger);
    const run = await subject.delete(subject.serialNumber(stranger), stranger);

    expect(failed.answer.Reason).toContain('may not call iam:EnableMFADevice');
    expect(failed.answer.Reason).not.toContain('could not be undone');
    expect(afterFailure).toEqual([]);
    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([]);
  });
});
