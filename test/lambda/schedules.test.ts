import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  ENROLLMENT_TAG,
  LOGICAL_ID_TAG,
  OWN_TAG_PREFIX,
  SEED_VERSION_TAG,
  STACK_ID_TAG,
} from '../../lambda/contract/own-tags';
import { ACCOUNT_ID, codesIn, type Properties } from './handler-stack';
import { Lifecycle } from './lifecycle';
import { Subject } from './subject';
import { type Rotation, Rotations } from './rotations';
import { Scheduler, type Turn } from './scheduler';
import { type Delivery, type Fate, type Operation, StackOperations, turnsOf } from './stack-operations';

/** `SCHEDULES=5000 SCHEDULE_SEED=7 npx vitest run test/lambda/schedules.test.ts` looks further, and elsewhere. */
const SCHEDULES = Number(process.env.SCHEDULES ?? 80);
/** Looking for a shorter failing schedule ends in time to be told. */
const LIMIT_MILLISECONDS = Math.max(600_000, SCHEDULES * 1_000);
const SEED = Number(process.env.SCHEDULE_SEED ?? 20_260_115);

/** What others do in the account while the stack is worked on. */
type Interference = 'a console enrolment' | 'deactivates by hand' | 'deletes by hand' | 'takes the tags away';

interface Schedule {
  readonly createFate: Fate;
  readonly operations: readonly Operation[];
  readonly isDeleted: boolean;
  readonly deliveries: readonly Delivery[];
  readonly interferences: readonly Interference[];
  readonly ticks: readonly Tick[];
  /** Whose turn it is, of those who can go on; the first, where it ends. */
  readonly choices: readonly number[];
}

/** A tick of a watch that leaves no resource time to settle, and so meets every deployment. */
interface Tick {
  readonly recreate: boolean;
  /** It dies right before this call, and Lambda runs its event again. */
  readonly diesBefore: number | undefined;
}

const fates = fc.constantFrom<Fate>('runs through', 'rolls back', 'is overtaken');
const deliveries = fc.array(
  fc.record({
    twice: fc.boolean(),
    diesBefore: fc.option(fc.nat(9), { nil: undefined, freq: 3 }),
  }),
  { maxLength: 8 },
);
const ticks = fc.array(
  fc.record({ recreate: fc.boolean(), diesBefore: fc.option(fc.nat(12), { nil: undefined, freq: 3 }) }),
  { maxLength: 3 },
);
const choices = fc.array(fc.nat(11), { maxLength: 150, size: 'max' });

const schedules = (
  changes: fc.Arbitrary<Properties>,
  interferences: fc.Arbitrary<Interference[]> = fc.constant([]),
): fc.Arbitrary<Schedule> =>
  fc.record({
    createFate: fc.oneof({ weight: 3, arbitrary: fc.constant<Fate>('runs through') }, fates),
    operations: fc.array(fc.record({ change: changes, fate: fates }), { maxLength: 3 }),
    isDeleted: fc.boolean(),
    deliveries,
    interferences,
    ticks,
    choices,
  });

const inPlace = fc.constantFrom<Properties>(
  { Issuer: 'Elsewhere' },
  { Issuer: 'Somewhere', Tags: [{ Key: 'team', Value: 'red' }] },
  { Tags: [{ Key: 'team', Value: 'blue' }] },
);
const rotation = fc.constantFrom<Properties>({ RotationId: '1' }, { RotationId: '2' });
/** The users' names are known only once the subject is there. */
const anotherUser = fc.constantFrom<Properties>({ UserName: 'USER' }, { UserName: 'OTHER' });
const anyChange = fc.oneof(inPlace, rotation, anotherUser);
/** The device that exists, or one that is made. */
const adoption = fc.constantFrom<Properties>({ Existing: 'PHONE' }, { Existing: undefined });

/** A device that is made, and nothing else. */
const CALM: Schedule = {
  createFate: 'runs through',
  operations: [],
  isDeleted: false,
  deliveries: [],
  interferences: [],
  ticks: [],
  choices: [],
};

describe('whatever happens at the same time', { timeout: LIMIT_MILLISECONDS }, () => {
  let lifecycle: Lifecycle;
  let held = 0;
  const began = performance.now();
  afterAll(() => {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    process.stdout.write(`random schedules: ${held} held, in ${seconds} s (seed ${SEED})\n`);
  });

  it('duplicates, crashes, cancelled updates and overtaken creations lose nothing', async () => {
    await check(schedules(anyChange), async (schedule) => {
      const subject = await Subject.in(lifecycle);
      const world = new World([subject]);
      world.deploy(subject, {}, named(schedule, subject));
      await world.run(schedule.choices);
      await world.settled(subject);
    });
  });

  it('a duplicate that stores its seed late leaves the seed of the enabled device current', async () => {
    // The first run has created a device when the second comes, finds no seed, and makes the device anew. The first stores its seed
    // after the second has, and before the second enables and answers.
    const untilBothHaveStored = [0, 0, 1, 0, ...Array.from({ length: 24 }, () => 2), 0];
    const schedule: Schedule = {
      ...CALM,
      deliveries: [{ twice: true, diesBefore: undefined }],
      choices: [...untilBothHaveStored, ...Array.from({ length: 6 }, () => 1)],
    };
    const holds = async ({ choices }: Schedule) => {
      const subject = await Subject.in(lifecycle);
      const world = new World([subject]);
      world.deploy(subject, {}, schedule);
      await world.run(choices);
      await world.settled(subject);
    };
    await check(fc.constant(schedule), holds, 1);
  });

  it.each(['iam:CreateVirtualMFADevice', 'secretsmanager:PutSecretValue', 'iam:EnableMFADevice'])(
    'a replacement that stalls after %s until its duplicate is done, and the old device deleted, keeps the new one',
    async (call) => {
      const updateTwice = [
        { twice: false, diesBefore: undefined },
        { twice: true, diesBefore: undefined },
      ];
      await holdsWithStall('runs through', updateTwice, (world, userName) =>
        world.runWithStall(`Update 2 of ${userName}`, call),
      );
    },
  );

  it.each(['secretsmanager:PutSecretValue', 'secretsmanager:DescribeSecret'])(
    'a creation that stalls after %s, until its device was replaced and a rollback returns to it, keeps the device',
    async (call) => {
      await holdsWithStall('rolls back', [{ twice: true, diesBefore: undefined }], (world, userName) =>
        world.runWithStall(`Create 1 of ${userName}`, call, `Update 3 of ${userName}: secretsmanager:PutSecretValue`),
      );
    },
  );

  it.each([
    ['iam:ListMFADevices', 'iam:CreateVirtualMFADevice'],
    ['iam:ListMFADevices', 'iam:EnableMFADevice'],
    ['secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage'],
  ])(
    'a change in place that stalls after %s, until a rotation has deleted the device and come to %s, leaves a seed that signs in',
    async (call, until) => {
      const operation: Operation = { change: { Issuer: 'Elsewhere' }, fate: 'runs through' };
      const schedule: Schedule = { ...CALM, operations: [operation] };
      const holds = async () => {
        const subject = await Subject.in(lifecycle);
        const world = new World([subject]);
        world.deploy(subject, {}, schedule);
        world.rotate(subject, [{ dies: undefined }], true);
        const { userName } = subject;
        await world.runWithStall(`Update 2 of ${userName}`, call, `setSecret 1 of ${userName}: ${until}`);
        await world.rotated(subject);
      };
      await check(fc.constant(schedule), holds, 1);
    },
  );

  const interferences = fc.array(
    fc.constantFrom<Interference>(
      'a console enrolment',
      'deactivates by hand',
      'deletes by hand',
      'takes the tags away',
    ),
    { minLength: 1, maxLength: 3 },
  );

  it.each([
    ['the next deployment', (world: World, subject: Subject) => world.mended(subject)],
    ['the next tick of a watch', (world: World, subject: Subject) => world.mendedByTick(subject)],
  ])('others who delete, deactivate and take tags away leave nothing that %s does not mend', async (_what, mended) => {
    await check(schedules(anyChange, interferences), async (schedule) => {
      const subject = await Subject.in(lifecycle);
      const world = new World([subject]);
      world.deploy(subject, {}, named(schedule, subject));
      world.interfere(subject, schedule.interferences);
      await world.run(schedule.choices);
      await mended(world, subject);
    });
  });

  it.each([
    ['any', anyChange],
    ['in-place', inPlace],
  ])(
    'rotations beside %s changes, rollbacks, deletions and duplicates end well, with a device at every moment',
    async (_which, changes) => {
      const dies = fc.record({ step: fc.nat(3), before: fc.nat(14) });
      const rotation = fc.record({ dies: fc.option(dies, { nil: undefined, freq: 2 }) });
      const rotations = fc.array(rotation, { minLength: 1, maxLength: 3 });
      await check(
        fc.record({ schedule: schedules(changes), rotations }),
        async ({ schedule, rotations: scheduled }) => {
          const subject = await Subject.in(lifecycle);
          const world = new World([subject]);
          world.deploy(subject, {}, named({ ...schedule, ticks: [] }, subject));
          const areInPlace = schedule.operations.every(({ change }) => !change.UserName && !change.RotationId);
          const isKept = areInPlace && schedule.createFate === 'runs through' && !schedule.isDeleted;
          world.rotate(subject, scheduled, isKept);
          await world.run(schedule.choices);
          await world.rotated(subject);
        },
      );
    },
  );

  it('adoptions beside changes, rollbacks, deletions and duplicates leave the device as they found it', async () => {
    const changes = fc.oneof(adoption, inPlace);
    await check(fc.record({ schedule: schedules(changes), base: adoption }), async ({ schedule, base }) => {
      const subject = await Subject.in(lifecycle);
      await subject.existingDevice();
      const world = new World([subject]);
      const inFull = named(schedule, subject);
      world.deploy(subject, base.Existing === undefined ? {} : subject.existing, inFull);
      await world.run(schedule.choices);
      await world.settled(subject);
    });
  });

  it('two stacks that want a device of the same name never touch each other’s', async () => {
    const both = fc.record({ ours: schedules(inPlace), theirs: schedules(inPlace) });
    await check(both, async ({ ours, theirs }) => {
      const base = { VirtualMFADeviceName: 'shared' };
      const otherLifecycle = await lifecycle.ofAnotherStack();
      const subjects = [await Subject.in(lifecycle), await Subject.in(otherLifecycle)] as const;
      const world = new World(subjects);
      world.deploy(subjects[0], base, ours);
      world.deploy(subjects[1], base, theirs);
      await world.run([...ours.choices, ...theirs.choices]);
      for (const subject of subjects) await world.settled(subject);
    });
  });

  /** A device that is made and replaced, with a run that stalls. */
  async function holdsWithStall(
    fate: Fate,
    how: readonly Delivery[],
    run: (world: World, userName: string) => Promise<void>,
  ): Promise<void> {
    const schedule: Schedule = { ...CALM, operations: [{ change: { RotationId: '1' }, fate }], deliveries: how };
    const holds = async () => {
      const subject = await Subject.in(lifecycle);
      const world = new World([subject]);
      world.deploy(subject, {}, schedule);
      await run(world, subject.userName);
      await world.settled(subject);
    };
    await check(fc.constant(schedule), holds, 1);
  }

  async function check<T>(
    arbitrary: fc.Arbitrary<T>,
    holds: (value: T) => Promise<void>,
    numRuns = SCHEDULES,
  ): Promise<void> {
    const property = fc.asyncProperty(arbitrary, async (value) => {
      await holds(value);
      held += 1;
    });
    const plugins = [
      fc.beforeEach(async () => {
        lifecycle = await Lifecycle.start();
        lifecycle.directUntil = Infinity;
      }),
      fc.afterEach(() => lifecycle.close()),
      fc.interruptAfterTimeLimit(LIMIT_MILLISECONDS * 0.9),
    ];
    await fc.assert(property, { numRuns, seed: SEED, plugins });
  }
});

function named(schedule: Schedule, { userName, otherUserName, existing }: Subject): Schedule {
  const inFull = (change: Properties): Properties => {
    if (change.Existing !== undefined) return existing;
    if (change.UserName === undefined) return change;
    return { UserName: change.UserName === 'OTHER' ? otherUserName : userName };
  };
  const operations = schedule.operations.map(({ change, fate }) => ({ fate, change: inFull(change) }));
  return { ...schedule, operations };
}

function userOf({ userName }: Subject, { UserName }: Properties): string {
  return typeof UserName === 'string' ? UserName : userName;
}

/** An account in which stacks are deployed while others interfere; checks the invariants. */
class World {
  readonly #scheduler = new Scheduler();
  readonly #operations = new Map<Subject, StackOperations>();
  readonly #seeds = new Set<string>();
  readonly #foreign: { readonly serialNumber: string; readonly before: unknown; readonly of: Subject }[];
  #isInterferedWith = false;
  /** How often others have still to do something: ticks wait for it, to have something to repair. */
  #toCome = 0;
  /** Of which no more is deployed. */
  readonly #atRest = new Set<Subject>();
  #rotations?: Rotations;
  /** Whether the device is neither replaced nor deleted. */
  #isKept = false;
  /** What the ticks have logged. */
  readonly #ticked: string[] = [];

  constructor(subjects: readonly Subject[]) {
    this.#foreign = subjects.map((subject) => {
      const serialNumber = `arn:aws:iam::${ACCOUNT_ID}:mfa/${subject.userName}-own`;
      subject.foreignDevice(serialNumber, { enabledFor: subject.userName });
      return { serialNumber, before: structuredClone(subject.device(serialNumber)), of: subject };
    });
  }

  deploy(subject: Subject, base: Properties, schedule: Schedule): void {
    const { createFate, operations, isDeleted, deliveries: how, ticks } = schedule;
    const others = () => [...this.#operations.keys()].filter((other) => other !== subject);
    const cloudFormation = new StackOperations(subject, this.#scheduler, how, async (event, answer) => {
      // A person reads in the answer that a device without tags is not touched, and deletes it.
      if (this.#isInterferedWith && answer.Reason?.includes("is not this resource's")) removeUnmarkedDevices(subject);
      if (this.#isInterferedWith || event.RequestType === 'Delete') return;
      // A device of the same name, or one that the change may not replace under it, is a reason to fail.
      if (answer.Status === 'FAILED' && others().length > 0) return;
      expect(answer.Reason).toBeUndefined();
      // Later the device serves again.
      if (!this.#rotations?.mayServeByBridge) await this.#holdsDevice(subject, event.ResourceProperties);
    });
    this.#operations.set(subject, cloudFormation);
    ticks.forEach((tick, index) => this.#watch(`tick ${index + 1} of ${subject.userName}`, subject, tick));
    this.#scheduler.join(cloudFormation.name, async () => {
      await cloudFormation.create(base, createFate);
      for (const operation of operations) await cloudFormation.update(operation);
      if (isDeleted) await cloudFormation.delete();
      this.#atRest.add(subject);
      if (cloudFormation.deployed || this.#isInterferedWith) return;
      this.#forgetForeign(subject);
      removeUnmarkedDevices(subject);
      // What runs late may still create a device and remove it; it never enables one, or the users could not go.
      await cloudFormation.deleteTheRest();
    });
  }

  /** A tick with what the schedule holds: CloudFormation changes it once it has taken the device's answer. */
  #watch(name: string, subject: Subject, { recreate, diesBefore }: Tick): void {
    this.#scheduler.join(name, async () => {
      const deployed = () => this.#operations.get(subject)?.deployed;
      const isReady = () => this.#toCome === 0 && (deployed() !== undefined || this.#atRest.has(subject));
      const properties = await this.#scheduler.turn(name, 'starts', () => deployed()?.properties, isReady);
      if (properties === undefined) return;
      const event = subject.watchEvent({ repair: true, recreate }, subject.properties(properties));
      const tick = (as: string, dies: number | undefined, again: () => void) =>
        subject.lifecycle.tick(event, {
          settledAfterMilliseconds: 0,
          turns: turnsOf(this.#scheduler, as, subject.lifecycle.clock, dies, again),
        });
      const again = () => {
        const second = `${name}, run again`;
        this.#scheduler.join(second, async () => {
          this.#ticked.push(...(await tick(second, undefined, () => undefined)).logLines);
        });
      };
      this.#ticked.push(...(await tick(name, diesBefore, again)).logLines);
    });
  }

  /** Rotates the seed, once there is one. */
  rotate(subject: Subject, rotations: readonly Rotation[], isKept = false): void {
    this.#rotations ??= new Rotations(subject, this.#scheduler);
    this.#isKept = isKept;
    const isDeployed = () => this.#operations.get(subject)?.deployed !== undefined;
    this.#rotations.join(rotations, () => isDeployed() || this.#atRest.has(subject));
  }

  interfere(subject: Subject, interferences: readonly Interference[]): void {
    this.#isInterferedWith = true;
    this.#toCome = interferences.length;
    interferences.forEach((interference, index) => {
      const name = `somebody ${index + 1}`;
      const interfere = () => {
        this.#toCome -= 1;
        this.#collectSeeds(subject);
        interfereNow(subject, interference);
      };
      // Once there is something to interfere with.
      const isReady = () => subject.ownDevices().length > 0 || this.#atRest.has(subject);
      this.#scheduler.join(name, () => this.#scheduler.turn(name, interference, interfere, isReady));
    });
  }

  /** @param choices whose turn it is, modulo those who can go on */
  async run(choices: readonly number[]): Promise<void> {
    let turn = 0;
    await this.#run(({ length }) => {
      turn += 1;
      return (choices[turn - 1] ?? 0) % length;
    });
  }

  /** Stalls a run of the function once it has made a call: for as long as anybody else can go on, or until another call; then it goes first. */
  async runWithStall(participant: string, call: string, until?: string): Promise<void> {
    const { trace } = this.#scheduler;
    await this.#run((ready) => {
      const hasWaited = until !== undefined && trace.includes(until);
      const isStalled = ({ participant: name }: Turn) =>
        (name === participant) !== hasWaited && (hasWaited || trace.includes(`${participant}: ${call}`));
      return Math.max(
        0,
        ready.findIndex((turn) => !isStalled(turn)),
      );
    });
  }

  async #run(choose: (ready: readonly Turn[]) => number): Promise<void> {
    try {
      await this.#scheduler.run((ready) => {
        for (const subject of this.#operations.keys()) {
          this.#collectSeeds(subject);
          this.#serves(subject);
        }
        return choose(ready);
      });
      this.#keptSecrets();
    } catch (error) {
      throw this.#withTrace(error);
    }
  }

  /** I1 to I4 of docs/design.md, once everything has come to rest. */
  async settled(subject: Subject): Promise<void> {
    try {
      const deployed = this.#operations.get(subject)?.deployed;
      if (deployed) {
        await this.#holdsDevice(subject, deployed.properties);
        await subject.signIn(deployed.physicalResourceId, userOf(subject, deployed.properties));
      }
      expect(subject.ownDevices()).toEqual(deployed ? [deployed.physicalResourceId] : []);
      this.#isAsFound(subject, deployed?.physicalResourceId);
      for (const { serialNumber, before } of this.#foreign) expect(subject.device(serialNumber)).toEqual(before);
    } catch (error) {
      throw this.#withTrace(error);
    }
  }

  /** A device that somebody else has made, and that the stack has not adopted, or has left since. */
  #isAsFound(subject: Subject, deployedId: string | undefined): void {
    const device = subject.device(subject.existingSerialNumber);
    if (!device || device.serialNumber === deployedId) return;
    expect(device.assignment).toBeUndefined();
    // An update that is overtaken may leave a tag of the template's own behind: the rollback does not know of it.
    expect([...device.tags.keys()].filter((key) => key.startsWith(OWN_TAG_PREFIX))).toEqual([]);
  }

  /** The same after one more rotation, which goes on where the last one may have ended. */
  async rotated(subject: Subject): Promise<void> {
    if (this.#operations.get(subject)?.deployed) {
      this.rotate(subject, [{ dies: undefined }], this.#isKept);
      await this.run([]);
      if (!this.#rotations?.hasSucceeded) throw this.#withTrace(new Error(this.#rotations?.reasons.at(-1)));
    }
    await this.settled(subject);
  }

  /** The same after one more deployment, for others have been at work since the last. */
  async mended(subject: Subject): Promise<void> {
    const operations = this.#operations.get(subject);
    if (operations?.deployed) {
      const { deployed } = operations;
      this.#scheduler.join(operations.name, () =>
        operations.update({ change: { Issuer: 'Mended' }, fate: 'runs through' }),
      );
      await this.run([]);
      expect(operations.deployed.physicalResourceId).toBe(deployed.physicalResourceId);
    }
    await this.settled(subject);
  }

  /** The same after a tick, with no deployment. */
  async mendedByTick(subject: Subject): Promise<void> {
    // A tick tells of a device without tags, and a person deletes it.
    removeUnmarkedDevices(subject);
    this.#watch('the last tick', subject, { recreate: true, diesBefore: undefined });
    await this.run([]);
    await this.settled(subject);
  }

  async #holdsDevice(subject: Subject, properties: Properties): Promise<void> {
    const serialNumber = subject.serialNumber(properties);
    const device = subject.device(serialNumber);
    const stored = await subject.stored();
    expect(device?.assignment?.userName).toBe(userOf(subject, properties));
    expect(stored?.serialNumber).toBe(serialNumber);
    expect(stored?.seed === device?.seed).toBe(true);
  }

  /** R1, where a device is never replaced or deleted. */
  #serves(subject: Subject): void {
    if (!this.#isKept || this.#operations.get(subject)?.deployed === undefined) return;
    const enabled = subject.ownDevices().filter((serialNumber) => subject.device(serialNumber)?.assignment);
    if (enabled.length === 0) throw new Error(`${subject.userName} has no enabled device`);
  }

  #collectSeeds(subject: Subject): void {
    for (const serialNumber of subject.ownDevices()) this.#seeds.add(subject.device(serialNumber)?.seed ?? '');
  }

  /** I6 */
  #keptSecrets(): void {
    const said = [...this.#operations.values()]
      .flatMap((operations) => operations.said)
      .concat(this.#ticked)
      .join('\n')
      .replaceAll(/"durationMilliseconds":\d+/g, '');
    for (const seed of this.#seeds) expect(said.includes(seed)).toBe(false);
    expect(codesIn(said)).toEqual([]);
  }

  /** The foreign device goes before its user does: that is not the stack's to do. */
  #forgetForeign(subject: Subject): void {
    const index = this.#foreign.findIndex(({ of }) => of === subject);
    const [foreign] = this.#foreign.splice(index, 1);
    expect(subject.device(foreign?.serialNumber)).toEqual(foreign?.before);
    subject.aws.iam.virtualMfaDevices.delete(foreign?.serialNumber ?? '');
  }

  #withTrace(error: unknown): Error {
    const message = error instanceof Error ? error.message : String(error);
    return new Error(`${message}\n${this.#scheduler.trace.join('\n')}`, { cause: error });
  }
}

/** Deletes by hand what somebody has taken the tags from: the handler leaves it alone. */
function removeUnmarkedDevices(subject: Subject): void {
  const { virtualMfaDevices } = subject.aws.iam;
  for (const { serialNumber, tags } of virtualMfaDevices.values()) {
    const isOthers = serialNumber === subject.existingSerialNumber;
    if (!tags.has(STACK_ID_TAG) && !isOthers) virtualMfaDevices.delete(serialNumber);
  }
}

function interfereNow(subject: Subject, interference: Interference): void {
  const { virtualMfaDevices } = subject.aws.iam;
  for (const serialNumber of subject.ownDevices()) {
    const device = subject.aws.iam.device(serialNumber);
    switch (interference) {
      case 'a console enrolment':
        if (!device.assignment) virtualMfaDevices.delete(serialNumber);
        break;
      case 'deactivates by hand':
        delete device.assignment;
        break;
      case 'deletes by hand':
        virtualMfaDevices.delete(serialNumber);
        break;
      case 'takes the tags away':
        for (const key of [STACK_ID_TAG, LOGICAL_ID_TAG, ENROLLMENT_TAG, SEED_VERSION_TAG]) device.tags.delete(key);
        break;
    }
  }
}
