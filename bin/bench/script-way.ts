import { codeAt, PERIOD_MILLISECONDS } from '../virtual-mfa/authentication-codes';

/** The two codes that a script gives to EnableMFADevice, by their time steps counted from the one in which it starts. */
export const SCRIPT_WAYS = {
  'previous + current': { timeSteps: [-1, 0], waits: false },
  'current + next': { timeSteps: [0, 1], waits: false },
  'this code, then the next': { timeSteps: [0, 1], waits: true },
} as const satisfies Record<string, { readonly timeSteps: readonly [number, number]; readonly waits: boolean }>;

export type ScriptWay = keyof typeof SCRIPT_WAYS;

/** The codes of a script that starts at a moment; one that waits has the second when its wait is over, and not before. */
export function codesOf(way: ScriptWay, seed: string, startMilliseconds: number): readonly [string, string] {
  const code = (timeStep: number) => codeAt(seed, startMilliseconds + timeStep * PERIOD_MILLISECONDS);
  const [first, second] = SCRIPT_WAYS[way].timeSteps;
  return [code(first), code(second)];
}
