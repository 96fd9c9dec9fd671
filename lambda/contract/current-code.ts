import { codeAt, millisecondsToNextTimeStep } from './authentication-codes';
import type { StoredSeed } from './stored-seed';

/** A code, and how long it lasts. */
export interface CurrentCode {
  readonly userName: string;
  readonly serialNumber: string;
  /** Six digits. AWS takes each code once. */
  readonly code: string;
  /** Until the next code. */
  readonly secondsLeft: number;
}

export function currentCode({ userName, serialNumber, seed }: StoredSeed, now: number): CurrentCode {
  const secondsLeft = Math.ceil(millisecondsToNextTimeStep(now) / 1000);
  return { userName, serialNumber, code: codeAt(seed, now), secondsLeft };
}
