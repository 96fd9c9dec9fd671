import { describe, expect, it } from 'vitest';
import { readCronExpression } from '../../src/secretsmanager/cron-expression';

/** A Thursday. */
const NOON = Date.parse('2026-01-15T12:00:00Z');
const dateOf = (time: number | undefined) => new Date(time ?? Number.NaN).toISOString().slice(0, 13);

/** The first, second and third window after noon. */
function windows(fields: string): readonly string[] {
  const next = (after: number) => readCronExpression(`cron(${fields})`)?.next(after) ?? Number.NaN;
  const first = next(NOON);
  const second = next(first);
  return [first, second, next(second)].map(dateOf);
}

describe('a cron expression of Secrets Manager', () => {
  it.each([
    ['every day at 8:00', '0 8 * * ? *', '2026-01-16T08', '2026-01-17T08', '2026-01-18T08'],
    ['later on the same day', '0 13 ? * * *', '2026-01-15T13', '2026-01-16T13', '2026-01-17T13'],
    ['not at the moment itself', '0 12 ? * * *', '2026-01-16T12', '2026-01-17T12', '2026-01-18T12'],
    ['every eight hours', '0 0/8 * * ? *', '2026-01-15T16', '2026-01-16T00', '2026-01-16T08'],
    ['every twelve hours from 4:00', '0 4/12 * * ? *', '2026-01-15T16', '2026-01-16T04', '2026-01-16T16'],
    ['on the first of each month', '0 0 1 * ? *', '2026-02-01T00', '2026-03-01T00', '2026-04-01T00'],
    ['on the 1st and 15th', '0 0 1,15 * ? *', '2026-02-01T00', '2026-02-15T00', '2026-03-01T00'],
    ['each quarter', '0 3 1 JAN,APR,JUL,OCT ? *', '2026-04-01T03', '2026-07-01T03', '2026-10-01T03'],
    ['every third month', '0 3 1 1/3 ? *', '2026-04-01T03', '2026-07-01T03', '2026-10-01T03'],
    ['on the last day of a month', '0 0 L * ? *', '2026-01-31T00', '2026-02-28T00', '2026-03-31T00'],
    ['on Saturdays', '0 20 ? * SAT *', '2026-01-17T20', '2026-01-24T20', '2026-01-31T20'],
    ['on the last day of the week', '0 20 ? * L *', '2026-01-17T20', '2026-01-24T20', '2026-01-31T20'],
    ['on Sundays, the first day', '0 20 ? * 1 *', '2026-01-18T20', '2026-01-25T20', '2026-02-01T20'],
    ['on work days', '0 10 ? * MON-FRI *', '2026-01-16T10', '2026-01-19T10', '2026-01-20T10'],
    ['on the first Monday', '0 0 ? * 2#1 *', '2026-02-02T00', '2026-03-02T00', '2026-04-06T00'],
    ['on the last Thursday', '0 0 ? * 5L *', '2026-01-29T00', '2026-02-26T00', '2026-03-26T00'],
    ['on the 29th of February', '0 0 29 2 ? *', '2028-02-29T00', '2032-02-29T00', '2036-02-29T00'],
  ])('names windows %s', (_when, fields, ...expected) => {
    expect(windows(fields)).toEqual(expected);
  });

  it.each([
    'rate(1 day)',
    'cron(0 8 * * ?)',
    'cron(30 8 * * ? *)',
    'cron(0 8 * * ? 2026)',
    'cron(0 8 * * * *)',
    'cron(0 8 ? * ? *)',
    'cron(0 24 * * ? *)',
    'cron(0 -1 * * ? *)',
    'cron(0 0,24/4 * * ? *)',
    'cron(0 8 1-40/3 * ? *)',
    'cron(0 8 1 1-13/2 ? *)',
    'cron(0 8 0 * ? *)',
    'cron(0 8 32 * ? *)',
    'cron(0 8 30 2 ? *)',
    'cron(0 8 5-1 * ? *)',
    'cron(0 8 1/0 * ? *)',
    'cron(0 8 ? * 8 *)',
    'cron(0 8 ? * 2#6 *)',
    'cron(0 8 ? * MON-FRI#1 *)',
    'cron(0 8 1 JANUARY ? *)',
    'cron(0 8 * * ? * *)',
  ])('is not %s', (text) => {
    expect(readCronExpression(text)).toBeUndefined();
  });
});
