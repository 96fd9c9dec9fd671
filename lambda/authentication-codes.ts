import { generateSync } from 'otplib/functional';

/** RFC 6238: the period of IAM's virtual devices, in seconds. */
const PERIOD_SECONDS = 30;

/** Two authentication codes of consecutive time steps, in their order. */
export type ConsecutiveCodes = readonly [code1: string, code2: string];

/**
 * The codes of the previous and of the current time step. EnableMFADevice takes them at once, with no wait for the next step.
 *
 * @param seed base32 text
 * @see https://www.rfc-editor.org/rfc/rfc6238 (SHA-1, 6 digits, 30 seconds: what IAM's virtual devices use)
 */
export function previousAndCurrentCode(seed: string, millisecondsSinceEpoch: number): ConsecutiveCodes {
  const current = timeStepAt(millisecondsSinceEpoch);
  return [codeAt(seed, current - 1), codeAt(seed, current)];
}

/** The RFC 6238 time step that a moment lies in. */
export function timeStepAt(millisecondsSinceEpoch: number): number {
  return Math.floor(millisecondsSinceEpoch / 1000 / PERIOD_SECONDS);
}

/** Milliseconds from a moment to the beginning of the next time step. */
export function millisecondsToNextTimeStep(millisecondsSinceEpoch: number): number {
  return (timeStepAt(millisecondsSinceEpoch) + 1) * PERIOD_SECONDS * 1000 - millisecondsSinceEpoch;
}

function codeAt(seed: string, timeStep: number): string {
  return generateSync({
    secret: seed,
    epoch: timeStep * PERIOD_SECONDS,
    period: PERIOD_SECONDS,
    digits: 6,
    algorithm: 'sha1',
  });
}
