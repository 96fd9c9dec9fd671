import type { MfaBinding, MfaBindings } from '../iam/mfa-bindings';
import { codesOf, timeStepAt } from '../iam/totp';

/**
 * How late STS learns of a device that was enabled, resynchronized, deactivated or made anew. Real accounts were seen to
 * answer `unable to validate` 7.5 s after EnableMFADevice, and to accept a code after 7.6 s; 13 s later every change was known.
 */
export const STS_DELAY_MILLISECONDS = 7500;
/** Half a second earlier STS still refuses a new device's code as one that it cannot validate, and yet uses it up. */
const USES_UP_AFTER_MILLISECONDS = 7000;

/** By how many time steps a code may be earlier or later than the device's clock. */
const SIGN_IN_WINDOW = 2;

/** How many codes STS verifies for one serial number in each window of UTC time, right ones and wrong ones. */
const VERIFICATIONS = 9;
const BUDGET_WINDOW_MILLISECONDS = 180_000;

/** What STS makes of a code; `unavailable`: it does not get to verify it. */
export type MfaVerdict = 'valid' | 'invalid' | 'unavailable';

/** Verifies codes as STS does: with a delayed view of devices, each code once, and so many in three minutes. */
export class MfaCodes {
  /** By seed: a device that is made anew under the same serial number begins afresh. */
  readonly #usedTimeSteps = new Map<string, Set<number>>();
  /** By serial number and window, whatever seed the device has. */
  readonly #verifications = new Map<string, number>();

  constructor(
    private readonly bindings: MfaBindings,
    private readonly now: () => number,
  ) {}

  /** Verifies a code of a user's device, and uses it up. */
  verify(userId: string, serialNumber: string, code: string): MfaVerdict {
    const known = this.#bindingOf(userId, serialNumber, STS_DELAY_MILLISECONDS);
    const binding = known ?? this.#bindingOf(userId, serialNumber, USES_UP_AFTER_MILLISECONDS);
    if (!binding || !this.#spend(serialNumber)) return 'unavailable';
    const verdict = this.#use(binding, code) ? 'valid' : 'invalid';
    return known ? verdict : 'unavailable';
  }

  #bindingOf(userId: string, serialNumber: string, delay: number): MfaBinding | undefined {
    const binding = this.bindings.at(serialNumber, this.now() - delay);
    return binding?.userId === userId ? binding : undefined;
  }

  #spend(serialNumber: string): boolean {
    const budget = `${serialNumber} ${Math.floor(this.now() / BUDGET_WINDOW_MILLISECONDS)}`;
    const spent = this.#verifications.get(budget) ?? 0;
    this.#verifications.set(budget, spent + 1);
    return spent < VERIFICATIONS;
  }

  #use({ seed, driftTimeSteps }: MfaBinding, code: string): boolean {
    const used = this.#usedTimeSteps.get(seed) ?? new Set();
    this.#usedTimeSteps.set(seed, used);
    const codeAt = codesOf(seed);
    const current = timeStepAt(this.now()) + driftTimeSteps;
    for (let timeStep = current - SIGN_IN_WINDOW; timeStep <= current + SIGN_IN_WINDOW; timeStep += 1) {
      if (codeAt(timeStep) === code && !used.has(timeStep)) {
        used.add(timeStep);
        return true;
      }
    }
    return false;
  }
}
