import {
  type ConsecutiveCodes,
  millisecondsToNextTimeStep,
  previousAndCurrentCode,
  timeStepAt,
} from './authentication-codes';
import type { Clock } from './clock';

/** The codes of a seed, computed when they are asked for: a call that is tried again needs others. */
export class FreshCodes {
  #timeStep = 0;

  constructor(
    private readonly seed: string,
    private readonly clock: Clock,
  ) {}

  readonly compute = (): ConsecutiveCodes => {
    const now = this.clock.now();
    this.#timeStep = timeStepAt(now);
    return previousAndCurrentCode(this.seed, now);
  };

  /** Waits until there are other codes than the last ones. */
  async others(): Promise<void> {
    const now = this.clock.now();
    if (timeStepAt(now) === this.#timeStep) await this.clock.sleep(millisecondsToNextTimeStep(now));
  }
}
