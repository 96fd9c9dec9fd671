import { millisecondsToNextTimeStep, nextTimeStep } from './authentication-codes';
import type { AwsAccess } from './aws-access';
import type { Clock } from './clock';
import { failures } from './command-failure';

/** Two codes that were never used need three time steps, at most. Some SDKs end a credential_process after a minute. */
const TRIES = 3;

export interface CodeTools {
  readonly aws: AwsAccess;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told when a code is used up, and how long it is to the next one. */
  readonly waiting: (milliseconds: number) => void;
}

/** What a try answers whose codes AWS did not take: wrong ones, or ones that were used before. It says the same of both. */
export const CODE_REFUSED = Symbol('refused');

/** Tries with fresh codes, a time step after the other, until they are taken. */
export async function withFreshCodes<T>(
  serialNumber: string,
  { aws, clock, signal, waiting }: CodeTools,
  attempt: () => Promise<T | typeof CODE_REFUSED>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    aws.requireRightClock();
    const answer = await attempt();
    if (answer !== CODE_REFUSED) return answer;
    // The answer tells AWS's time, where nothing else did.
    aws.requireRightClock();
    if (tries >= TRIES) throw failures.codesRefused(serialNumber);
    waiting(millisecondsToNextTimeStep(clock.now()));
    await nextTimeStep(clock, signal);
  }
}
