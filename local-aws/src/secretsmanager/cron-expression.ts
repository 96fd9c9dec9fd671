import { Cron } from 'croner';

const DAY_MILLISECONDS = 86_400_000;

/** A cron expression of Secrets Manager, read. */
export interface CronExpression {
  /** The hours of a day, in UTC. */
  readonly hours: readonly number[];
  /** The first full hour after a moment that the expression names. */
  readonly next: (after: number) => number;
}

/** `L` is the month's last day. */
const DAY_OF_MONTH = /^(?:[\d*,/-]+|L)$/;
/** From Sunday, 1, to Saturday, 7. `L` is the week's last day; `5L` the month's last Thursday; `5#2` its second one. */
const DAY_OF_WEEK = /^(?:[1-7A-KM-Z*,/-]+|(?:[1-7]|[A-Z]{3})(?:L|#[1-5])|L)$/;

/**
 * Reads `cron(Minutes Hours Day-of-month Month Day-of-week Year)`; undefined for what Secrets Manager does not take.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
 */
export function readCronExpression(text: string): CronExpression | undefined {
  const [, fields = ''] = /^cron\((.*)\)$/.exec(text) ?? [];
  const [minutes, hour = '', day = '', month = '', weekday = '', year, ...more] = fields.split(' ');
  // A window opens on the hour, and at least once a year. One of the two days is left open.
  if (minutes !== '0' || year !== '*' || more.length > 0) return undefined;
  const areDays = weekday === '?' ? DAY_OF_MONTH.test(day) : day === '?' && DAY_OF_WEEK.test(weekday);
  if (!areDays || !isWithin(hour, 23) || !isWithin(day, 31) || !isWithin(month, 12)) return undefined;
  try {
    const windows = cron(`0 ${hour} ${day} ${month} ${weekday === 'L' ? '7' : weekday}`);
    const hours = cron(`0 ${hour} * * *`)
      .nextRuns(24, new Date(-1))
      .filter((run) => run.getTime() < DAY_MILLISECONDS)
      .map((run) => run.getUTCHours());
    // The 30th of February: the expression names no window at all.
    if (!windows.nextRun()) return undefined;
    return { hours, next: (after) => windows.nextRun(new Date(after))?.getTime() ?? Infinity };
  } catch {
    // No such hour, day or month.
    return undefined;
  }
}

/** Croner looks over a number that is too large where steps are. */
function isWithin(field: string, most: number): boolean {
  return [...field.matchAll(/(?<!\/)\b\d+/g)].every(([number]) => Number(number) <= most);
}

/** As AWS counts weekdays and writes steps. */
function cron(pattern: string): Cron {
  return new Cron(pattern, { timezone: 'Etc/UTC', alternativeWeekdays: true, sloppyRanges: true });
}
