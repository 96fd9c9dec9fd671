import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOGICAL_ID_TAG, STACK_ID_TAG } from '../../lambda/contract/own-tags';
import { AwsError } from 'local-aws';
import { ACCOUNT_ID, iamWrites, STACK_ID, writing } from './handler-stack';
import { Lifecycle } from './lifecycle';
import { Subject } from './subject';

describe('Create', () => {
  let lifecycle: Lifecycle;
  beforeAll(async () => {
    lifecycle = await Lifecycle.start();
  });
  afterAll(() => lifecycle.close());

  it('enables a device in exactly five calls, two of them at once, and without waiting', async () => {
    const subject = await Subject.in(lifecycle);

    const run = await subject.create();

    expect(run.actions).toEqual([
      'iam:CreateVirtualMFADevice',
      'secretsmanager:PutSecretValue',
      'secretsmanager:DescribeSecret',
      'secretsmanager:GetSecretValue',
      'iam:EnableMFADevice',
    ]);
    expect(run.elapsedMilliseconds).toBe(0);
    expect(subject.enabledFor()).toEqual([subject.serialNumber()]);
    await subject.signIn();
  });

  it('answers once, with the serial number as id and three attributes', async () => {
    const subject = await Subject.in(lifecycle);

    const run = await subject.create();

    const serialNumber = subject.serialNumber();
    expect(run.answers).toHaveLength(1);
    expect(run.answer).toMatchObject({
      Status: 'SUCCESS',
      StackId: STACK_ID,
      LogicalResourceId: subject.logicalId,
      PhysicalResourceId: serialNumber,
    });
    expect(run.answer.Data).toEqual({
      SerialNumber: serialNumber,
      UserName: subject.userName,
      VirtualMFADeviceName: serialNumber.slice(`arn:aws:iam::${ACCOUNT_ID}:mfa/`.length),
    });
    expect(run.answer).not.toHaveProperty('Reason');
  });

  it('keeps the seed out of the answer and of the log', async () => {
    const subject = await Subject.in(lifecycle);

    const run = await subject.create();

    const seed = subject.device()?.seed ?? 'no device';
    const said = [...run.logLines, ...run.answers].join('');
    expect((await subject.stored())?.seed).toBe(seed);
    expect(said).not.toContain(seed);
    expect(said).not.toContain(Buffer.from(seed).toString('base64'));
    expect(said).not.toMatch(/\b\d{6}\b/);
    expect(said).not.toContain('ResponseURL');
  });

  it('stores the serial number, the user, the seed and a key URI, and nothing else', async () => {
    const subject = await Subject.in(lifecycle);

    await subject.create({ Issuer: 'Wonder & Land' });

    const seed = subject.device()?.seed ?? '';
    const stored = await subject.stored();
    expect(stored).toEqual({
      serialNumber: subject.serialNumber(),
      userName: subject.userName,
      seed,
      otpauthUri: expect.stringMatching(/^otpauth:\/\/totp\//) as unknown,
    });
    const uri = new URL(stored?.otpauthUri ?? '');
    expect(decodeURIComponent(uri.pathname)).toContain(`Wonder & Land:${subject.userName}@${ACCOUNT_ID}`);
    expect(uri.searchParams.get('secret')).toBe(seed);
    expect(uri.searchParams.get('issuer')).toBe('Wonder & Land');
  });

  it('marks the device with the stack and the resource, and gives it the tags of the user', async () => {
    const subject = await Subject.in(lifecycle);

    await subject.create({ Tags: [{ Key: 'team', Value: 'blue' }] });

    const tags = subject.device()?.tags;
    expect(tags?.get(STACK_ID_TAG)).toBe(STACK_ID);
    expect(tags?.get(LOGICAL_ID_TAG)).toBe(subject.logicalId);
    expect(tags?.get('team')).toBe('blue');
    expect(tags?.size).toBe(5);
  });

  it('changes nothing when the same event comes again after it succeeded', async () => {
    const subject = await Subject.in(lifecycle);
    const first = await subject.create();
    const stored = await subject.stored();

    const second = await subject.create();

    expect(second.answer.Status).toBe('SUCCESS');
    expect(second.answer.PhysicalResourceId).toBe(first.answer.PhysicalResourceId);
    expect(await subject.stored()).toEqual(stored);
    expect(second.actions).not.toContain('iam:DeleteVirtualMFADevice');
    expect(second.actions).not.toContain('iam:DeactivateMFADevice');
    expect(second.actions).not.toContain('secretsmanager:PutSecretValue');
    await subject.signIn();
  });

  it('ends with one enabled device when the same event runs twice at once', async () => {
    const subject = await Subject.in(lifecycle);
    const event = subject.event({ RequestType: 'Create' });

    const runs = await Promise.all([lifecycle.run(event), lifecycle.run(event)]);

    expect(runs.map(({ answer }) => answer.Status)).toContain('SUCCESS');
    expect(subject.enabledFor()).toEqual([subject.serialNumber()]);
    expect(subject.ownDevices()).toEqual([subject.serialNumber()]);
    await subject.signIn();
  });

  it('enables a device that an earlier run left, if its seed is stored', async () => {
    const subject = await Subject.in(lifecycle);
    await subject.create();
    await subject.deactivate();
    const seed = subject.device()?.seed;

    const run = await subject.create();

    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.device()?.seed).toBe(seed);
    expect(run.actions).not.toContain('iam:DeleteVirtualMFADevice');
    await subject.signIn();
  });

  it('creates a device anew whose seed was lost, after a short grace', async () => {
    const subject = await Subject.in(lifecycle);
    await subject.orphanWithoutSeed();
    const lostSeed = subject.device()?.seed;

    const run = await subject.create();

    expect(run.answer.Status).toBe('SUCCESS');
    expect(run.elapsedMilliseconds).toBe(3_000);
    expect(subject.device()?.seed).not.toBe(lostSeed);
    await subject.signIn();
  });

  it('creates anew at once where its own answer was lost', async () => {
    const subject = await Subject.in(lifecycle);
    lifecycle.aws.account.faults.inject({
      action: 'iam:CreateVirtualMFADevice',
      moment: 'after',
      answer: 'connection reset',
    });

    const run = await subject.create();

    expect(run.answer.Status).toBe('SUCCESS');
    expect(run.elapsedMilliseconds).toBeLessThan(1_000);
    await subject.signIn();
  });

  it.each<[string, readonly [string, string][]]>([
    ['carries no marks', []],
    ['is marked by another stack', [[STACK_ID_TAG, `${STACK_ID}-another`]]],
    [
      'is marked by another resource of the stack',
      [
        [STACK_ID_TAG, STACK_ID],
        [LOGICAL_ID_TAG, 'Another'],
      ],
    ],
  ])('refuses a name whose device %s, and leaves that device alone', async (_which, tags) => {
    const subject = await Subject.in(lifecycle);
    const name = `shared-${subject.logicalId}`;
    const serialNumber = subject.serialNumber({ VirtualMFADeviceName: name });
    subject.foreignDevice(serialNumber, { tags });
    const before = structuredClone(subject.device(serialNumber));

    const run = await subject.create({ VirtualMFADeviceName: name });

    expect(run.answer.Status).toBe('FAILED');
    expect(run.answer.Reason).toContain(serialNumber);
    expect(run.answer.Reason).toContain("is not this resource's");
    expect(writing(run.actions)).toEqual(['iam:CreateVirtualMFADevice']);
    expect(subject.device(serialNumber)).toEqual(before);
    expect(await subject.stored()).toBeUndefined();

    const deletion = await subject.delete(run.answer.PhysicalResourceId, { VirtualMFADeviceName: name });

    expect(deletion.answer.Status).toBe('SUCCESS');
    expect(iamWrites(deletion.actions)).toEqual([]);
    expect(subject.device(serialNumber)).toEqual(before);
  });

  it('fails at once, naming the eight devices, where the user has no room for another', async () => {
    const subject = await Subject.in(lifecycle);
    const others = Array.from(
      { length: 8 },
      (_, index) => `arn:aws:iam::${ACCOUNT_ID}:mfa/${subject.userName}-own-${index}`,
    );
    others.forEach((serialNumber) => subject.foreignDevice(serialNumber, { enabledFor: subject.userName }));

    const run = await subject.create();

    expect(run.answer.Status).toBe('FAILED');
    expect(run.elapsedMilliseconds).toBe(0);
    others.forEach((serialNumber) => expect(run.answer.Reason).toContain(serialNumber));
    expect(subject.ownDevices()).toEqual([]);
    expect(subject.enabledFor().sort()).toEqual(others);
  });

  it('tells within a minute that there is no such user, and leaves no device', async () => {
    const subject = await Subject.in(lifecycle);
    await subject.administrate('iam', 'DeleteUser', { UserName: subject.userName });

    const run = await subject.create();

    expect(run.answer.Status).toBe('FAILED');
    expect(run.answer.Reason).toContain(`no user ${subject.userName}`);
    expect(run.elapsedMilliseconds).toBeLessThan(60_000);
    expect(subject.ownDevices()).toEqual([]);
  });

  it('sends fresh codes after a wait for a login profile', async () => {
    const subject = await Subject.in(lifecycle);
    lifecycle.aws.account.faults.inject({
      action: 'iam:EnableMFADevice',
      times: 30,
      answer: new AwsError('EntityTemporarilyUnmodifiable', 'the Login Profile is being created', 409),
    });

    const run = await subject.create();

    expect(run.answer.Status).toBe('SUCCESS');
    expect(run.elapsedMilliseconds).toBeGreaterThan(60_000);
    await subject.signIn();
  });

  it('waits for the next time step when its codes are refused', async () => {
    const subject = await Subject.in(lifecycle);
    lifecycle.aws.account.faults.inject({
      action: 'iam:EnableMFADevice',
      answer: new AwsError('InvalidAuthenticationCode', 'Authentication code 123456 is not valid.', 403),
    });

    const run = await subject.create();

    expect(run.answer.Status).toBe('SUCCESS');
    expect(run.elapsedMilliseconds).toBeLessThanOrEqual(30_000);
    expect(run.actions.filter((action) => action === 'secretsmanager:GetSecretValue')).toHaveLength(2);
    await subject.signIn();
  });

  it('names the missing action where the role may not do something, after half a minute, and undoes', async () => {
    const subject = await Subject.in(lifecycle);
    lifecycle.aws.account.faults.inject({
      action: 'iam:EnableMFADevice',
      times: Number.POSITIVE_INFINITY,
      answer: new AwsError('AccessDenied', 'not authorized to perform: iam:EnableMFADevice', 403),
    });

    const run = await subject.create();

    expect(run.answer.Status).toBe('FAILED');
    expect(run.answer.Reason).toContain('iam:EnableMFADevice');
    expect(run.elapsedMilliseconds).toBeLessThanOrEqual(31_000);
    expect(run.elapsedMilliseconds).toBeGreaterThan(20_000);
    expect(subject.ownDevices()).toEqual([]);
  });

  it('stores nothing and leaves nothing where the secret is scheduled for deletion', async () => {
    const subject = await Subject.in(lifecycle);
    await subject.administrate('secretsmanager', 'DeleteSecret', { SecretId: subject.seedSecretArn });

    const run = await subject.create();

    expect(run.answer.Status).toBe('FAILED');
    expect(run.answer.Reason).toContain(subject.seedSecretArn);
    expect(subject.ownDevices()).toEqual([]);
  });

  it('answers FAILED with an id that its Delete can do without, and makes no call, where a property is invalid', async () => {
    const subject = await Subject.in(lifecycle);

    const run = await subject.create({ UserName: 'bob and eve' });

    expect(run.answer.Status).toBe('FAILED');
    expect(run.answer.Reason).toContain('The property user is not valid');
    expect([run.answer.Reason, ...run.logLines].join('')).not.toContain('bob and eve');
    expect(run.answer.PhysicalResourceId).not.toBe('');
    expect(run.calls).toEqual([]);
  });
});
