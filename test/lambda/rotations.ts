import { randomUUID } from 'node:crypto';
import type { RotationEvent } from '../../lambda/rotation/event';
import { ACCOUNT_ID } from './handler-stack';
import type { Subject } from './subject';
import type { Scheduler } from './scheduler';
import { turnsOf } from './stack-operations';

/** How the function fares in a rotation. */
export interface Rotation {
  /** The step in which it dies, counted from 0, and the call right before which it does. */
  readonly dies: { readonly step: number; readonly before: number } | undefined;
}

/** Secrets Manager, as far as one secret meets it: rotates it when it has its turn. */
export class Rotations {
  /** What the function said where it failed. */
  readonly reasons: string[] = [];
  readonly #name: string;
  #rotations = 0;
  #isUnderWay = false;

  constructor(
    private readonly subject: Subject,
    private readonly scheduler: Scheduler,
  ) {
    this.#name = `Secrets Manager of ${subject.userName}`;
  }

  /** Whether the bridge may serve: a rotation is under way, or has come to a bad end. */
  get mayServeByBridge(): boolean {
    return this.#isUnderWay || this.subject.aws.secretsManager.outcomes.at(-1)?.eventName === 'RotationFailed';
  }

  /** Whether the last rotation that came to an end has come to a good one. */
  get hasSucceeded(): boolean {
    return this.subject.aws.secretsManager.outcomes.at(-1)?.eventName === 'RotationSucceeded';
  }

  /** Rotates several times, one after the other. @param isReady whether the first may begin */
  join(rotations: readonly Rotation[], isReady: () => boolean): void {
    this.scheduler.join(this.#name, async () => {
      for (const rotation of rotations) await this.#rotate(rotation, isReady);
    });
  }

  async #rotate({ dies }: Rotation, isReady: () => boolean): Promise<void> {
    const { subject, scheduler } = this;
    const { secretsManager } = subject.aws;
    this.#rotations += 1;
    let step = 0;
    secretsManager.onRotation((_functionArn, event) => {
      const before = dies?.step === step ? dies.before : undefined;
      step += 1;
      return this.#invoke(event, before);
    });
    const rotate = async () => {
      const rotating = subject.administrate('secretsmanager', 'RotateSecret', {
        SecretId: subject.seedSecretArn,
        ClientRequestToken: randomUUID(),
        RotationLambdaARN: `arn:aws:lambda:us-east-1:${ACCOUNT_ID}:function:handler`,
        RotationRules: { AutomaticallyAfterDays: 30 },
        RotateImmediately: true,
      });
      // One whose function has died is not complete, and tried again. A secret that is gone is not rotated.
      await rotating.catch(() => void secretsManager.rotateDue());
    };
    await scheduler.turn(this.#name, `begins rotation ${this.#rotations}`, rotate, isReady);
    this.#isUnderWay = true;
    await secretsManager.ended();
    this.#isUnderWay = false;
  }

  async #invoke(event: RotationEvent, diesBefore: number | undefined): Promise<void> {
    const { scheduler, subject } = this;
    const name = `${event.Step} ${this.#rotations} of ${subject.userName}`;
    let failed: boolean | undefined;
    const turns = turnsOf(scheduler, name, subject.lifecycle.clock, diesBefore, () => {
      failed = true;
    });
    scheduler.join(name, async () => {
      await scheduler.turn(name, 'starts', () => undefined);
      const { outcome, reason } = await subject.lifecycle.rotate(event, turns);
      if (reason !== '') this.reasons.push(reason);
      failed = outcome !== 'succeeded';
    });
    const takeEnd = () => {
      if (failed) throw new Error(`${event.Step} failed`);
    };
    await scheduler.turn(this.#name, `takes the end of ${event.Step}`, takeEnd, () => failed !== undefined);
  }
}
