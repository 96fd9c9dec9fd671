import Table from 'cli-table3';
import { stackNameOf } from './device-records';
import { harmless } from './harmless';
import type { ManagedDevice } from './inventory';

const NO_BORDERS = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
  ].map((place) => [place, '']),
);
const GAP = '  ';
/** Fits most terminals, and a comment in a ticket. */
const NARROW_COLUMNS = 100;

/** Devices as a table for people: with names in 100 columns, or in full with ARNs. */
export function deviceTable(devices: readonly ManagedDevice[], isWide: boolean): string {
  return isWide
    ? tableOf(['USER', 'STATE', 'SERIAL NUMBER', 'ENABLED SINCE', 'STACK', 'SECRET'], devices.map(wideRow))
    : tableOf(['USER', 'STATE', 'DEVICE', 'SINCE', 'STACK'], devices.map(narrowRow), NARROW_COLUMNS);
}

function narrowRow({ userName, state, serialNumber, enableDate, stackId }: ManagedDevice): string[] {
  const device = serialNumber?.split('/').at(-1);
  return [userName ?? '-', state, device ?? '-', enableDate?.toISOString().slice(0, 10) ?? '-', stackNameOf(stackId)];
}

function wideRow({ userName, state, serialNumber, enableDate, stackId, seedSecretArn }: ManagedDevice): string[] {
  const since = enableDate?.toISOString().replace('.000', '') ?? '-';
  return [userName ?? '-', state, serialNumber ?? '-', since, stackNameOf(stackId), seedSecretArn ?? '-'];
}

/** The columns of names: they are cut where all together are too wide, the widest first. */
const NAMES = ['USER', 'DEVICE', 'STACK'];

function tableOf(head: readonly string[], rows: readonly (readonly string[])[], columns?: number): string {
  const cells = [head, ...rows.map((row) => row.map(harmless))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const ofNames = head.map((_, column) => column).filter((column) => NAMES.includes(head[column] ?? ''));
  const widthOf = (column: number) => widths[column] ?? 0;
  const available = (columns ?? Infinity) - GAP.length * (head.length - 1);
  while (widths.reduce((sum, width) => sum + width, 0) > available) {
    const widest = ofNames.reduce((one, other) => (widthOf(other) > widthOf(one) ? other : one));
    widths[widest] = widthOf(widest) - 1;
  }
  const table = new Table({
    head: [...head],
    colWidths: widths,
    chars: { ...NO_BORDERS, middle: GAP },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...cells.slice(1).map((row) => [...row]));
  return table.toString().replaceAll(/ +$/gm, '');
}
