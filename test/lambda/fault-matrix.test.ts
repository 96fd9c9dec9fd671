import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { AwsError, documentedErrors, type Fault } from 'local-aws';
import { ACCOUNT_ID, codesIn, KNOWN_SEED, type Properties, writing } from './handler-stack';
import { type CallObserver, FUNCTION_TIMEOUT_MILLISECONDS, type Interruption, Lifecycle, type Run } from './lifecycle';
import { Subject } from './subject';

const FOREVER = Number.POSITIVE_INFINITY;

interface Strike extends Omit<Fault, 'action'> {
  readonly name: string;
}

/** Where an action says of a device that it is not there, it is not: somebody deletes it at this very moment. */
const SPEAKS_OF_DEVICE = ['ListMFADeviceTags', 'TagMFADevice', 'UntagMFADevice', 'DeleteVirtualMFADevice'];

/** Everything that can happen to a call of an action. */
function strikesOn(action: string, deleteDevice: () => void): Strike[] {
  const [service = '', name = ''] = action.split(':');
  const failure = service === 'iam' ? 'ServiceFailure' : 'InternalServiceError';
  const throttling = service === 'iam' ? 'Throttling' : 'ThrottlingException';
  const denied = service === 'iam' ? 'AccessDenied' : 'AccessDeniedException';
  const error = (code: string, status: number) => new AwsError(code, `${code} on demand`, status);
  const transient: Omit<Strike, 'times'>[] = [
    { name: throttling, answer: error(throttling, 400) },
    { name: failure, answer: error(failure, 500) },
    { name: 'connection reset before', answer: 'connection reset' },
  ];
  // A call that changes nothing is tried again the same way, whichever temporary error it meets: one of them lasts.
  const enduring = writing([action]).length > 0 ? transient : transient.slice(0, 1);
  if (writing([action]).length > 0) {
    transient.push(
      { name: `${failure} after taking effect`, answer: error(failure, 500), moment: 'after' },
      { name: 'connection reset after', answer: 'connection reset', moment: 'after' },
    );
  }
  // A failure of the service itself is temporary.
  const documented = documentedErrors(action).filter(([code]) => code !== failure);
  const final = documented.map(([code, status]): Omit<Strike, 'times'> => {
    const isTrue = code === 'NoSuchEntity' && SPEAKS_OF_DEVICE.includes(name);
    return { name: code, answer: error(code, status), ...(isTrue ? { strike: deleteDevice } : {}) };
  });
  if (name === 'EnableMFADevice') {
    final.push({ name: 'NoSuchEntity of a deleted device', answer: error('NoSuchEntity', 404), strike: deleteDevice });
  }
  return [
    ...final.map((strike) => ({ ...strike, name: `${strike.name} once`, times: 1 })),
    ...final.map((strike) => ({ ...strike, name: `${strike.name} always`, times: FOREVER })),
    { name: `${denied} once`, times: 1, answer: error(denied, 403) },
    { name: `${denied} always`, times: FOREVER, answer: error(denied, 403) },
    ...transient.map((strike) => ({ ...strike, name: `${strike.name} once`, times: 1 })),
    ...enduring.map((strike) => ({ ...strike, name: `${strike.name} until the time runs out`, times: FOREVER })),
  ];
}

/** A way through the handler: what is there before, the event, and what CloudFormation and the account expect of it. */
interface Path {
  readonly name: string;
  prepare(subject: Subject): Promise<void>;
  act(subject: Subject): Promise<Run>;
  /** What CloudFormation does next, faults over; then what must hold. */
  assess(subject: Subject, run: Run): Promise<void>;
}

const OLD: Properties = { RotationId: '1' };
const GONE: Properties = { UserName: 'gone' };
const NEW: Properties = { RotationId: '2' };
const RENAMED: Properties = { RotationId: '1', Issuer: 'Elsewhere', Tags: [{ Key: 'team', Value: 'red' }] };
const LEAVING: Properties = { RotationId: '1', RemoveOtherDevicesWithUser: 'Bob' };
const TAGGED: Properties = { RotationId: '1', Tags: [{ Key: 'cost-centre', Value: '7' }] };

async function succeeds(run: Promise<Run>): Promise<Run> {
  const done = await run;
  expect(done.answer.Reason).toBeUndefined();
  expect(done.answer.Status).toBe('SUCCESS');
  return done;
}

/** I1 of docs/design.md: enabled for the user, the current seed is the device's, and STS takes its codes. */
async function holdsEnabledDevice(subject: Subject, properties: Properties): Promise<void> {
  const serialNumber = subject.serialNumber(properties);
  expect(subject.device(serialNumber)?.assignment?.userName).toBe(subject.userName);
  const stored = await subject.stored();
  expect(stored?.serialNumber).toBe(serialNumber);
  expect(stored?.userName).toBe(subject.userName);
  expect(stored?.seed).toBe(subject.device(serialNumber)?.seed);
  await subject.signIn(serialNumber);
}

/** I2: a FAILED Create is followed by a Delete with the answered id, and nothing is left. */
async function assessCreate(subject: Subject, run: Run): Promise<void> {
  expect(run.answer.PhysicalResourceId).toBe(subject.serialNumber(OLD));
  if (run.answer.Status === 'SUCCESS') return holdsEnabledDevice(subject, OLD);
  await succeeds(subject.delete(run.answer.PhysicalResourceId, OLD));
  expect(subject.ownDevices()).toEqual([]);
}

const fresh = async (subject: Subject) => {
  await succeeds(subject.create(OLD));
};

/** Adopts the device that `existing` put there. */
const ADOPTING = (subject: Subject): Properties => ({ ...subject.existing, Tags: [{ Key: 'team', Value: 'red' }] });

/** Enabled for its user, or for nobody, and with no tag: as somebody else has made it. Somebody may have deleted it meanwhile. */
function isAsFound(subject: Subject, enabledFor: string | undefined): void {
  const device = subject.device(subject.existingSerialNumber);
  if (!device) return;
  expect(device.assignment?.userName).toBe(enabledFor);
  expect([...device.tags.keys()]).toEqual([]);
}

function adoptionOf(device: 'that nobody uses' | 'that its user uses'): Path {
  const holder = (subject: Subject) => (device === 'that its user uses' ? subject.userName : undefined);
  return {
    name: `Create that adopts a device ${device}`,
    prepare: async (subject) => {
      const enabledFor = holder(subject);
      await subject.existingDevice(enabledFor === undefined ? {} : { enabledFor });
    },
    act: (subject) => subject.create(ADOPTING(subject)),
    assess: async (subject, run) => {
      expect(run.answer.PhysicalResourceId).toBe(subject.existingSerialNumber);
      if (run.answer.Status === 'SUCCESS') return holdsEnabledDevice(subject, ADOPTING(subject));
      await succeeds(subject.delete(run.answer.PhysicalResourceId, ADOPTING(subject)));
      isAsFound(subject, holder(subject));
    },
  };
}

const enrolledByHand = (subject: Subject) => `arn:aws:iam::${ACCOUNT_ID}:mfa/phone-of-${subject.userName}`;
const tokenOf = (subject: Subject) => `GAHT-${subject.userName}`;

const PATHS: readonly Path[] = [
  {
    name: 'Create',
    prepare: async () => undefined,
    act: (subject) => subject.create(OLD),
    assess: assessCreate,
  },
  {
    name: 'Create over an orphan with its seed',
    prepare: async (subject) => {
      await fresh(subject);
      await subject.deactivate(subject.serialNumber(OLD));
    },
    act: (subject) => subject.create(OLD),
    assess: assessCreate,
  },
  {
    name: 'Create over an orphan without its seed',
    prepare: (subject) => subject.orphanWithoutSeed(OLD),
    act: (subject) => subject.create(OLD),
    assess: assessCreate,
  },
  {
    name: 'a duplicate Create',
    prepare: fresh,
    act: (subject) => subject.create(OLD),
    assess: assessCreate,
  },
  {
    name: 'Update in place',
    prepare: async (subject) => {
      await succeeds(subject.create(TAGGED));
    },
    act: (subject) => subject.update(TAGGED, RENAMED),
    assess: async (subject, run) => {
      expect(run.answer.PhysicalResourceId).toBe(subject.serialNumber(OLD));
      if (run.answer.Status === 'FAILED') await succeeds(subject.update(RENAMED, TAGGED));
      await holdsEnabledDevice(subject, TAGGED);
      const tags = subject.device(subject.serialNumber(OLD))?.tags;
      const wanted = run.answer.Status === 'SUCCESS' ? [undefined, 'red'] : ['7', undefined];
      expect([tags?.get('cost-centre'), tags?.get('team')]).toEqual(wanted);
    },
  },
  {
    name: 'Update in place of a device that was deactivated by hand',
    prepare: async (subject) => {
      await fresh(subject);
      await subject.deactivate(subject.serialNumber(OLD));
    },
    act: (subject) => subject.update(OLD, RENAMED),
    assess: async (subject, run) => {
      expect(run.answer.PhysicalResourceId).toBe(subject.serialNumber(OLD));
      if (run.answer.Status === 'FAILED') await succeeds(subject.update(RENAMED, OLD));
      await holdsEnabledDevice(subject, OLD);
    },
  },
  {
    name: 'Update in place of a device that was deleted by hand',
    prepare: async (subject) => {
      await fresh(subject);
      await subject.deactivate(subject.serialNumber(OLD));
      await subject.administrate('iam', 'DeleteVirtualMFADevice', { SerialNumber: subject.serialNumber(OLD) });
    },
    act: (subject) => subject.update(OLD, RENAMED),
    assess: async (subject, run) => {
      expect(run.answer.PhysicalResourceId).toBe(subject.serialNumber(OLD));
      if (run.answer.Status === 'FAILED') await succeeds(subject.update(RENAMED, OLD));
      await holdsEnabledDevice(subject, OLD);
    },
  },
  {
    name: 'Update in place of a device whose current seed somebody has overwritten',
    prepare: async (subject) => {
      await fresh(subject);
      await subject.plantSeed(KNOWN_SEED, `20260115T120008Z-${randomUUID()}`, subject.serialNumber(OLD));
      subject.lifecycle.clock.advance(120_000);
    },
    act: (subject) => subject.update(OLD, RENAMED),
    assess: async (subject, run) => {
      expect(run.answer.PhysicalResourceId).toBe(subject.serialNumber(OLD));
      subject.lifecycle.clock.advance(120_000);
      if (run.answer.Status === 'FAILED') await succeeds(subject.update(RENAMED, OLD));
      await holdsEnabledDevice(subject, OLD);
    },
  },
  {
    name: 'Update in place of a device whose tags somebody has taken away',
    prepare: async (subject) => {
      await fresh(subject);
      subject.device(subject.serialNumber(OLD))?.tags.clear();
    },
    act: (subject) => subject.update(OLD, RENAMED),
    assess: async (subject, run) => {
      expect(run.answer.PhysicalResourceId).toBe(subject.serialNumber(OLD));
      if (run.answer.Status === 'FAILED') await succeeds(subject.update(RENAMED, OLD));
      await holdsEnabledDevice(subject, OLD);
    },
  },
  {
    name: 'Update with a replacement',
    prepare: fresh,
    act: (subject) => subject.update(OLD, NEW),
    assess: async (subject, run) => {
      const oldSerialNumber = subject.serialNumber(OLD);
      if (run.answer.Status === 'SUCCESS') {
        expect(run.answer.PhysicalResourceId).toBe(subject.serialNumber(NEW));
        await succeeds(subject.delete(oldSerialNumber, OLD));
        expect(subject.ownDevices()).toEqual([subject.serialNumber(NEW)]);
        return holdsEnabledDevice(subject, NEW);
      }
      expect(run.answer.PhysicalResourceId).toBe(oldSerialNumber);
      await succeeds(subject.update(NEW, OLD, oldSerialNumber));
      await holdsEnabledDevice(subject, OLD);
    },
  },
  {
    name: 'rollback Update after a failed replacement, with the old id',
    prepare: async (subject) => {
      await fresh(subject);
      subject.aws.account.faults.inject({
        action: 'iam:EnableMFADevice',
        answer: new AwsError('LimitExceeded', 'Cannot exceed quota for MFADevicesPerUser: 8', 409),
      });
      const { answer } = await subject.update(OLD, NEW);
      expect(answer.Status).toBe('FAILED');
    },
    act: (subject) => subject.update(NEW, OLD, subject.serialNumber(OLD)),
    assess: async (subject, run) => {
      expect(run.answer.PhysicalResourceId).toBe(subject.serialNumber(OLD));
      if (run.answer.Status === 'FAILED') await succeeds(subject.update(NEW, OLD, subject.serialNumber(OLD)));
      await holdsEnabledDevice(subject, OLD);
    },
  },
  {
    name: 'rollback Update of a replacement that was made, with the new id',
    prepare: async (subject) => {
      await fresh(subject);
      await succeeds(subject.update(OLD, NEW));
    },
    act: (subject) => subject.update(NEW, OLD, subject.serialNumber(NEW)),
    assess: async (subject, run) => {
      const newSerialNumber = subject.serialNumber(NEW);
      if (run.answer.Status === 'FAILED') {
        expect(run.answer.PhysicalResourceId).toBe(newSerialNumber);
        await succeeds(subject.update(NEW, OLD, newSerialNumber));
      }
      await succeeds(subject.delete(newSerialNumber, NEW));
      expect(subject.ownDevices()).toEqual([subject.serialNumber(OLD)]);
      await holdsEnabledDevice(subject, OLD);
    },
  },
  {
    name: 'Delete',
    prepare: fresh,
    act: (subject) => subject.delete(subject.serialNumber(OLD), OLD),
    assess: async (subject, run) => {
      expect(run.answer.PhysicalResourceId).toBe(subject.serialNumber(OLD));
      if (run.answer.Status === 'FAILED') await succeeds(subject.delete(subject.serialNumber(OLD), OLD));
      expect(subject.ownDevices()).toEqual([]);
    },
  },
  {
    name: 'Delete with an id that CloudFormation invented',
    prepare: fresh,
    act: (subject) => subject.delete('users-Mfa-1X2Y3Z', OLD),
    assess: async (subject, run) => {
      expect(run.answer.PhysicalResourceId).toBe('users-Mfa-1X2Y3Z');
      if (run.answer.Status === 'FAILED') await succeeds(subject.delete('users-Mfa-1X2Y3Z', OLD));
      expect(subject.ownDevices()).toEqual([]);
    },
  },
  {
    name: 'Delete with the user, who has other devices',
    prepare: async (subject) => {
      await fresh(subject);
      subject.foreignDevice(enrolledByHand(subject), { enabledFor: subject.userName, tags: [] });
      subject.aws.iam.enableHardwareDevice(subject.userName, tokenOf(subject));
      subject.lifecycle.stack.enter('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', undefined);
      subject.lifecycle.declareUsers('Eve');
    },
    act: (subject) => subject.delete(subject.serialNumber(LEAVING), LEAVING),
    assess: async (subject, run) => {
      const said = run.logLines.join('');
      const others = [enrolledByHand(subject), tokenOf(subject)];
      const left = () => others.filter((serialNumber) => subject.enabledFor().includes(serialNumber));
      // They are no reason to keep the stack from deleting the user, but the log has to say why they are left.
      const why = /"leftBecause":"|iam:ListMFADevices answered NoSuchEntity/;
      if (left().length > 0 && run.answer.Status === 'SUCCESS') expect(said).toMatch(why);
      await succeeds(subject.delete(subject.serialNumber(LEAVING), LEAVING));
      expect(subject.device(subject.serialNumber(LEAVING))).toBeUndefined();
      expect(left()).toEqual([]);
    },
  },
  adoptionOf('that nobody uses'),
  adoptionOf('that its user uses'),
  {
    name: 'rollback Update of a replacement that adopted a device',
    prepare: async (subject) => {
      await subject.existingDevice();
      await fresh(subject);
      await succeeds(subject.update(OLD, ADOPTING(subject)));
    },
    act: (subject) => subject.update(ADOPTING(subject), OLD, subject.serialNumber(OLD)),
    assess: async (subject, run) => {
      const made = subject.serialNumber(OLD);
      expect(run.answer.PhysicalResourceId).toBe(made);
      if (run.answer.Status === 'FAILED') await succeeds(subject.update(ADOPTING(subject), OLD, made));
      isAsFound(subject, undefined);
      await holdsEnabledDevice(subject, OLD);
    },
  },
  {
    name: 'Delete of a device that was adopted',
    prepare: async (subject) => {
      await subject.existingDevice();
      await succeeds(subject.create(ADOPTING(subject)));
    },
    act: (subject) => subject.delete(subject.existingSerialNumber, ADOPTING(subject)),
    assess: async (subject, run) => {
      expect(run.answer.PhysicalResourceId).toBe(subject.existingSerialNumber);
      if (run.answer.Status === 'FAILED') {
        await succeeds(subject.delete(subject.existingSerialNumber, ADOPTING(subject)));
      }
      isAsFound(subject, undefined);
    },
  },
  {
    name: 'Delete of a device, a secret and a user that are gone',
    prepare: async (subject) => {
      await subject.administrate('secretsmanager', 'DeleteSecret', { SecretId: subject.seedSecretArn });
      await subject.administrate('iam', 'DeleteUser', { UserName: subject.otherUserName });
    },
    act: (subject) => subject.delete(subject.serialNumber(GONE), GONE),
    assess: async (subject, run) => {
      if (run.answer.Status === 'FAILED') await succeeds(subject.delete(subject.serialNumber(GONE), GONE));
      expect(subject.ownDevices()).toEqual([]);
    },
  },
];

/** What befalls the handler itself at a call. */
const INTERRUPTIONS: readonly Omit<Interruption, 'place'>[] = [
  { what: 'death', moment: 'before' },
  { what: 'death', moment: 'after' },
  { what: 'timeout', moment: 'before' },
  { what: 'timeout', moment: 'after' },
];

describe('whatever goes wrong with one call', () => {
  let cases = 0;
  const began = performance.now();
  afterAll(() => {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    process.stdout.write(`fault matrix: ${cases} cases in ${seconds} s\n`);
  });

  it.each(PATHS)('$name ends well, or CloudFormation brings it to a good end', holdsInAnAccountOfItsOwn);

  /** An account a path: its lists stay short, and so does the time to look through them. */
  async function holdsInAnAccountOfItsOwn(path: Path): Promise<void> {
    const lifecycle = await Lifecycle.start();
    try {
      await holdsAtEachCall(path, lifecycle);
    } finally {
      await lifecycle.close();
    }
  }

  async function holdsAtEachCall(path: Path, lifecycle: Lifecycle): Promise<void> {
    const subject = await Subject.in(lifecycle);
    await path.prepare(subject);
    const undisturbed = await path.act(subject);
    expect(undisturbed.answer.Reason).toBeUndefined();
    await path.assess(subject, undisturbed);

    const failed: string[] = [];
    for (const [place, action] of undisturbed.actions.entries()) {
      if (isRepetition(undisturbed.actions, place)) continue;
      for (const strike of strikesOn(action, () => undefined)) {
        cases += 1;
        try {
          await struck(path, lifecycle, place, action, strike.name);
        } catch (error) {
          failed.push(`call ${place + 1}, ${action}: ${strike.name}: ${messageOf(error)}`);
        }
      }
    }

    for (const [place, action] of undisturbed.actions.entries()) {
      for (const interruption of INTERRUPTIONS) {
        cases += 1;
        try {
          await interrupted(path, lifecycle, { ...interruption, place });
        } catch (error) {
          failed.push(`call ${place + 1}, ${action}: ${interruption.what} ${interruption.moment}: ${messageOf(error)}`);
        }
      }
    }

    expect(failed).toEqual([]);
  }

  /** The function dies without an answer, and Lambda runs the event again; or it waits in vain, and goes on. */
  async function interrupted(path: Path, lifecycle: Lifecycle, interruption: Interruption): Promise<void> {
    const watch = await prepared(path, lifecycle);
    const { subject } = watch;

    lifecycle.observer = watch.onCall;
    lifecycle.interruption = interruption;
    lifecycle.directUntil = interruption.place;
    const first = await path.act(subject);
    lifecycle.directUntil = Infinity;
    lifecycle.interruption = undefined;
    lifecycle.clock.advance(60_000);
    const last = interruption.what === 'death' ? await path.act(subject) : first;

    expect(first.answers).toHaveLength(interruption.what === 'death' ? 0 : 1);
    expect(last.answer.Reason).toBeUndefined();
    await assess(path, watch, [first, last]);
  }

  async function struck(
    path: Path,
    lifecycle: Lifecycle,
    place: number,
    action: string,
    strikeName: string,
  ): Promise<void> {
    const watch = await prepared(path, lifecycle);
    const { subject } = watch;
    const { faults } = subject.aws.account;
    const deleteDevice = () => {
      watch.deleted.add(watch.serialNumber());
      subject.aws.iam.virtualMfaDevices.delete(watch.serialNumber());
    };
    const strike = strikesOn(action, deleteDevice).find(({ name }) => name === strikeName);
    if (!strike) throw new Error(`There is no strike ${strikeName} on ${action}`);
    const strokes: string[] = [];
    const struckOnce = () => {
      strokes.push(action);
      strike.strike?.();
    };

    lifecycle.observer = (called, current, input) => {
      watch.onCall(called, current, input);
      if (current === place) faults.inject({ ...strike, action, strike: struckOnce });
    };
    lifecycle.directUntil = place;
    const run = await path.act(subject);
    lifecycle.directUntil = Infinity;
    faults.clear();

    // A call that fails by itself takes no effect, so nothing strikes after it.
    expect(strokes.length).toBeGreaterThanOrEqual(strike.moment === 'after' ? 0 : 1);
    await assess(path, watch, [run]);
  }

  /** A path that is about to be taken, with what must stay as it is, and what must be told to nobody. */
  async function prepared(path: Path, lifecycle: Lifecycle) {
    const subject = await Subject.in(lifecycle);
    const foreign = [
      `arn:aws:iam::${ACCOUNT_ID}:mfa/${subject.userName}-own`,
      `arn:aws:iam::${ACCOUNT_ID}:mfa/${subject.userName}-unassigned`,
    ] as const;
    subject.foreignDevice(foreign[0], { enabledFor: subject.userName });
    subject.foreignDevice(foreign[1], { tags: [] });
    const foreignBefore = foreign.map((its) => structuredClone(subject.device(its)));
    // Of a case, only the failing call and what its run calls after it go through the SDK.
    lifecycle.directUntil = Infinity;
    await path.prepare(subject);
    const seeds = new Set<string>();
    const collectSeeds = () => subject.ownDevices().forEach((own) => seeds.add(subject.device(own)?.seed ?? ''));
    collectSeeds();
    let serialNumber = '';
    const onCall: CallObserver = (_action, _place, input) => {
      if (typeof input.SerialNumber === 'string') serialNumber = input.SerialNumber;
      collectSeeds();
    };
    // The device that the latest call was about.
    const latest = () => serialNumber;
    // What somebody deletes meanwhile.
    const deleted = new Set<string>();
    return { subject, foreign, foreignBefore, deleted, seeds, collectSeeds, onCall, serialNumber: latest };
  }

  /** I5: an answer in time. I6: no seed in what was said. I4: what is somebody else's is as it was. Then the path's own. */
  async function assess(path: Path, watch: Awaited<ReturnType<typeof prepared>>, runs: readonly Run[]): Promise<void> {
    const { subject, foreign, foreignBefore, deleted, seeds, collectSeeds } = watch;
    collectSeeds();
    subject.lifecycle.observer = undefined;
    const last = runs.at(-1);
    if (!last) throw new Error('Nothing was run');
    expect(last.answers).toHaveLength(1);
    for (const { elapsedMilliseconds } of runs) {
      expect(elapsedMilliseconds).toBeLessThan(FUNCTION_TIMEOUT_MILLISECONDS - 10_000);
    }
    const said = runs.flatMap(({ answers, logLines }) => [...answers, ...logLines]).join('\n');
    seeds.forEach((seed) => expect(said.includes(seed)).toBe(false));
    expect(codesIn(said)).toEqual([]);
    await path.assess(subject, last);
    for (const [index, its] of foreign.entries()) {
      if (!deleted.has(its)) expect(subject.device(its)).toEqual(foreignBefore[index]);
    }
    subject.aws.iam.virtualMfaDevices.clear();
  }
});

/** Polls are alike: of rounds of one call or two that go on and on, the first two and the last two stand for all. */
function isRepetition(actions: readonly string[], place: number): boolean {
  return [-4, -2, 2, 4].every((distance) => actions[place + distance] === actions[place]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').slice(0, 300) : String(error);
}
