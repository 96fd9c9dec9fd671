import fc from 'fast-check';
import { Secret, TOTP } from 'otpauth';
import { describe, expect, it } from 'vitest';
import {
  millisecondsToNextTimeStep,
  previousAndCurrentCode,
  timeStepAt,
} from '../../lambda/contract/authentication-codes';

/** RFC 6238, Appendix B: the ASCII text 12345678901234567890, in base32. */
const RFC_SEED = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

const anySeed = fc
  .uint8Array({ minLength: 20, maxLength: 64 })
  .map((bytes) => new Secret({ buffer: Uint8Array.from(bytes).buffer }).base32);
/** From the first whole time step of the epoch to the year 2100. */
const anyTime = fc.integer({ min: 60_000, max: Date.UTC(2100, 0) });

function independently(seed: string, timestamp: number): string {
  const totp = new TOTP({ secret: Secret.fromBase32(seed), algorithm: 'SHA1', digits: 6, period: 30 });
  return totp.generate({ timestamp });
}

describe('the previous and the current authentication code', () => {
  it.each([
    // The RFC prints eight digits: the last six of them are the six-digit code.
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ])('is at %i seconds what RFC 6238, Appendix B, says: the end of %s', (seconds, eightDigits) => {
    expect(previousAndCurrentCode(RFC_SEED, seconds * 1000)[1]).toBe(eightDigits.slice(-6));
  });

  it('are what another library computes, for any seed at any time', () => {
    fc.assert(
      fc.property(anySeed, anyTime, (seed, time) => {
        const [previous, current] = previousAndCurrentCode(seed, time);
        expect(current).toBe(independently(seed, time));
        expect(previous).toBe(independently(seed, time - 30_000));
      }),
    );
  });

  it('have six digits each, zeros in front included', () => {
    // Prepare: the first moment at which the code of the RFC's seed begins with a zero
    const zeroFirst = [1_111_111_109_000, 1_111_111_109_000 + 30_000];

    // Act
    const [, atZero] = previousAndCurrentCode(RFC_SEED, zeroFirst[0] ?? 0);
    const [previous] = previousAndCurrentCode(RFC_SEED, zeroFirst[1] ?? 0);

    // Assess
    expect(atZero).toBe('081804');
    expect(previous).toBe('081804');
    fc.assert(
      fc.property(anySeed, anyTime, (seed, time) => {
        previousAndCurrentCode(seed, time).forEach((code) => expect(code).toMatch(/^\d{6}$/));
      }),
    );
  });

  it('move up by one at each time step: what was current is then previous', () => {
    fc.assert(
      fc.property(anySeed, anyTime, (seed, time) => {
        expect(previousAndCurrentCode(seed, time + 30_000)[0]).toBe(previousAndCurrentCode(seed, time)[1]);
      }),
    );
  });

  it('stay the same up to the last millisecond of a time step', () => {
    const begin = 1_700_000_010_000;
    expect(previousAndCurrentCode(RFC_SEED, begin)).toEqual(previousAndCurrentCode(RFC_SEED, begin + 29_999));
    expect(previousAndCurrentCode(RFC_SEED, begin)).not.toEqual(previousAndCurrentCode(RFC_SEED, begin - 1));
    expect(previousAndCurrentCode(RFC_SEED, begin)).not.toEqual(previousAndCurrentCode(RFC_SEED, begin + 30_000));
  });
});

describe('a time step', () => {
  it.each([
    [0, 0],
    [29_999, 0],
    [30_000, 1],
    [59_999, 1],
    [60_000, 2],
  ])('lies, at %i milliseconds, at %i', (time, timeStep) => {
    expect(timeStepAt(time)).toBe(timeStep);
  });

  it.each([
    [0, 30_000],
    [1, 29_999],
    [29_999, 1],
    [30_000, 30_000],
  ])('is followed by the next one, at %i milliseconds, after %i', (time, milliseconds) => {
    expect(millisecondsToNextTimeStep(time)).toBe(milliseconds);
  });

  it('is never waited for longer than a period, and the wait ends in the next one exactly', () => {
    fc.assert(
      fc.property(anyTime, (time) => {
        const wait = millisecondsToNextTimeStep(time);
        expect(wait).toBeGreaterThan(0);
        expect(wait).toBeLessThanOrEqual(30_000);
        expect(timeStepAt(time + wait)).toBe(timeStepAt(time) + 1);
        expect(timeStepAt(time + wait - 1)).toBe(timeStepAt(time));
      }),
    );
  });
});
