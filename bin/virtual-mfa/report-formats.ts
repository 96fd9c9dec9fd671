import type { DeviceReport } from './device-reports';
import { harmless } from './harmless';

/** A report as a line for people. */
export function reportLine({ userName = '-', enableDate, problem, repaired, seedAgeDays }: DeviceReport): string {
  if (problem !== undefined) return harmless(`✗ ${userName}: ${problem}`);
  const facts = [
    ...(repaired === undefined ? [] : [repaired]),
    ...(enableDate === undefined ? [] : [`enabled since ${dayOf(enableDate)}`]),
    ...(seedAgeDays === undefined ? [] : [`seed ${seedAgeDays} ${seedAgeDays === 1 ? 'day' : 'days'} old`]),
  ];
  return harmless(`✓ ${userName}: ${facts.join(', ')}`);
}

const COLUMNS: Readonly<Record<string, (report: DeviceReport) => string | undefined>> = {
  user: ({ userName }) => userName,
  device: ({ serialNumber }) => serialNumber,
  result: ({ problem }) => (problem === undefined ? 'ok' : 'failed'),
  problem: ({ problem }) => problem,
  'enabled since': ({ enableDate }) => enableDate?.toISOString(),
  'seed age in days': ({ seedAgeDays }) => seedAgeDays?.toString(),
  secret: ({ seedSecretArn }) => seedSecretArn,
  'last rotated': ({ lastRotatedDate }) => lastRotatedDate?.toISOString(),
};

/** @see https://www.rfc-editor.org/rfc/rfc4180 */
export function reportsAsCsv(reports: readonly DeviceReport[]): string {
  const rows = reports.map((report) => Object.values(COLUMNS).map((column) => cell(column(report) ?? '')));
  return [Object.keys(COLUMNS), ...rows].map((row) => row.join(',')).join('\r\n');
}

/** A name may begin with what a spreadsheet takes for a formula. */
function cell(text: string): string {
  const safe = harmless(/^[=+\-@]/.test(text) ? `'${text}` : text);
  return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
