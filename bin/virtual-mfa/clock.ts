import { setTimeout as delay } from 'node:timers/promises';

/** Time, as the commands see it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** @throws AbortError once the signal is aborted */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (milliseconds, signal) => delay(milliseconds, undefined, { signal }),
};
