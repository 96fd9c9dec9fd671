import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LOGICAL_ID_TAG, RETIRED_TAG, SEED_VERSION_TAG, USER_NAME_TAG } from '../../lambda/contract/own-tags';
import { bridgeOf } from '../../lambda/contract/serial-number';
import { requestTimeOf } from '../../lambda/request-time';
import type { RotationEvent } from '../../lambda/rotation/event';
import { PENDING_LABEL, seedVersionId } from '../../lambda/contract/seed-version';
import { storedSeedOf } from '../../lambda/contract/stored-seed';
import { ACCOUNT_ID, KNOWN_SEED, writing } from './handler-stack';
import { Lifecycle, type RotationRun } from './lifecycle';
import { Subject } from './subject';

const ENDED_WELL = ['succeeded', 'succeeded', 'succeeded', 'succeeded'];

describe('a rotation', () => {
  let lifecycle: Lifecycle;
  let subject: Subject;
  beforeAll(async () => {
    lifecycle = await Lifecycle.start();
  });
  afterAll(() => lifecycle.close());
  beforeEach(async () => {
    subject = await Subject.in(lifecycle);
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

  it('makes a seed current only once STS takes its codes, so that whoever reads the current seed can sign in', async () => {
    const enabledFor: number[] = [];

    await subject.rotate(undefined, ({ length }) => {
      lifecycle.observer = (action, _place, input) => {
        if (action !== 'secretsmanager:UpdateSecretVersionStage' || input['VersionStage'] !== 'AWSCURRENT') return;
        const serving = length === 0 ? bridgeOf(subject.serialNumber()) : subject.serialNumber();
        const { enableDate } = subject.device(serving)?.assignment ?? {};
        enabledFor.push(lifecycle.clock.now() - Number(enableDate));
      };
    });
    lifecycle.observer = undefined;

    expect(enabledFor).toHaveLength(3);
    // As recorded, STS takes the codes of a new device after 14 seconds at the latest.
    for (const milliseconds of enabledFor) expect(milliseconds).toBeGreaterThanOrEqual(14_000);
  });

  it('lets a deletion tell late events that it has been there, while the bridge serves', async () => {
    await subject.rotate(undefined, ({ length }) => {
      if (length === 1) throw new Error('Secrets Manager takes its time');
    });

    const { answer } = await subject.delete();

    expect(answer.Reason).toBeUndefined();
    expect(subject.ownDevices()).toEqual([]);
    const { Tags } = await subject.administrate('secretsmanager', 'DescribeSecret', {
      SecretId: subject.seedSecretArn,
    });
    expect(JSON.stringify(Tags)).toContain(RETIRED_TAG);
  });

  it('makes the device anew for a deployment that has made its seed current again before the device was gone', async () => {
    const seed = await subject.stored();

    const runs = await subject.rotate(undefined, ({ length }) => {
      lifecycle.observer = (action) => {
        if (length !== 1 || action !== 'iam:DeleteVirtualMFADevice') return;
        const versionId = seedVersionId(requestTimeOf('', lifecycle.clock.now()), randomUUID(), subject.serialNumber());
        void subject.administrate('secretsmanager', 'PutSecretValue', {
          SecretId: subject.seedSecretArn,
          ClientRequestToken: versionId,
          SecretString: JSON.stringify(seed),
          VersionStages: ['AWSCURRENT'],
        });
      };
    });
    lifecycle.observer = undefined;

    expect(reasons(runs)).toEqual([]);
    expect(subject.ownDevices()).toEqual([subject.serialNumber()]);
    await subject.signIn();
  });

  it('fails before it changes anything if it had come to its end and died, and a deployment came then', async () => {
    const properties = { Tags: [{ Key: 'team', Value: 'blue' }], Issuer: 'Example Corp' };
    const token = randomUUID();
    await subject.rotate(token, ({ length }) => {
      lifecycle.observer = (action, place) => {
        const isEnd = length === 3 && action === 'iam:DeactivateMFADevice';
        if (isEnd) lifecycle.interruption = { place, moment: 'before', what: 'death' };
      };
    });
    lifecycle.observer = undefined;
    lifecycle.interruption = undefined;
    expect((await versions(subject))[token]).toEqual(expect.arrayContaining(['AWSCURRENT', 'AWSPENDING']));
    expect((await subject.update(properties, { ...properties, Issuer: 'Elsewhere' })).answer.Reason).toBeUndefined();
    const before = structuredClone(subject.device());

    // Secrets Manager tries the same again.
    const event = { Step: 'createSecret', SecretId: subject.seedSecretArn, ClientRequestToken: token } as const;
    const { reason, actions } = await lifecycle.rotate(event);

    expect(reason).toContain('A deployment, or another rotation, has changed the device');
    expect(writing(actions)).toEqual(['secretsmanager:UpdateSecretVersionStage']);
    expect(Object.values(await versions(subject)).flat()).not.toContain('AWSPENDING');
    expect(subject.device()).toEqual(before);
    await subject.signIn();
    expect(outcomes(await subject.rotate())).toEqual(ENDED_WELL);
    expect(subject.ownDevices()).toEqual([subject.serialNumber()]);
  });

  it('does not trust a deployment that has read the tags of the device which is gone, and sets those of the new one', async () => {
    const seed = await subject.stored();
    const { seedSecretArn: SecretId } = subject;
    const serialNumber = subject.serialNumber();
    let versionId = '';

    const runs = await subject.rotate(undefined, ({ length }) => {
      lifecycle.observer = (action) => {
        if (length !== 1) return;
        if (action === 'iam:DeleteVirtualMFADevice') {
          versionId = seedVersionId(requestTimeOf('', lifecycle.clock.now()), randomUUID(), serialNumber);
          const VersionStages = ['AWSCURRENT'];
          const value = { SecretId, ClientRequestToken: versionId, SecretString: JSON.stringify(seed), VersionStages };
          void subject.administrate('secretsmanager', 'PutSecretValue', value);
        }
        if (action === 'iam:EnableMFADevice') {
          const Tags = [{ Key: SEED_VERSION_TAG, Value: versionId }];
          void subject.administrate('iam', 'TagMFADevice', { SerialNumber: serialNumber, Tags });
        }
      };
    });
    lifecycle.observer = undefined;

    expect(reasons(runs)).toEqual([]);
    expect((await subject.stored())?.seed === subject.device()?.seed).toBe(true);
    expect(subject.ownDevices()).toEqual([serialNumber]);
    await subject.signIn();
  });

  it('goes on by the bridge if a deployment made the device’s seed current, and it died, when the device was gone', async () => {
    const seed = await subject.stored();
    const { seedSecretArn: SecretId } = subject;
    const serialNumber = subject.serialNumber();
    await subject.rotate(undefined, ({ length }) => {
      lifecycle.observer = (action, place) => {
        if (length !== 1 || action !== 'iam:DeleteVirtualMFADevice') return;
        lifecycle.interruption = { place, moment: 'after', what: 'death' };
        const versionId = seedVersionId(requestTimeOf('', lifecycle.clock.now()), randomUUID(), serialNumber);
        const VersionStages = ['AWSCURRENT'];
        const value = { SecretId, ClientRequestToken: versionId, SecretString: JSON.stringify(seed), VersionStages };
        void subject.administrate('secretsmanager', 'PutSecretValue', value);
      };
    });
    lifecycle.observer = undefined;
    lifecycle.interruption = undefined;
    expect(subject.ownDevices()).toEqual([bridgeOf(serialNumber)]);
    expect((await subject.stored())?.serialNumber).toBe(serialNumber);

    const runs = await subject.rotate();

    expect(reasons(runs)).toEqual([]);
    expect(subject.ownDevices()).toEqual([serialNumber]);
    await subject.signIn();
  });

  it('leaves the device alone while a replacement of it is under way', async () => {
    const token = randomUUID();
    await subject.rotate(token, ({ length }) => {
      if (length === 1) throw new Error('Secrets Manager takes its time');
    });
    const replacement = `${subject.serialNumber()}-replacement`;
    await subject.administrate('secretsmanager', 'PutSecretValue', {
      SecretId: subject.seedSecretArn,
      ClientRequestToken: seedVersionId(requestTimeOf('', lifecycle.clock.now()), randomUUID(), replacement),
      SecretString: JSON.stringify(await subject.stored()),
      VersionStages: [PENDING_LABEL],
    });
    const before = structuredClone(subject.device());

    const { reason } = await lifecycle.rotate({
      Step: 'setSecret',
      SecretId: subject.seedSecretArn,
      ClientRequestToken: token,
    });

    expect(reason).toContain('A deployment, or another rotation, has changed the device');
    expect(subject.device()).toEqual(before);
    await subject.signIn(bridgeOf(subject.serialNumber()));
  });

  it.each([
    ['device', (serialNumber: string) => serialNumber],
    ['device as being rotated', bridgeOf],
  ])(
    'touches no %s whose seed the secret does not have, whatever the secret and its tags say',
    async (_what, named) => {
      const victim = await Subject.in(lifecycle);
      await victim.create();
      const before = structuredClone(victim.device());
      const later = requestTimeOf('', lifecycle.clock.now() + 60_000);
      const owner = {
        serialNumber: named(victim.serialNumber()),
        userName: victim.userName,
        issuer: 'AWS',
        accountId: ACCOUNT_ID,
      };
      await subject.administrate('secretsmanager', 'PutSecretValue', {
        SecretId: subject.seedSecretArn,
        ClientRequestToken: seedVersionId(later, randomUUID(), owner.serialNumber),
        SecretString: JSON.stringify(storedSeedOf(owner, KNOWN_SEED)),
      });
      await subject.administrate('secretsmanager', 'TagResource', {
        SecretId: subject.seedSecretArn,
        Tags: [
          { Key: LOGICAL_ID_TAG, Value: victim.logicalId },
          { Key: USER_NAME_TAG, Value: victim.userName },
        ],
      });

      const runs = await subject.rotate();

      expect(reasons(runs)).toEqual([expect.stringContaining('IAM refuses the codes of the secret')]);
      expect(victim.device()).toEqual(before);
      expect(victim.ownDevices()).toEqual([victim.serialNumber()]);
    },
  );

  it('begins only if Secrets Manager has begun it', async () => {
    const before = structuredClone(subject.device());
    const event = { SecretId: subject.seedSecretArn, ClientRequestToken: randomUUID() };

    for (const Step of ['createSecret', 'setSecret', 'finishSecret'] as const) {
      const { outcome } = await lifecycle.rotate({ ...event, Step });

      expect(outcome).toBe('failed');
      expect(subject.device()).toEqual(before);
      expect(subject.ownDevices()).toEqual([subject.serialNumber()]);
    }
  });

  it.each([
    ['Step', { Step: 'dropSecret' }],
    ['SecretId', { SecretId: 'seed' }],
    ['ClientRequestToken', { ClientRequestToken: 'latest' }],
  ])('is refused before any call if Secrets Manager cannot have sent it: %s', async (member, change) => {
    const event = { Step: 'createSecret', SecretId: subject.seedSecretArn, ClientRequestToken: randomUUID() } as const;

    const run = await lifecycle.rotate({ ...event, ...change } as RotationEvent);

    expect(run.reason).toContain(`The event's ${member} is not valid`);
    expect(run.actions).toEqual([]);
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
