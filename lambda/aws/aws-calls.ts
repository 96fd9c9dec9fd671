import { isAccessDenied, isNamed, isTemporary, isThrottled, withoutSecrets } from './aws-errors';
import type { Clock } from '../contract/clock';
import { failures } from '../failure';
import type { Log } from '../log';

/** How long a new role's policy, or a secret's new version, may take to be seen everywhere. */
export const CONSISTENCY_MILLISECONDS = 30_000;

/** Errors that may only mean "not there yet" of a call. */
export interface NotYet {
  readonly errors: readonly string[];
  /** How long to wait from the first of them on. */
  readonly milliseconds: number;
}
const NOTHING_IS_AWAITED: NotYet = { errors: [], milliseconds: 0 };

/** Milliseconds, but the factor from each pause to the next. */
const PAUSES = { first: 200, factor: 2, longest: 5_000 };
/**
 * IAM takes few calls a second from an account, and all devices of a stack are made at once, each by a process that knows nothing of
 * the others. Asked less often, a throttled IAM gets half the calls in vain; and where it should count those that it refuses, 160 devices
 * still get through, which they would not at the pace above. Longer pauses would leave IAM idle while the last devices wait.
 */
const PAUSES_WHEN_THROTTLED = { first: 2_000, factor: 1.7, longest: 15_000 };

/** What calls live by. */
export interface AwsCallsEnvironment {
  readonly clock: Clock;
  /** From 0 to 1: the jitter of the pauses. */
  readonly random: () => number;
  readonly log: Log;
  /** Milliseconds since the epoch: from here on no call is tried again. */
  readonly deadline: number;
}

/**
 * Makes AWS calls: the SDK's own retries are off, since a retried EnableMFADevice needs fresh codes, IAM's
 * LimitExceeded is no throttling, and a wait has to end early enough to undo and to answer.
 */
export class AwsCalls {
  constructor(private readonly environment: AwsCallsEnvironment) {}

  /**
   * Performs a call until it succeeds, its error is final, or the time is up.
   *
   * @param action as in a policy: `iam:EnableMFADevice`
   * @param call performs the call anew at each try
   * @param notYet errors of this call after which the same call may succeed, as AWS becomes consistent; a denial always may
   */
  async perform<T>(action: string, call: () => Promise<T>, notYet: NotYet = NOTHING_IS_AWAITED): Promise<T> {
    const { clock, random, log, deadline } = this.environment;
    let waitingSince: number | undefined;
    for (let attempt = 1; ; attempt += 1) {
      const began = clock.now();
      try {
        const output = await call();
        log.info(action, { action, attempt, durationMilliseconds: clock.now() - began });
        return output;
      } catch (error) {
        const errorName = error instanceof Error ? error.name : 'unknown';
        log.info(`${action} answered ${errorName}`, {
          action,
          attempt,
          durationMilliseconds: clock.now() - began,
          error: errorName,
        });
        const { first, factor, longest } = isThrottled(error) ? PAUSES_WHEN_THROTTLED : PAUSES;
        const pause = Math.min(longest, first * factor ** (attempt - 1)) * (0.5 + random() / 2);
        const patience = patienceWith(error, notYet);
        if (patience > 0) waitingSince ??= clock.now();
        const lastTry = isTemporary(error) ? Infinity : (waitingSince ?? -Infinity) + patience;
        if (clock.now() + pause > Math.min(deadline, lastTry)) throw this.#final(error, action);
        await clock.sleep(pause);
      }
    }
  }

  #final(error: unknown, action: string): unknown {
    if (!(error instanceof Error)) return error;
    const message = withoutSecrets(error.message);
    if (isAccessDenied(error)) return failures.accessDenied(action, message);
    return isTemporary(error) ? failures.timeRanOut(action, `${error.name}: ${message}`) : error;
  }
}

function patienceWith(error: unknown, notYet: NotYet): number {
  if (isAccessDenied(error)) return CONSISTENCY_MILLISECONDS;
  return isNamed(error, ...notYet.errors) ? notYet.milliseconds : 0;
}
