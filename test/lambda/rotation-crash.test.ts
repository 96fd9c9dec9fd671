import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { millisecondsToNextTimeStep } from '../../lambda/contract/authentication-codes';
import { STACK_ID_TAG } from '../../lambda/contract/own-tags';
import type { RotationEvent } from '../../lambda/rotation/event';
import { ConnectionReset } from 'local-aws';
import { clientsOf, keyOf, signIn } from '../../local-aws/test/callers';
import { inProcessRequests } from '../in-process-requests';
import { ACCOUNT_ID, codeOf, KNOWN_SEED, STACK_ID } from './handler-stack';
import { type RealUser, ShippedFunction } from './shipped-function';

/** `ROTATION_FAULTS=all npx vitest run test/lambda/rotation-crash.test.ts` tries each death with all that may come after. */
const ALL = process.env.ROTATION_FAULTS === 'all';

const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
type Step = (typeof STEPS)[number];
const MOMENTS = ['before', 'after'] as const;

/** Where a process is killed. */
interface Death {
  readonly step: Step;
  readonly call: string;
  readonly moment: (typeof MOMENTS)[number];
}

/** What may come after a death. */
const AFTERWARDS = {
  'Lambda runs the step again': (robot: Robot) => robot.holdsR2(),
  'somebody rotates': async (robot: Robot) => {
    await robot.rotateAnyway();
    await robot.holdsR2();
  },
  'a deployment': async (robot: Robot) => {
    await robot.deploy();
    await robot.rotateAnyway();
    // One that had come to its end cannot begin again.
    if (robot.failure === undefined) return robot.holdsR2();
    expect(robot.failure).toContain('A deployment, or another rotation, has changed the device');
    await robot.rotate();
    return robot.holdsR2();
  },
  'a deletion': (robot: Robot) => robot.delete(),
} as const;
type Afterwards = keyof typeof AFTERWARDS;
const EVERYTHING = (Object.keys(AFTERWARDS) as Afterwards[]).flatMap((afterwards) =>
  MOMENTS.map((moment) => ({ moment, afterwards })),
);
/** One after the other. */
const isTurnOf = (turn: number) => (_: unknown, index: number) => index === turn % EVERYTHING.length;

/** The shipped bundle in a real Node 24 process, killed at each of its calls. Its waits take no time. */
describe('a rotation whose process is killed', () => {
  let shipped: ShippedFunction;
  let cases = 0;
  const began = performance.now();
  beforeAll(async () => {
    shipped = await ShippedFunction.start({ functionsPassTime: true });
    const permission = { Action: 'lambda:InvokeFunction', Principal: 'secretsmanager.amazonaws.com' };
    shipped.aws.lambda.addPermission(shipped.arn, { StatementId: 'rotation', ...permission });
  });
  afterAll(async () => {
    await shipped.close();
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    process.stdout.write(`deaths of rotations: ${cases} cases in ${seconds} s\n`);
  });

  it.each(STEPS)('at any call of %s leaves a seed that signs in, and whatever comes next ends well', async (step) => {
    const undisturbed = await Robot.enrolled(shipped);
    await undisturbed.rotate();
    await undisturbed.holdsR1();
    await undisturbed.holdsR2();
    undisturbed.holdsR5();
    const calls = undisturbed.calls(step);
    expect(calls.length).toBeGreaterThan(0);

    const failed: string[] = [];
    for (const call of calls) {
      for (const { moment, afterwards } of ALL ? EVERYTHING : EVERYTHING.filter(isTurnOf(cases))) {
        cases += 1;
        const at = `killed ${moment} ${call} of ${step}, then ${afterwards}`;
        await holds({ step, call, moment }, afterwards).catch((error: unknown) =>
          failed.push(`${at}: ${messageOf(error)}`),
        );
      }
    }
    expect(failed).toEqual([]);
  });

  async function holds(death: Death, afterwards: Afterwards): Promise<void> {
    const robot = await Robot.enrolled(shipped);
    const isRunAgain = afterwards === 'Lambda runs the step again';
    try {
      await robot.rotate(death, isRunAgain);

      expect(robot.end(death.step)).toMatch(/SIGKILL/);
      if (!isRunAgain) await robot.signsIn();
      await AFTERWARDS[afterwards](robot);
      await robot.holdsR1();
      robot.holdsR5();
    } finally {
      await robot.leave();
    }
  }
});

/** A user whose device is rotated, and who has one of another stack, too. */
class Robot {
  static async enrolled(shipped: ShippedFunction): Promise<Robot> {
    const { account, iam } = shipped.aws;
    // How often a proof is refused depends on when in a time step it begins: this makes it begin early.
    account.advanceClock(millisecondsToNextTimeStep(account.now()));
    const user = await shipped.newUser();
    const robot = new Robot(shipped, user, await shipped.created(user.properties));
    iam.virtualMfaDevices.set(robot.#foreign, {
      serialNumber: robot.#foreign,
      seed: KNOWN_SEED,
      tags: new Map([[STACK_ID_TAG, `${STACK_ID}-of-another`]]),
      driftTimeSteps: 0,
      assignment: { userName: user.userName, enableDate: new Date(account.now()) },
    });
    robot.#foreignBefore = structuredClone(iam.device(robot.#foreign));
    return robot;
  }

  readonly #foreign: string;
  readonly #seedBefore: string;
  #foreignBefore: unknown;
  /** Whether the current seed was that of an enabled device, after each call. */
  readonly #served: Promise<boolean>[] = [];
  readonly #runs: { readonly step: string; readonly calls: string[]; end: string }[] = [];

  private constructor(
    private readonly shipped: ShippedFunction,
    private readonly user: RealUser,
    private readonly serialNumber: string,
  ) {
    this.#foreign = `arn:aws:iam::${ACCOUNT_ID}:mfa/own-of-${user.userName}`;
    this.#seedBefore = shipped.aws.iam.device(serialNumber).seed;
  }

  /** The calls of the first run of a step, each with how often it was made: of two at once, either may arrive first. */
  calls(step: Step): readonly string[] {
    return this.#runs.find((run) => run.step === step)?.calls ?? [];
  }

  /** How that ended. */
  end(step: Step): string {
    return this.#runs.find((run) => run.step === step)?.end ?? '';
  }

  /** Has Secrets Manager rotate the seed. @param isRunAgain whether Lambda runs a step again that has died */
  async rotate(death?: Death, isRunAgain = false): Promise<void> {
    const { account, secretsManager } = this.shipped.aws;
    secretsManager.onRotation(async (_functionArn, event) => {
      const outcome = await this.#run(event, death);
      const last = outcome.kind === 'failed' && isRunAgain ? await this.#run(event) : outcome;
      if (last.kind === 'failed') throw new Error(last.errorMessage);
    });
    await account.invoke('secretsmanager', 'RotateSecret', {
      SecretId: this.user.properties.SeedSecretArn,
      ClientRequestToken: randomUUID(),
      RotationLambdaARN: this.shipped.arn,
      RotationRules: { AutomaticallyAfterDays: 30 },
      RotateImmediately: true,
    });
    await secretsManager.ended();
  }

  /** Asks for a rotation: Secrets Manager refuses while it has one to try again, and does that. */
  async rotateAnyway(): Promise<void> {
    await this.rotate().catch(async (refusal: unknown) => {
      expect(String(refusal)).toContain("A previous rotation isn't complete. That rotation will be reattempted.");
      await this.shipped.aws.secretsManager.rotateDue();
    });
  }

  /** Why the last rotation has failed. */
  get failure(): string | undefined {
    return this.shipped.aws.secretsManager.outcomes.at(-1)?.error?.message;
  }

  /** Changes the device in place: CloudFormation finds it under its physical id. */
  async deploy(): Promise<void> {
    const { properties } = this.user;
    const answer = await this.#watched(() =>
      this.shipped.completed({
        RequestType: 'Update',
        PhysicalResourceId: this.serialNumber,
        OldResourceProperties: properties,
        ResourceProperties: { ...properties, Issuer: 'Elsewhere' },
      }),
    );
    expect(answer.Reason).toBeUndefined();
    expect(answer.PhysicalResourceId).toBe(this.serialNumber);
    expect((await this.shipped.currentSeed(this.user)).serialNumber).toBe(this.serialNumber);
    await this.signsIn();
  }

  async delete(): Promise<void> {
    const { properties } = this.user;
    const event = { RequestType: 'Delete', PhysicalResourceId: this.serialNumber, ResourceProperties: properties };
    expect((await this.shipped.completed(event)).Reason).toBeUndefined();
    expect(this.shipped.devicesFor(this.user)).toEqual([]);
  }

  /** The current seed is that of an enabled device, and STS takes its codes. */
  async signsIn(): Promise<void> {
    const { account } = this.shipped.aws;
    expect(await this.#isServed()).toBe(true);
    account.advanceClock(30_000);
    const { seed, serialNumber } = await this.shipped.currentSeed(this.user);
    const requestHandler = inProcessRequests(this.shipped.aws);
    const clients = clientsOf(this.shipped.aws, keyOf(this.shipped.aws, this.user.userName), { requestHandler });
    await signIn(clients, { SerialNumber: serialNumber, TokenCode: codeOf(seed, account.now()) });
  }

  /** After each call of the function. */
  async holdsR1(): Promise<void> {
    expect(await Promise.all(this.#served)).not.toContain(false);
  }

  /** And R4: it is still the same device. */
  async holdsR2(): Promise<void> {
    const { account, iam } = this.shipped.aws;
    expect(this.failure).toBeUndefined();
    await this.signsIn();
    expect(this.shipped.enabledFor(this.user)).toContain(this.serialNumber);
    expect(this.shipped.devicesFor(this.user)).toEqual([this.serialNumber]);
    expect((await this.shipped.currentSeed(this.user)).serialNumber).toBe(this.serialNumber);
    expect(iam.virtualMfaDevices.get(this.serialNumber)?.seed === this.#seedBefore).toBe(false);
    const input = { SecretId: this.user.properties.SeedSecretArn };
    const { VersionIdsToStages } = await account.invoke('secretsmanager', 'DescribeSecret', input);
    expect(Object.values(VersionIdsToStages as Record<string, string[]>).flat()).not.toContain('AWSPENDING');
  }

  holdsR5(): void {
    expect(this.shipped.aws.iam.device(this.#foreign)).toEqual(this.#foreignBefore);
  }

  /** Deletes the secret: Secrets Manager would go on to rotate it, among those that come. */
  async leave(): Promise<void> {
    const SecretId = this.user.properties.SeedSecretArn;
    await this.shipped.aws.account.invoke('secretsmanager', 'DeleteSecret', {
      SecretId,
      ForceDeleteWithoutRecovery: true,
    });
  }

  async #run(event: RotationEvent, death?: Death) {
    const run = { step: event.Step, calls: [] as string[], end: '' };
    this.#runs.push(run);
    const outcome = await this.#watched(
      () => this.shipped.aws.lambda.invoke(this.shipped.arn, event),
      (call, moment) => {
        if (moment === 'before') run.calls.push(call);
        return death?.step === event.Step && death.call === call && death.moment === moment;
      },
    );
    run.end = outcome.kind === 'failed' ? outcome.errorMessage : 'succeeded';
    return outcome;
  }

  /** @param isKilled told of each call that the function makes: whether it is killed there */
  async #watched<T>(
    run: () => Promise<T>,
    isKilled: (call: string, moment: Death['moment']) => boolean = () => false,
  ): Promise<T> {
    const { account } = this.shipped.aws;
    const request = account.request.bind(account);
    const times = new Map<string, number>();
    const spy = vi.spyOn(account, 'request').mockImplementation(async (service, name, ...rest) => {
      const action = `${service.name}:${name}`;
      const time = (times.get(action) ?? 0) + 1;
      times.set(action, time);
      const mayKill = (moment: Death['moment']) => {
        if (!isKilled(`${action} ${time}`, moment)) return;
        this.shipped.kill();
        throw new ConnectionReset();
      };
      mayKill('before');
      const [answer] = await Promise.allSettled([request(service, name, ...rest)]);
      this.#served.push(this.#isServed());
      mayKill('after');
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value;
    });
    try {
      return await run();
    } finally {
      spy.mockRestore();
    }
  }

  async #isServed(): Promise<boolean> {
    const devices = [...this.shipped.aws.iam.virtualMfaDevices.values()];
    // As they are now: when the secret is read, another call may have changed them.
    const enabled = structuredClone(devices.filter(({ assignment }) => assignment?.userName === this.user.userName));
    const stored = await this.shipped.currentSeed(this.user);
    return enabled.some(({ serialNumber, seed }) => serialNumber === stored.serialNumber && seed === stored.seed);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').slice(0, 300) : String(error);
}
