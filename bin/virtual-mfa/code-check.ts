import { codeAt, PERIOD_MILLISECONDS } from '../../lambda/contract/authentication-codes';
import type { Check } from './verification';

/** IAM takes the codes of two time steps either way of the present one. */
const TAKEN_TIME_STEPS = 2;
/** A phone whose clock is further off than this is set by hand. */
const SEARCHED_TIME_STEPS = 120;

/** Compares a code that the owner of a device reads out with those of the stored seed. */
export function codeCheck(code: string, seed: string, now: number): Check {
  const name = 'code';
  const offsets = Array.from({ length: 2 * SEARCHED_TIME_STEPS + 1 }, (_, index) => nearestFirst(index));
  const offset = offsets.find((timeSteps) => codeAt(seed, now + timeSteps * PERIOD_MILLISECONDS) === code);
  if (offset === undefined) {
    const detail = 'it is not a code of the stored seed: the app has another seed; show the QR code again';
    return { name, outcome: 'failed', detail };
  }
  if (Math.abs(offset) <= TAKEN_TIME_STEPS) {
    return { name, outcome: 'proven', detail: 'the app of the owner has the stored seed' };
  }
  const seconds = (Math.abs(offset) * PERIOD_MILLISECONDS) / 1000;
  const detail = `the app has the stored seed, but its clock is ${seconds} s ${offset < 0 ? 'behind' : 'ahead'}: AWS refuses its codes`;
  return { name, outcome: 'failed', detail };
}

/** 0, -1, 1, -2, 2, … */
function nearestFirst(index: number): number {
  return index % 2 === 0 ? index / 2 : -(index + 1) / 2;
}
