import { Secret, TOTP } from 'otpauth';
import type { VirtualMfaDevice } from './entities';

const PERIOD_SECONDS = 30;

/** The RFC 6238 time step that a moment lies in. */
export function timeStepAt(millisecondsSinceEpoch: number): number {
  return Math.floor(millisecondsSinceEpoch / 1000 / PERIOD_SECONDS);
}

/** The six-digit code of a seed at a time step. otpauth is not the library that the product uses: the judge shares no defect with it. */
function codeAt(seed: string, timeStep: number): string {
  const totp = new TOTP({ secret: Secret.fromBase32(seed), digits: 6, period: PERIOD_SECONDS, algorithm: 'SHA1' });
  return totp.generate({ timestamp: timeStep * PERIOD_SECONDS * 1000 });
}

/** The last of two consecutive time steps, at most `window` steps from now, whose codes these are; undefined if there is none. */
export function consecutiveTimeSteps(
  { seed }: VirtualMfaDevice,
  codes: readonly [string, string],
  now: number,
  window: number,
): number | undefined {
  const current = timeStepAt(now);
  for (let second = current - window + 1; second <= current + window; second += 1) {
    if (codeAt(seed, second - 1) === codes[0] && codeAt(seed, second) === codes[1]) return second;
  }
  return undefined;
}

/** Accepts a code for sign-in, once: its time step is within ±1 of the device's now, and later than the last one accepted. */
export function acceptCode(device: VirtualMfaDevice, code: string, now: number): boolean {
  const current = timeStepAt(now) + device.driftTimeSteps;
  const timeStep = [current, current - 1, current + 1].find((step) => codeAt(device.seed, step) === code);
  if (timeStep === undefined || timeStep <= (device.lastTimeStep ?? -1)) return false;
  device.lastTimeStep = timeStep;
  return true;
}
