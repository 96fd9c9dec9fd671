const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const DAY_MILLISECONDS = 86_400_000;
const HOUR_MILLISECONDS = 3_600_000;
/** The 29th of February can be eight years away. */
const LONGEST_SEARCH_DAYS = 8 * 366;

/** A cron expression of Secrets Manager, read. */
export interface CronExpression {
  /** The hours of a day, in UTC. */
  readonly hours: readonly number[];
  /** The first full hour after a moment that the expression names. */
  readonly next: (after: number) => number;
}

type DayTest = (date: Date) => boolean;

/**
 * Reads `cron(Minutes Hours Day-of-month Month Day-of-week Year)`; undefined for what Secrets Manager does not take.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
 */
export function readCronExpression(text: string): CronExpression | undefined {
  const [, fields = ''] = /^cron\((.*)\)$/.exec(text) ?? [];
  const [minutes, hourField = '', dayField = '', monthField = '', weekdayField = '', year, ...more] = fields.split(' ');
  // A window opens on the hour, and at least once a year. One of the two days is left open.
  if (minutes !== '0' || year !== '*' || more.length > 0) return undefined;
  if ((dayField === '?') === (weekdayField === '?')) return undefined;
  const hours = numbersIn(hourField, 0, 23);
  const months = numbersIn(monthField, 1, 12, MONTHS);
  const day = dayField === '?' ? weekdayTest(weekdayField) : dayOfMonthTest(dayField);
  if (!hours || !months || !day) return undefined;
  const matches: DayTest = (date) => months.includes(date.getUTCMonth() + 1) && day(date);
  const next = (after: number) => nextAfter(after, hours, matches);
  // The 30th of February: the expression names no window at all.
  return Number.isFinite(next(0)) ? { hours, next } : undefined;
}

function nextAfter(after: number, hours: readonly number[], matches: DayTest): number {
  const today = after - (after % DAY_MILLISECONDS);
  for (let days = 0; days <= LONGEST_SEARCH_DAYS; days += 1) {
    const midnight = today + days * DAY_MILLISECONDS;
    if (!matches(new Date(midnight))) continue;
    const found = hours.map((hour) => midnight + hour * HOUR_MILLISECONDS).find((time) => time > after);
    if (found !== undefined) return found;
  }
  return Infinity;
}

function dayOfMonthTest(field: string): DayTest | undefined {
  if (field === 'L') return isInLastDays(1);
  const days = numbersIn(field, 1, 31);
  return days && ((date) => days.includes(date.getUTCDate()));
}

/** `L` is the last day of the week; `5L` the month's last Thursday; `5#2` its second one. */
function weekdayTest(field: string): DayTest | undefined {
  const [, name = '', rule, ordinal] = /^(\w+?)(L|#([1-5]))$/.exec(field) ?? [];
  const weekdays = numbersIn(rule === undefined ? field.replace(/^L$/, '7') : name, 1, 7, WEEKDAYS);
  if (!weekdays || (rule !== undefined && weekdays.length !== 1)) return undefined;
  const isThatWeek: DayTest =
    rule === 'L'
      ? isInLastDays(7)
      : (date) => ordinal === undefined || Math.ceil(date.getUTCDate() / 7) === Number(ordinal);
  return (date) => weekdays.includes(date.getUTCDay() + 1) && isThatWeek(date);
}

function isInLastDays(count: number): DayTest {
  return (date) => new Date(date.getTime() + count * DAY_MILLISECONDS).getUTCMonth() !== date.getUTCMonth();
}

/** The numbers that a field names, in order: `*`, `1,15`, `MON-FRI`, `0/8`. */
function numbersIn(field: string, least: number, most: number, names: readonly string[] = []) {
  const numberOf = (text: string) => (names.includes(text) ? names.indexOf(text) + 1 : Number(text));
  const found = new Set<number>();
  for (const part of field.split(',')) {
    const [, range = '', , step] = /^(\*|\w+(-\w+)?)(?:\/(\d+))?$/.exec(part) ?? [];
    const [first = '', last = step === undefined ? first : String(most)] = range.split('-');
    const [from, to] = range === '*' ? [least, most] : [numberOf(first), numberOf(last)];
    const by = Number(step ?? 1);
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < least || to > most || from > to || by < 1) {
      return undefined;
    }
    for (let number = from; number <= to; number += by) found.add(number);
  }
  return [...found].sort((a, b) => a - b);
}
