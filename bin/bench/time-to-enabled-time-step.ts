import { setTimeout as sleep } from 'node:timers/promises';
import { millisecondsToNextTimeStep } from '../virtual-mfa/authentication-codes';

/**
 * Waits for the next time step, unless this one lasts long enough for a run: a naïve one whose codes grow old under way is
 * refused, and would be no measurement.
 */
export async function timeStepThatLasts(milliseconds: number): Promise<void> {
  const left = millisecondsToNextTimeStep(Date.now());
  if (left < milliseconds) await sleep(left + 1);
}
