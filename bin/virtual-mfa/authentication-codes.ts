import { generateSync } from 'otplib/functional';

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

export function millisecondsToNextTimeStep(milliseconds: number): number {
  return PERIOD_MILLISECONDS - (milliseconds % PERIOD_MILLISECONDS);
}
