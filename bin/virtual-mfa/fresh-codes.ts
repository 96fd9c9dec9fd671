import {
  millisecondsToNextTimeStep,
  previousAndCurrentCode,
  timeStepAt,
} from '../../lambda/contract/authentication-codes';
import type { Clock } from '../../lambda/contract/clock';
import type { StoredSeed } from '../../lambda/contract/stored-seed';
import { type AwsAccess, calling } from './aws-access';
import { failures } from './command-failure';
import { tell, type Terminal } from './terminal';

/** A pair for IAM that is newer than the last one needs three time steps, at most. Some SDKs end a credential_process after a minute. */
const TRIES = 3;

/** A pair that IAM took, at enrollment too, makes every older one useless. */
const NEWER_CODES_NEEDED = 'IAM takes codes that are newer than the last two it took.';

export interface CodeTools {
  readonly aws: AwsAccess;
  readonly signal: AbortSignal;
  /** Where a person is told why nothing happens for a while. */
  readonly terminal: Terminal;
}

/** What a try answers whose codes AWS did not take: wrong ones, or ones that were used before. It says the same of both. */
export const CODE_REFUSED = Symbol('refused');

/**
 * Tries with fresh codes, a time step after the other, until they are taken.
 *
 * @param why what may be wrong with refused codes, as a sentence
 */
export async function withFreshCodes<T>(
  serialNumber: string,
  why: string,
  { aws, signal, terminal }: CodeTools,
  attempt: () => Promise<T | typeof CODE_REFUSED>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    aws.requireRightClock();
    const answer = await attempt();
    if (answer !== CODE_REFUSED) return answer;
    // The answer tells AWS's time, where nothing else did.
    aws.requireRightClock();
    if (tries >= TRIES) throw failures.codesRefused(serialNumber);
    tell(terminal, `${why} The next code comes in ${Math.ceil(millisecondsToNextTimeStep(aws.time.now()) / 1000)} s.`);
    await nextTimeStep(aws.time, signal);
  }
}

/** A pair of codes, as EnableMFADevice and ResyncMFADevice take it. */
export interface CodePair {
  readonly UserName: string;
  readonly SerialNumber: string;
  readonly AuthenticationCode1: string;
  readonly AuthenticationCode2: string;
}

/** Sends IAM two codes of a stored seed, newer ones each time, until it takes them. */
export async function sendFreshPair(
  { serialNumber, userName, seed }: Pick<StoredSeed, 'serialNumber' | 'userName' | 'seed'>,
  tools: CodeTools,
  action: string,
  send: (pair: CodePair) => Promise<unknown>,
): Promise<void> {
  await withFreshCodes(serialNumber, NEWER_CODES_NEEDED, tools, async () => {
    const [AuthenticationCode1, AuthenticationCode2] = previousAndCurrentCode(seed, tools.aws.time.now());
    const pair = { UserName: userName, SerialNumber: serialNumber, AuthenticationCode1, AuthenticationCode2 };
    try {
      return await calling(action, `the user ${userName}`, () => send(pair));
    } catch (error) {
      if (error instanceof Error && error.name.startsWith('InvalidAuthenticationCode')) return CODE_REFUSED;
      throw error;
    }
  });
}

/** Waits until another time step has begun; timers may fire a moment early. */
export async function nextTimeStep(clock: Clock, signal: AbortSignal): Promise<void> {
  const timeStep = timeStepAt(clock.now());
  while (timeStepAt(clock.now()) === timeStep) await clock.sleep(millisecondsToNextTimeStep(clock.now()), signal);
}
