import { Secret, TOTP } from 'otpauth';

const PERIOD_SECONDS = 30;

/** The RFC 6238 time step that a moment lies in. */
export function timeStepAt(millisecondsSinceEpoch: number): number {
  return Math.floor(millisecondsSinceEpoch / 1000 / PERIOD_SECONDS);
}

/** The six-digit codes of a seed, by time step. otpauth is not the library that the product uses: the judge shares no defect with it. */
export function codesOf(seed: string): (timeStep: number) => string {
  const totp = new TOTP({ secret: Secret.fromBase32(seed), digits: 6, period: PERIOD_SECONDS, algorithm: 'SHA1' });
  return (timeStep) => totp.generate({ timestamp: timeStep * PERIOD_SECONDS * 1000 });
}

/** The later of two consecutive time steps whose codes these are, the nearest to a time step first; undefined if none is in the range. */
export function consecutiveTimeSteps(
  seed: string,
  [first, second]: readonly [string, string],
  around: number,
  { behind, ahead }: { readonly behind: number; readonly ahead: number },
): number | undefined {
  const codeAt = codesOf(seed);
  const isPair = (timeStep: number) => codeAt(timeStep) === second && codeAt(timeStep - 1) === first;
  for (let distance = 0; distance <= Math.max(behind, ahead); distance += 1) {
    if (distance <= behind && isPair(around - distance)) return around - distance;
    if (distance <= ahead && isPair(around + distance)) return around + distance;
  }
  return undefined;
}
