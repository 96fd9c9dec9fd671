import type { DeviceReport } from './device-reports';
import { harmless } from './harmless';

/** A report as a line for people. */
export function reportLine(report: DeviceReport): string {
  const { userName = '-', enableDate, problem, repaired, seedAgeDays, ownerMayReadSeed } = report;
  if (problem !== undefined) return harmless(`✗ ${userName}: ${problem}`);
  const facts = [
    ...(repaired === undefined ? [] : [repaired]),
    ...(enableDate === undefined ? [] : [`enabled since ${dayOf(enableDate)}`]),
    ...(seedAgeDays === undefined ? [] : [`seed ${seedAgeDays} ${seedAgeDays === 1 ? 'day' : 'days'} old`]),
    ...(ownerMayReadSeed === true ? ['the owner may read the seed without the device'] : []),
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
  'owner may read seed': ({ ownerMayReadSeed }) =>
    ownerMayReadSeed === undefined ? undefined : ownerMayReadSeed ? 'yes' : 'no',
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
