import { generateSync } from 'otplib/functional';
import type { Clock } from './clock';

/** RFC 6238's time step, as AWS has it. */
export const PERIOD_MILLISECONDS = 30_000;

/** The authentication code of the time step at a moment. */
export function codeAt(seed: string, milliseconds: number): string {
  return generateSync({
    secret: seed,
    epoch: Math.floor(milliseconds / 1000),
    algorithm: 'sha1',
    digits: 6,
    period: 30,
  });
}

/** The codes of the previous and of the current time step. */
export function previousAndCurrentCode(seed: string, milliseconds: number): readonly [string, string] {
  return [codeAt(seed, milliseconds - PERIOD_MILLISECONDS), codeAt(seed, milliseconds)];
}

/** Waits until another time step has begun; timers may fire a moment early. */
export async function nextTimeStep(clock: Clock, signal: AbortSignal): Promise<void> {
  const timeStep = Math.floor(clock.now() / PERIOD_MILLISECONDS);
  while (Math.floor(clock.now() / PERIOD_MILLISECONDS) === timeStep) {
    await clock.sleep(millisecondsToNextTimeStep(clock.now()), signal);
  }
}

export function millisecondsToNextTimeStep(milliseconds: number): number {
  return PERIOD_MILLISECONDS - (milliseconds % PERIOD_MILLISECONDS);
}
