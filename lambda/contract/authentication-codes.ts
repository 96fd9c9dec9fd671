import { generateSync } from 'otplib/functional';

/** RFC 6238: the period of IAM's virtual devices. */
const PERIOD_SECONDS = 30;
export const PERIOD_MILLISECONDS = PERIOD_SECONDS * 1000;

/** Two authentication codes of consecutive time steps, in their order. */
export type ConsecutiveCodes = readonly [code1: string, code2: string];

/**
 * The authentication code of the time step that a moment lies in.
 *
 * @param seed base32 text
 * @see https://www.rfc-editor.org/rfc/rfc6238 (SHA-1, 6 digits, 30 seconds: what IAM's virtual devices use)
 */
export function codeAt(seed: string, millisecondsSinceEpoch: number): string {
  return generateSync({
    secret: seed,
    epoch: timeStepAt(millisecondsSinceEpoch) * PERIOD_SECONDS,
    period: PERIOD_SECONDS,
    digits: 6,
    algorithm: 'sha1',
  });
}

/** The codes of the previous and of the current time step. EnableMFADevice takes them at once, with no wait for the next step. */
export function previousAndCurrentCode(seed: string, millisecondsSinceEpoch: number): ConsecutiveCodes {
  return [codeAt(seed, millisecondsSinceEpoch - PERIOD_MILLISECONDS), codeAt(seed, millisecondsSinceEpoch)];
}

/** The RFC 6238 time step that a moment lies in. */
export function timeStepAt(millisecondsSinceEpoch: number): number {
  return Math.floor(millisecondsSinceEpoch / PERIOD_MILLISECONDS);
}

/** Milliseconds from a moment to the beginning of the next time step. */
export function millisecondsToNextTimeStep(millisecondsSinceEpoch: number): number {
  return (timeStepAt(millisecondsSinceEpoch) + 1) * PERIOD_MILLISECONDS - millisecondsSinceEpoch;
}
