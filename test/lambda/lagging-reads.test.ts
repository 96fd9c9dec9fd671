import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AwsError } from 'local-aws';
import { Lifecycle } from './lifecycle';
import { Subject } from './subject';

const noSuchEntity = new AwsError('NoSuchEntity', 'not there yet', 404);

describe('what AWS does not show at once', () => {
  let lifecycle: Lifecycle;
  beforeAll(async () => {
    lifecycle = await Lifecycle.start();
  });
  afterAll(() => lifecycle.close());

  const lag = (action: string, answer: AwsError, times: number) =>
    lifecycle.aws.account.faults.inject({ action, answer, times });

  async function forceDeleteSecret(subject: Subject): Promise<void> {
    const input = { SecretId: subject.seedSecretArn, ForceDeleteWithoutRecovery: true };
    await subject.administrate('secretsmanager', 'DeleteSecret', input);
  }

  it('is waited for where EnableMFADevice does not see the device three times in a row', async () => {
    const subject = await Subject.in(lifecycle);
    lag('iam:EnableMFADevice', noSuchEntity, 3);

    const run = await subject.create();

    expect(run.answer.Reason).toBeUndefined();
    expect(run.actions.filter((action) => action === 'iam:CreateVirtualMFADevice')).toHaveLength(1);
    await subject.signIn();
  });

  it('is waited for where the new version cannot be made current yet', async () => {
    const subject = await Subject.in(lifecycle);
    await subject.create();
    lag('secretsmanager:UpdateSecretVersionStage', new AwsError('ResourceNotFoundException', 'not there yet', 400), 1);

    const run = await subject.update({}, { RotationId: '2' });

    expect(run.answer.Reason).toBeUndefined();
    await subject.signIn(subject.serialNumber({ RotationId: '2' }));
  });

  it('leaves no device behind where an undoing run does not see the tags of what it made', async () => {
    const subject = await Subject.in(lifecycle);
    lag('iam:EnableMFADevice', new AwsError('LimitExceeded', 'Cannot exceed quota', 409), 1);
    lag('iam:ListMFADeviceTags', noSuchEntity, 2);

    const run = await subject.create();

    expect(run.answer.Status).toBe('FAILED');
    expect(subject.ownDevices()).toEqual([]);
  });

  it('leaves no device behind where a Delete does not see its tags', async () => {
    const subject = await Subject.in(lifecycle);
    await subject.create();
    lag('iam:ListMFADeviceTags', noSuchEntity, 2);

    const run = await subject.delete();

    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([]);
  });

  it('is waited for half a minute from a call’s own first denial, however late in the event', async () => {
    const subject = await Subject.in(lifecycle);
    lag('iam:EnableMFADevice', new AwsError('EntityTemporarilyUnmodifiable', 'being created', 409), 12);
    lag('iam:EnableMFADevice', new AwsError('AccessDenied', 'not yet', 403), 3);

    const run = await subject.create();

    expect(run.elapsedMilliseconds).toBeGreaterThan(30_000);
    expect(run.answer.Reason).toBeUndefined();
  });

  it('is a secret that was deleted for good: a Create says so, and not that a permission is missing', async () => {
    const subject = await Subject.in(lifecycle);
    await forceDeleteSecret(subject);

    const run = await subject.create();

    expect(run.answer.Status).toBe('FAILED');
    expect(run.answer.Reason).toContain(`The seed secret ${subject.seedSecretArn} or its tag`);
    expect(run.answer.Reason).not.toContain('may not call');
    expect(subject.ownDevices()).toEqual([]);
    expect((await subject.delete(run.answer.PhysicalResourceId)).answer.Status).toBe('SUCCESS');
  });

  it('is a secret that was deleted for good: an update says so, and the stack can be deleted', async () => {
    const subject = await Subject.in(lifecycle);
    await subject.create();
    await forceDeleteSecret(subject);

    const update = await subject.update({}, { Issuer: 'Elsewhere' });
    const deletion = await subject.delete();

    expect(update.answer.Reason).toContain(`The seed secret ${subject.seedSecretArn} or its tag`);
    expect(deletion.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([]);
  });

  it('is no ninth device where IAM reports a quota as reached for a user with fewer than eight', async () => {
    const subject = await Subject.in(lifecycle);
    const other = `${subject.serialNumber()}-other`;
    subject.foreignDevice(other, { enabledFor: subject.userName });
    lag('iam:EnableMFADevice', new AwsError('LimitExceeded', 'Cannot exceed quota', 409), 1);

    const run = await subject.create();

    expect(run.answer.Reason).toContain(`the user ${subject.userName} has 1 of the 8 MFA devices`);
    expect(run.answer.Reason).toContain('IAM reports a quota as reached');
    expect(subject.ownDevices()).toEqual([]);
  });
});
