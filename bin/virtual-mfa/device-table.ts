import Table from 'cli-table3';
import { harmless } from './harmless';
import { type ManagedDevice, stackNameOf } from './managed-devices';

const NO_BORDERS = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'],
  ].map((place) => [place, '']),
);

/** Devices as a table for people. */
export function deviceTable(devices: readonly ManagedDevice[]): string {
  const table = new Table({
    head: ['USER', 'SERIAL NUMBER', 'ENABLED SINCE', 'STACK', 'SECRET'],
    chars: { ...NO_BORDERS, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const { userName, serialNumber, enableDate, stackId, seedSecretArn } of devices) {
    const row = [
      userName ?? '-',
      serialNumber,
      enableDate?.toISOString().replace('.000', '') ?? 'not enabled',
      stackNameOf(stackId),
      seedSecretArn ?? 'gone',
    ];
    table.push(row.map(harmless));
  }
  return table.toString().replaceAll(/ +$/gm, '');
}
