import { afterAll, describe, expect, it } from 'vitest';
import { AwsError, type Fault } from 'local-aws';
import { codesIn, writing } from './handler-stack';
import { FUNCTION_TIMEOUT_MILLISECONDS, Lifecycle, type RotationRun } from './lifecycle';
import { Subject } from './subject';

/** `ROTATION_FAULTS=all npx vitest run test/lambda/rotation-faults.test.ts` tries each fault at each call, and all that comes after. */
const ALL = process.env.ROTATION_FAULTS === 'all';

const FOREVER = Number.POSITIVE_INFINITY;
const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

/** What goes wrong with one call of one step. */
interface Mishap {
  readonly name: string;
  readonly death?: 'before' | 'after';
  readonly fault?: Omit<Fault, 'action'>;
}

function mishapsOf(action: string): readonly Mishap[] {
  const isIam = action.startsWith('iam:');
  const denied = new AwsError(isIam ? 'AccessDenied' : 'AccessDeniedException', 'on demand', 403);
  const failure = new AwsError(isIam ? 'ServiceFailure' : 'InternalServiceError', 'on demand', 500);
  const gone = new AwsError(isIam ? 'NoSuchEntity' : 'ResourceNotFoundException', 'on demand', isIam ? 404 : 400);
  const common: readonly Mishap[] = [
    { name: 'death before', death: 'before' },
    { name: 'death after', death: 'after' },
    { name: 'is denied', fault: { answer: denied, times: FOREVER } },
  ];
  const others: readonly Mishap[] = [
    { name: 'fails until the time runs out', fault: { answer: failure, times: FOREVER } },
    { name: 'fails once', fault: { answer: failure, times: 1 } },
    { name: 'does not see it', fault: { answer: gone, times: 1 } },
  ];
  const lost: readonly Mishap[] = [
    { name: 'fails after taking effect', fault: { answer: failure, times: 1, moment: 'after' } },
  ];
  return [...common, ...(writing([action]).length > 0 ? lost : []), ...(ALL ? others : [])];
}

/** What may come after a rotation that went wrong. */
const AFTERWARDS = {
  'the next rotation': async (subject: Subject) => {
    await subject.aws.secretsManager.rotateDue();
    const { outcomes } = subject.aws.secretsManager;
    // One that was given up is not tried again by itself: the next begins as scheduled.
    if (outcomes.at(-1)?.eventName !== 'RotationSucceeded') await subject.rotate();
    expect(outcomes.at(-1)?.error?.message).toBeUndefined();
    expect(outcomes.at(-1)?.eventName).toBe('RotationSucceeded');
    await holdsR2(subject);
  },
  'a deployment': async (subject: Subject) => {
    const { answer } = await subject.update({}, { Issuer: 'Elsewhere' });
    expect(answer.Reason).toBeUndefined();
    expect(answer.PhysicalResourceId).toBe(subject.serialNumber());
    await signsIn(subject, subject.serialNumber());
    await AFTERWARDS['the next rotation'](subject);
  },
  'a deletion': async (subject: Subject) => {
    const { answer } = await subject.delete();
    expect(answer.Reason).toBeUndefined();
    expect(subject.ownDevices()).toEqual([]);
  },
} as const;

describe('whatever goes wrong with one call of a rotation', () => {
  let cases = 0;
  const began = performance.now();
  afterAll(() => {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    process.stdout.write(`faults of rotations: ${cases} cases in ${seconds} s\n`);
  });

  it.each(STEPS)('in %s, the current seed signs in, and whatever comes next ends well', async (step) => {
    const lifecycle = await Lifecycle.start();
    try {
      const subject = await enrolled(lifecycle);
      const runs = await subject.rotate();
      const { actions } = runs[STEPS.indexOf(step)] ?? { actions: [] };
      expect(actions.length).toBeGreaterThan(0);

      const failed: string[] = [];
      for (const [place, action] of actions.entries()) {
        for (const mishap of mishapsOf(action)) {
          const names = Object.keys(AFTERWARDS) as (keyof typeof AFTERWARDS)[];
          for (const afterwards of ALL ? names : [names[cases % names.length] ?? 'a deletion']) {
            cases += 1;
            const at = `${step}, call ${place + 1}, ${action} ${mishap.name}, then ${afterwards}`;
            await holds(lifecycle, step, place, action, mishap, afterwards).catch((error: unknown) =>
              failed.push(`${at}: ${messageOf(error)}`),
            );
          }
        }
      }
      expect(failed).toEqual([]);
    } finally {
      await lifecycle.close();
    }
  });

  async function holds(
    lifecycle: Lifecycle,
    step: (typeof STEPS)[number],
    place: number,
    action: string,
    { death, fault }: Mishap,
    afterwards: keyof typeof AFTERWARDS,
  ): Promise<void> {
    lifecycle.directUntil = Infinity;
    const subject = await enrolled(lifecycle);
    const { faults } = lifecycle.aws.account;
    const foreign = `${subject.serialNumber()}-own`;
    subject.foreignDevice(foreign, { enabledFor: subject.userName });
    const foreignBefore = structuredClone(subject.device(foreign));
    let seeds: readonly string[] = [];
    let isStruck = false;
    const isOfStep = (runs: number) => STEPS[runs] === step;

    const runs = await subject.rotate(undefined, (before) => {
      const isHere = isOfStep(before.length);
      lifecycle.directUntil = isHere ? place : Infinity;
      lifecycle.interruption = isHere && death ? { place, moment: death, what: 'death' } : undefined;
      lifecycle.observer = (_called, current) => {
        seeds = [...seeds, ...subject.ownDevices().map((serialNumber) => subject.device(serialNumber)?.seed ?? '')];
        // R1, at every call.
        expect(subject.enabledFor().filter((serialNumber) => serialNumber !== foreign)).not.toEqual([]);
        if (!isHere || !fault || current !== place || isStruck) return;
        isStruck = true;
        faults.inject({ ...fault, action });
      };
    });
    lifecycle.interruption = undefined;
    lifecycle.observer = undefined;
    lifecycle.directUntil = Infinity;
    faults.clear();

    expect(runs.every(({ elapsedMilliseconds }) => elapsedMilliseconds < FUNCTION_TIMEOUT_MILLISECONDS)).toBe(true);
    saysNothingSecret(runs, seeds);
    const current = await subject.stored();
    await signsIn(subject, current?.serialNumber ?? '');
    await AFTERWARDS[afterwards](subject);
    expect(subject.device(foreign)).toEqual(foreignBefore);
    lifecycle.aws.iam.virtualMfaDevices.clear();
  }
});

async function enrolled(lifecycle: Lifecycle): Promise<Subject> {
  const subject = await Subject.in(lifecycle);
  const { answer } = await subject.create();
  expect(answer.Reason).toBeUndefined();
  return subject;
}

/** The current seed is that of an enabled device, and STS takes its codes. */
async function signsIn(subject: Subject, serialNumber: string): Promise<void> {
  const stored = await subject.stored();
  expect(stored?.serialNumber).toBe(serialNumber);
  expect(stored?.seed === subject.device(serialNumber)?.seed).toBe(true);
  expect(subject.enabledFor()).toContain(serialNumber);
  await subject.signIn(serialNumber);
}

/** R2 of docs/design.md. */
async function holdsR2(subject: Subject): Promise<void> {
  await signsIn(subject, subject.serialNumber());
  expect(subject.ownDevices()).toEqual([subject.serialNumber()]);
  const described = await subject.administrate('secretsmanager', 'DescribeSecret', { SecretId: subject.seedSecretArn });
  expect(Object.values(described['VersionIdsToStages'] as Record<string, string[]>).flat()).not.toContain('AWSPENDING');
}

function saysNothingSecret(runs: readonly RotationRun[], seeds: readonly string[]): void {
  const said = runs.flatMap(({ logLines, reason }) => [...logLines, reason]).join('\n');
  for (const seed of new Set(seeds)) expect(said.includes(seed)).toBe(false);
  expect(codesIn(said.replaceAll(/"durationMilliseconds":\d+/g, ''))).toEqual([]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').slice(0, 300) : String(error);
}
