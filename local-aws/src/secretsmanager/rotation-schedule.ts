import { AwsError, notImplemented } from '../protocol/aws-error';

/** When a secret is rotated, with the names that AWS gives the members. */
export interface RotationRules {
  readonly AutomaticallyAfterDays?: number | undefined;
  /** `4h`: how long the window is open. */
  readonly Duration?: string | undefined;
  /** `rate(10 days)`, `rate(4 hours)` */
  readonly ScheduleExpression?: string | undefined;
}

/** A rotation window, in milliseconds since the epoch. Secrets Manager rotates at any time in it. */
export interface RotationWindow {
  readonly opens: number;
  /** NextRotationDate: the window's last second. */
  readonly lastSecond: number;
}

const HOUR_MILLISECONDS = 3_600_000;
const DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS;

/**
 * The window after a rotation. Windows open on the hour, in UTC.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
 */
export function nextWindow(rules: RotationRules, rotated: number): RotationWindow {
  const { unit, value } = intervalOf(rules);
  const hourly = unit === 'hour';
  const unitMilliseconds = hourly ? HOUR_MILLISECONDS : DAY_MILLISECONDS;
  const opens = startOf(unitMilliseconds, rotated) + value * unitMilliseconds;
  const hours = rules.Duration === undefined ? undefined : Number.parseInt(rules.Duration, 10);
  const length = hours === undefined ? unitMilliseconds : hours * HOUR_MILLISECONDS;
  return { opens, lastSecond: opens + length - 1000 };
}

/** The rules as DescribeSecret tells them: with the days to the next window. */
export function describedRules(rules: RotationRules, rotated: number): RotationRules {
  const { opens } = nextWindow(rules, rotated);
  const days = (startOf(DAY_MILLISECONDS, opens) - startOf(DAY_MILLISECONDS, rotated)) / DAY_MILLISECONDS;
  return { ...(days > 0 ? { AutomaticallyAfterDays: days } : {}), ...rules };
}

/** Throws for rules that Secrets Manager does not take. */
export function assertValidRules(rules: RotationRules): void {
  const { unit, value } = intervalOf(rules);
  const hours = Number.parseInt(rules.Duration ?? '1h', 10);
  const longest = unit === 'hour' ? value : 24;
  if (hours < 1 || hours > longest) throw invalid(`The Duration must be between 1h and ${longest}h.`);
}

function intervalOf({ AutomaticallyAfterDays, ScheduleExpression }: RotationRules): {
  readonly unit: 'hour' | 'day';
  readonly value: number;
} {
  if ((AutomaticallyAfterDays === undefined) === (ScheduleExpression === undefined)) {
    throw invalid('RotationRules must have either AutomaticallyAfterDays or ScheduleExpression.');
  }
  if (AutomaticallyAfterDays !== undefined) return { unit: 'day', value: AutomaticallyAfterDays };
  if (ScheduleExpression?.startsWith('cron(')) throw notImplemented(`the schedule ${ScheduleExpression}`);
  const [, number, unit] = /^rate\((\d+) (hour|day)s?\)$/.exec(ScheduleExpression ?? '') ?? [];
  const value = Number(number);
  if (unit === 'hour' && value >= 4 && value <= 999 * 24) return { unit, value };
  if (unit === 'day' && value >= 1 && value <= 999) return { unit, value };
  throw invalid(`The ScheduleExpression ${ScheduleExpression ?? ''} is not valid.`);
}

function startOf(unitMilliseconds: number, time: number): number {
  return time - (time % unitMilliseconds);
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterException', message);
}
