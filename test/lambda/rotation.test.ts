import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Lifecycle, type RotationRun, type Subject, writing } from './lifecycle';

const ENDED_WELL = ['succeeded', 'succeeded', 'succeeded', 'succeeded'];

describe('a rotation', () => {
  let lifecycle: Lifecycle;
  let subject: Subject;
  beforeAll(async () => {
    lifecycle = await Lifecycle.start();
  });
  afterAll(() => lifecycle.close());
  beforeEach(async () => {
    subject = await lifecycle.newSubject();
    const { answer } = await subject.create({ Tags: [{ Key: 'team', Value: 'blue' }], Issuer: 'Example Corp' });
    expect(answer.Reason).toBeUndefined();
  });

  it('gives the device another seed, and keeps its serial number, its user and its tags', async () => {
    const before = structuredClone(subject.device());
    const token = randomUUID();

    const runs = await subject.rotate(token);

    expect(reasons(runs)).toEqual([]);
    expect(outcomes(runs)).toEqual(ENDED_WELL);
    const after = subject.device();
    expect(after?.seed).not.toBe(before?.seed);
    expect(after?.assignment?.userName).toBe(subject.userName);
    expect(after?.tags.get('team')).toBe('blue');
    expect(subject.ownDevices()).toEqual([subject.serialNumber()]);
    expect((await versions(subject))[token]).toContain('AWSCURRENT');
    expect(Object.values(await versions(subject)).flat()).not.toContain('AWSPENDING');
    expect((await subject.stored())?.otpauthUri).toContain('issuer=Example%20Corp');
    await subject.signIn();
  });

  it('can be repeated as often as one likes, and deployments go on as before', async () => {
    const properties = { Tags: [{ Key: 'team', Value: 'blue' }], Issuer: 'Example Corp' };
    for (let time = 0; time < 3; time += 1) expect(outcomes(await subject.rotate())).toEqual(ENDED_WELL);

    const nothing = await subject.update(properties, { ...properties, ServiceTimeout: '1700' });
    const inPlace = await subject.update(properties, { ...properties, Issuer: 'Elsewhere' });

    expect([nothing.answer.Reason, inPlace.answer.Reason]).toEqual([undefined, undefined]);
    expect(writing(nothing.actions)).toEqual([]);
    expect((await subject.stored())?.otpauthUri).toContain('issuer=Elsewhere');
    await subject.signIn();
    expect(outcomes(await subject.rotate())).toEqual(ENDED_WELL);
    await subject.signIn();
    expect((await subject.delete()).answer.Status).toBe('SUCCESS');
    expect(subject.ownDevices()).toEqual([]);
  });

  it('leaves the device alone if the user has no room for another', async () => {
    for (let count = 1; count < 8; count += 1) {
      const serialNumber = `${subject.serialNumber()}-${count}`;
      subject.foreignDevice(serialNumber, { enabledFor: subject.userName });
    }
    const { seed, assignment } = subject.device() ?? {};

    const runs = await subject.rotate();

    expect(outcomes(runs)).toEqual(['failed']);
    expect(reasons(runs)[0]).toMatch(/has 8 MFA devices, and IAM allows 8/);
    expect(subject.device()).toMatchObject({ seed, assignment });
    expect(subject.ownDevices()).toEqual([subject.serialNumber()]);
    expect(Object.values(await versions(subject)).flat()).not.toContain('AWSPENDING');
    await subject.signIn();
  });

  it('bears the test that Secrets Manager makes before there is any', async () => {
    const steps: string[] = [];
    lifecycle.aws.secretsManager.onRotation(async (_arn, event) => {
      steps.push(event.Step);
      const run = await lifecycle.rotate(event);
      expect(run.reason).toBe('');
    });
    const before = structuredClone(subject.device());

    await subject.administrate('secretsmanager', 'RotateSecret', {
      SecretId: subject.seedSecretArn,
      ClientRequestToken: randomUUID(),
      RotationLambdaARN: 'arn:aws:lambda:us-east-1:123456789012:function:handler',
      RotationRules: { ScheduleExpression: 'rate(30 days)' },
      RotateImmediately: false,
    });
    await lifecycle.aws.secretsManager.ended();

    expect(steps).toEqual(['testSecret']);
    expect(subject.device()).toEqual(before);
    await subject.signIn();
  });
});

function outcomes(runs: readonly RotationRun[]): string[] {
  return runs.map(({ outcome }) => outcome);
}

function reasons(runs: readonly RotationRun[]): string[] {
  return runs.map(({ reason }) => reason).filter((reason) => reason !== '');
}

async function versions(subject: Subject): Promise<Readonly<Record<string, readonly string[]>>> {
  const described = await subject.administrate('secretsmanager', 'DescribeSecret', { SecretId: subject.seedSecretArn });
  return described['VersionIdsToStages'] as Record<string, readonly string[]>;
}
