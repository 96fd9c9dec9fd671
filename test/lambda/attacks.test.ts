import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  LOGICAL_ID_TAG,
  RETIRED_TAG,
  SEED_VERSION_TAG,
  STACK_ID_TAG,
  USER_NAME_TAG,
} from '../../lambda/contract/own-tags';
import type { CustomResourceEvent } from '../../lambda/custom-resource/event';
import { ACCOUNT_ID, iamWrites, STACK_ID, KNOWN_SEED } from './handler-stack';
import { Lifecycle, type Run } from './lifecycle';
import { Subject } from './subject';

describe('whoever attacks', () => {
  let lifecycle: Lifecycle;
  beforeAll(async () => {
    lifecycle = await Lifecycle.start();
  });
  afterAll(() => lifecycle.close());

  async function enrolled(): Promise<Subject> {
    const subject = await Subject.in(lifecycle);
    expect((await subject.create()).answer.Reason).toBeUndefined();
    return subject;
  }

  function saidBy({ answers, logLines }: Run): string {
    return [...answers, ...logLines].join('\n');
  }

  describe('with values that are too long, or secret', () => {
    const secret = 'hunter2-'.repeat(25_000);
    const tooLong: [string, Readonly<Record<string, unknown>>][] = [
      ['UserName', { UserName: secret }],
      ['Path', { Path: `/${secret}/` }],
      ['RotationId', { RotationId: secret }],
      ['Issuer', { Issuer: secret }],
      ['VirtualMFADeviceName', { VirtualMFADeviceName: secret }],
      ['SeedSecretArn', { SeedSecretArn: `arn:aws:secretsmanager:us-east-1:${ACCOUNT_ID}:secret:${secret}` }],
      ['Tags', { Tags: [{ Key: 'team', Value: secret }] }],
      ['a tag’s value that IAM would refuse, and repeat', { Tags: [{ Key: 'team', Value: 'hunter2;{}' }] }],
      ['a tag’s key that IAM would refuse, and repeat', { Tags: [{ Key: 'aws:hunter2', Value: 'x' }] }],
      ['a property that is unknown', { Password: secret }],
    ];

    it.each(tooLong)('repeats none of %s, and logs little', async (_name, properties) => {
      const subject = await Subject.in(lifecycle);

      const run = await subject.create(properties);

      expect(saidBy(run)).not.toContain('hunter2');
      expect(saidBy(run).length).toBeLessThan(20_000);
      await subject.delete(run.answer.PhysicalResourceId);
    });
  });

  describe('with an event that CloudFormation did not send', () => {
    const forgeries: [string, Partial<Record<keyof CustomResourceEvent, unknown>>][] = [
      ['no ResponseURL', { ResponseURL: undefined }],
      ['a ResponseURL that is none', { ResponseURL: 'nowhere' }],
      ['a ResponseURL of another protocol', { ResponseURL: 'file:///etc/passwd' }],
      ['no StackId', { StackId: undefined }],
      ['a StackId of another service', { StackId: 'arn:aws:iam::123456789012:user/bob' }],
      ['a StackId that is too long for a tag', { StackId: `${STACK_ID}${'0'.repeat(256)}` }],
      ['no LogicalResourceId', { LogicalResourceId: undefined }],
      ['a LogicalResourceId with a line break', { LogicalResourceId: 'Bob\nMfa' }],
      ['no RequestId', { RequestId: undefined }],
      ['an unknown RequestType', { RequestType: 'Read' }],
      ['no PhysicalResourceId in an Update', { RequestType: 'Update' }],
      ['a PhysicalResourceId in a Create', { PhysicalResourceId: 'device' }],
      ['a PhysicalResourceId that is a list', { PhysicalResourceId: Array.from({ length: 40_000 }, () => 'hunter2') }],
      ['a PhysicalResourceId of 200 kB', { RequestType: 'Delete', PhysicalResourceId: 'i'.repeat(200_000) }],
      ['no properties', { ResourceProperties: undefined }],
      ['a list in place of properties', { ResourceProperties: [] }],
      ['old properties that are none', { OldResourceProperties: 'all' }],
    ];

    it.each(forgeries)('is refused in words before any call, for %s', async (_name, forgery) => {
      const subject = await Subject.in(lifecycle);
      const calls = lifecycle.aws.account.calls.length;
      const event = { ...subject.event({ RequestType: 'Create' }), ...forgery } as CustomResourceEvent;

      const running = lifecycle.run(event);

      await expect(running).rejects.toThrow(/^The event's \w+ is not valid; allowed: /);
      expect(lifecycle.aws.account.calls.length).toBe(calls);
    });

    it('is refused for a ResponseURL without TLS, unless the function has an endpoint of its own', async () => {
      const subject = await Subject.in(lifecycle);
      const event = subject.event({ RequestType: 'Create' });

      await expect(lifecycle.run(event, undefined, { isHttpAllowed: false })).rejects.toThrow('an https URL');
      expect((await lifecycle.run(event)).answer.Status).toBe('SUCCESS');
    });

    it.each([
      ['of another user', USER_NAME_TAG],
      ['of another resource', LOGICAL_ID_TAG],
    ])('enables no device whose seed would lie in the secret %s', async (_whose, key) => {
      const alice = await enrolled();
      const bob = await Subject.in(lifecycle);
      const before = await alice.stored();
      const tags = [
        { Key: LOGICAL_ID_TAG, Value: bob.logicalId },
        { Key: USER_NAME_TAG, Value: bob.userName },
      ].filter(({ Key }) => Key !== key);
      // The other tag is right, so that each has to be looked at.
      await alice.administrate('secretsmanager', 'TagResource', { SecretId: alice.seedSecretArn, Tags: tags });

      const run = await bob.lifecycle.run(bob.event({ RequestType: 'Create' }, { SeedSecretArn: alice.seedSecretArn }));

      expect(run.answer.Status).toBe('FAILED');
      expect(run.answer.Reason).toContain('do not name this resource and this user');
      expect(run.actions).not.toContain('iam:EnableMFADevice');
      expect(bob.ownDevices()).toEqual([]);
      expect(await alice.stored()).toEqual(before);
    });

    it('enables no device again with the secret of another user', async () => {
      const alice = await enrolled();
      const bob = await enrolled();
      await bob.deactivate();
      const properties = { SeedSecretArn: alice.seedSecretArn };
      const type = { RequestType: 'Update', PhysicalResourceId: bob.serialNumber() } as const;

      const run = await lifecycle.run(
        bob.event({ ...type, OldResourceProperties: bob.properties(properties) }, properties),
      );

      expect(run.answer.Status).toBe('FAILED');
      expect(run.actions).not.toContain('iam:EnableMFADevice');
      expect((await alice.stored())?.userName).toBe(alice.userName);
    });
  });

  describe('with a time from the future', () => {
    const FUTURE = '99991231T235959Z';

    it('makes no later event late by a request that is dated so', async () => {
      const subject = await Subject.in(lifecycle);
      const event = subject.event({ RequestType: 'Create' });
      const ResponseURL = event.ResponseURL.replace(/X-Amz-Date=\w+/, `X-Amz-Date=${FUTURE}`);
      expect((await lifecycle.run({ ...event, ResponseURL })).answer.Status).toBe('SUCCESS');
      lifecycle.clock.advance(2_000);

      const update = await subject.update({}, { Issuer: 'Elsewhere' });
      lifecycle.clock.advance(2_000);
      const deletion = await subject.delete();

      expect(update.answer.Reason).toBeUndefined();
      expect(deletion.answer.Status).toBe('SUCCESS');
      expect(subject.ownDevices()).toEqual([]);
      expect(subject.enabledFor()).toEqual([]);
    });

    it('makes no event late by a tag of the device', async () => {
      const subject = await enrolled();
      const versionId = subject.device()?.tags.get(SEED_VERSION_TAG) ?? '';
      subject.device()?.tags.set(SEED_VERSION_TAG, versionId.replace(/^\w+/, FUTURE));

      const run = await subject.delete();

      expect(run.answer.Status).toBe('SUCCESS');
      expect(subject.enabledFor()).toEqual([]);
    });

    it('makes no event late by a tag of the secret', async () => {
      const subject = await Subject.in(lifecycle);
      const Tags = [{ Key: RETIRED_TAG, Value: FUTURE }];
      await subject.administrate('secretsmanager', 'TagResource', { SecretId: subject.seedSecretArn, Tags });

      expect((await subject.create()).answer.Status).toBe('SUCCESS');
    });

    it('makes no event late by the id of a version', async () => {
      const subject = await Subject.in(lifecycle);
      await subject.plantSeed(KNOWN_SEED, `${FUTURE}-${randomUUID()}`);

      expect((await subject.create()).answer.Status).toBe('SUCCESS');
      await subject.signIn();
    });
  });

  describe('with write access to the secret', () => {
    it('has no device enabled that was made before, with a seed that is known', async () => {
      const subject = await Subject.in(lifecycle);
      const serialNumber = subject.serialNumber();
      subject.foreignDevice(serialNumber, { tags: [] });
      await subject.plantSeed(KNOWN_SEED, `20260115T120000Z-${randomUUID()}`);

      const run = await subject.create();

      expect(run.answer.Status).toBe('FAILED');
      expect(run.answer.Reason).toContain("is not this resource's");
      expect(subject.enabledFor()).toEqual([]);
      lifecycle.aws.iam.virtualMfaDevices.delete(serialNumber);
    });

    it('has no device enabled that carries the marks, with a version that the handler did not store', async () => {
      const subject = await Subject.in(lifecycle);
      const versionId = randomUUID();
      await subject.orphanWithoutSeed();
      subject.device()?.tags.set(SEED_VERSION_TAG, versionId);
      const planted = subject.device()?.seed ?? '';
      await subject.plantSeed(planted, versionId);

      const run = await subject.create();

      expect(run.answer.Reason).toBeUndefined();
      expect(subject.device()?.seed).not.toBe(planted);
      await subject.signIn();
    });

    it('has no device enabled whose version has a time, but is not one that the handler issues', async () => {
      const subject = await Subject.in(lifecycle);
      const versionId = `20260115T120000Z-${'0'.repeat(36)}`;
      await subject.orphanWithoutSeed();
      subject.device()?.tags.set(SEED_VERSION_TAG, versionId);
      const planted = subject.device()?.seed ?? '';
      await subject.plantSeed(planted, versionId);

      const run = await subject.create();

      expect(run.answer.Reason).toBeUndefined();
      expect(subject.device()?.seed).not.toBe(planted);
    });

    it('has nobody’s phone adopted by a new device, and so removed with it', async () => {
      const subject = await Subject.in(lifecycle);
      const properties = { VirtualMFADeviceName: `phone-of-${subject.userName}` };
      const phone = subject.serialNumber(properties);
      subject.foreignDevice(phone, { tags: [], enabledFor: subject.userName });
      await subject.plantSeed('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', `20260115T120000Z-${randomUUID()}`, phone);

      const creation = await subject.create(properties);
      const deletion = await subject.delete(creation.answer.PhysicalResourceId, properties);

      expect(creation.answer.Status).toBe('FAILED');
      expect(creation.answer.Reason).toContain("is not this resource's");
      expect(iamWrites([...creation.actions, ...deletion.actions])).toEqual(['iam:CreateVirtualMFADevice']);
      expect(subject.enabledFor()).toContain(phone);
      expect([...(subject.device(phone)?.tags.keys() ?? [])]).toEqual([]);
    });

    it('has nobody’s phone adopted by a change in place, for want of its codes', async () => {
      const subject = await enrolled();
      const { seed } = subject.device() ?? {};
      subject.device()?.tags.clear();
      await subject.plantSeed(KNOWN_SEED, `20260115T120008Z-${randomUUID()}`);
      lifecycle.clock.advance(120_000);

      const run = await subject.update({}, { Issuer: 'Elsewhere' });

      expect(run.answer.Status).toBe('FAILED');
      expect(run.answer.Reason).toContain("is not this resource's");
      expect(iamWrites(run.actions)).toEqual(Array.from({ length: 6 }, () => 'iam:ResyncMFADevice'));
      expect(subject.device()?.seed).toBe(seed);
      expect(subject.device()?.tags.size).toBe(0);
    });

    it('has nobody’s phone removed by a value that names it', async () => {
      const subject = await enrolled();
      const phone = `arn:aws:iam::${ACCOUNT_ID}:mfa/phone-of-${subject.userName}`;
      subject.foreignDevice(phone, { tags: [], enabledFor: subject.userName });
      await subject.plantSeed(KNOWN_SEED, `20260115T120000Z-${randomUUID()}`, phone);

      const run = await subject.delete(phone);

      expect(run.answer.Status).toBe('SUCCESS');
      expect(iamWrites(run.actions)).toEqual([]);
      expect(subject.enabledFor()).toContain(phone);
      expect(run.logLines.join('')).toContain('"leftBecause"');
    });
  });

  describe('with the right to tag devices', () => {
    /** A device whose first incarnation is dead, as its version is; the tag names the dead one's. */
    async function movedTag(): Promise<Subject> {
      const subject = await enrolled();
      const dead = subject.device()?.tags.get(SEED_VERSION_TAG) ?? '';
      lifecycle.aws.iam.virtualMfaDevices.delete(subject.serialNumber());
      lifecycle.clock.advance(2_000);
      expect((await subject.update({}, { Issuer: 'Elsewhere' })).answer.Reason).toBeUndefined();
      lifecycle.clock.advance(2_000);
      subject.device()?.tags.set(SEED_VERSION_TAG, dead);
      return subject;
    }

    it('has no dead seed made current by an update, which puts the tag right', async () => {
      const subject = await movedTag();
      const seed = subject.device()?.seed;

      const run = await subject.update({ Issuer: 'Elsewhere' }, { Issuer: 'Somewhere' });

      expect(run.answer.Reason).toBeUndefined();
      expect((await subject.stored())?.seed).toBe(seed);
      expect(subject.device()?.seed).toBe(seed);
      expect(subject.enabledFor()).toEqual([subject.serialNumber()]);
      expect(run.actions).toContain('iam:ResyncMFADevice');
      const next = await subject.update({ Issuer: 'Somewhere' }, { Issuer: 'Elsewhere' });
      expect(next.answer.Reason).toBeUndefined();
      expect(next.actions).not.toContain('iam:ResyncMFADevice');
    });

    it('cannot have the tag put right where the current seed is dead, too', async () => {
      const subject = await movedTag();
      await subject.plantSeed(KNOWN_SEED, `20260115T120008Z-${randomUUID()}`);

      const run = await subject.update({ Issuer: 'Elsewhere' }, { Issuer: 'Somewhere' });

      expect(run.answer.Status).toBe('FAILED');
      expect(run.answer.Reason).toContain(`IAM refuses the codes of the seed`);
      expect(subject.enabledFor()).toEqual([subject.serialNumber()]);
    });

    it('has no dead seed made current by a rollback', async () => {
      const subject = await movedTag();
      lifecycle.clock.advance(2_000);
      expect((await subject.update({}, { RotationId: '2' })).answer.Reason).toBeUndefined();
      lifecycle.clock.advance(2_000);
      const before = await subject.stored();

      const newSerialNumber = subject.serialNumber({ RotationId: '2' });
      const run = await subject.update({ RotationId: '2' }, {}, newSerialNumber);

      expect(run.answer.Status).toBe('FAILED');
      expect(await subject.stored()).toEqual(before);
      expect(subject.enabledFor()).toContain(subject.serialNumber());
    });

    it('cannot keep a seed from being restored that somebody has overwritten', async () => {
      const subject = await enrolled();
      const seed = subject.device()?.seed;
      await subject.plantSeed(KNOWN_SEED, `20260115T120008Z-${randomUUID()}`);
      lifecycle.clock.advance(120_000);

      const run = await subject.update({}, { Issuer: 'Elsewhere' });

      expect(run.answer.Reason).toBeUndefined();
      expect(run.actions).toContain('iam:ResyncMFADevice');
      expect((await subject.stored())?.seed).toBe(seed);
      await subject.signIn();
    });
  });

  it('tells which devices a Delete leaves because a later request has made them', async () => {
    const subject = await enrolled();
    const late = subject.event({ RequestType: 'Delete', PhysicalResourceId: subject.serialNumber() });
    subject.device()?.tags.set(STACK_ID_TAG, STACK_ID);
    const ResponseURL = late.ResponseURL.replace(/X-Amz-Date=\w+/, 'X-Amz-Date=20260101T000000Z');

    const run = await lifecycle.run({ ...late, ResponseURL });

    expect(run.answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([subject.serialNumber()]);
    expect(run.logLines.join('')).toContain('"leftBecause":"a later request has made it"');
  });
});
