import { AwsError } from '../protocol/aws-error';
import { readCronExpression } from './cron-expression';

/** When a secret is rotated, with the names that AWS gives the members. */
export interface RotationRules {
  readonly AutomaticallyAfterDays?: number | undefined;
  /** `4h`: how long the window is open. */
  readonly Duration?: string | undefined;
  /** `rate(10 days)`, `rate(4 hours)`, `cron(0 8 1 * ? *)` */
  readonly ScheduleExpression?: string | undefined;
}

/** A rotation window, in milliseconds since the epoch. Secrets Manager rotates at any time in it. */
export interface RotationWindow {
  readonly opens: number;
  /** NextRotationDate: the window's last second. */
  readonly lastSecond: number;
}

/** Windows, which open on the hour, in UTC. */
interface Schedule {
  readonly opensAfter: (rotated: number) => number;
  /** Whether there may be several windows in a day: then each closes after an hour, otherwise with the day. */
  readonly hourly: boolean;
  /** Hours that a window can be open and not reach into the next one, or into the next day. */
  readonly longestWindow: number;
}

const HOUR_MILLISECONDS = 3_600_000;
const DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS;
/** A secret is rotated every four hours at most. */
const LEAST_HOURS = 4;

/**
 * The window after a rotation.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
 */
export function nextWindow(rules: RotationRules, rotated: number): RotationWindow {
  const { opensAfter, hourly } = scheduleOf(rules);
  const opens = opensAfter(rotated);
  const byDefault = hourly ? opens + HOUR_MILLISECONDS : startOf(DAY_MILLISECONDS, opens) + DAY_MILLISECONDS;
  const closes = rules.Duration === undefined ? byDefault : opens + hoursOf(rules.Duration) * HOUR_MILLISECONDS;
  return { opens, lastSecond: closes - 1000 };
}

/** The rules as DescribeSecret tells them: with the days to the next window. */
export function describedRules(rules: RotationRules, rotated: number): RotationRules {
  const { opens } = nextWindow(rules, rotated);
  const days = (startOf(DAY_MILLISECONDS, opens) - startOf(DAY_MILLISECONDS, rotated)) / DAY_MILLISECONDS;
  return { ...(days > 0 ? { AutomaticallyAfterDays: days } : {}), ...rules };
}

/** Throws for rules that Secrets Manager does not take. */
export function assertValidRules(rules: RotationRules): void {
  const { longestWindow } = scheduleOf(rules);
  const hours = hoursOf(rules.Duration ?? '1h');
  if (hours < 1 || hours > longestWindow) throw invalid(`The Duration must be between 1h and ${longestWindow}h.`);
}

function scheduleOf({ AutomaticallyAfterDays, ScheduleExpression }: RotationRules): Schedule {
  if ((AutomaticallyAfterDays === undefined) === (ScheduleExpression === undefined)) {
    throw invalid('RotationRules must have either AutomaticallyAfterDays or ScheduleExpression.');
  }
  if (AutomaticallyAfterDays !== undefined) return everyDays(AutomaticallyAfterDays);
  const expression = ScheduleExpression ?? '';
  const schedule = rateSchedule(expression) ?? cronSchedule(expression);
  if (!schedule) throw invalid(`The ScheduleExpression ${expression} is not valid.`);
  return schedule;
}

function rateSchedule(expression: string): Schedule | undefined {
  const [, number, unit] = /^rate\((\d+) (hour|day)s?\)$/.exec(expression) ?? [];
  const value = Number(number);
  if (unit === 'day' && value >= 1 && value <= 999) return everyDays(value);
  if (unit === 'hour' && value >= LEAST_HOURS && value <= 999 * 24) return everyHours(value);
  return undefined;
}

function everyDays(days: number): Schedule {
  const opensAfter = (rotated: number) => startOf(DAY_MILLISECONDS, rotated) + days * DAY_MILLISECONDS;
  return { opensAfter, hourly: false, longestWindow: 24 };
}

function everyHours(hours: number): Schedule {
  const opensAfter = (rotated: number) => startOf(HOUR_MILLISECONDS, rotated) + hours * HOUR_MILLISECONDS;
  return { opensAfter, hourly: true, longestWindow: hours };
}

function cronSchedule(expression: string): Schedule | undefined {
  const cron = readCronExpression(expression);
  if (!cron) return undefined;
  const { hours, next } = cron;
  const [first = 0] = hours;
  const gapsTo = (end: number) => Math.min(...hours.map((hour, index) => (hours[index + 1] ?? end) - hour));
  if (gapsTo(first + 24) < LEAST_HOURS) return undefined;
  return { opensAfter: next, hourly: hours.length > 1, longestWindow: gapsTo(24) };
}

function hoursOf(duration: string): number {
  return Number.parseInt(duration, 10);
}

function startOf(unitMilliseconds: number, time: number): number {
  return time - (time % unitMilliseconds);
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterException', message);
}
