import Table from 'cli-table3';

/** What one measurement found, for people: a table, and what it says. */
export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** Sentences below the table: what was compared, and the ratios, which hold on other machines too. */
  readonly notes: readonly string[];
}

/** Renders a section as a Markdown table, which reads well in a terminal too. */
export function rendered({ title, head, rows, notes }: Section): string {
  const table = new Table({ head: [...head], style: { head: [], border: [] }, chars: MARKDOWN });
  for (const row of rows) table.push(row.map(String));
  const [first = '', ...rest] = table.toString().split('\n');
  const line = first.replaceAll(/[^|]/g, '-');
  return [`## ${title}`, '', first, line, ...rest, '', ...notes, ''].join('\n');
}

/** Borders that make a Markdown table: bars between cells, and no lines. */
const MARKDOWN = {
  ...Object.fromEntries(
    [
      ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
      ...['left-mid', 'mid', 'mid-mid', 'right-mid'],
    ].map((place) => [place, '']),
  ),
  left: '|',
  middle: '|',
  right: '|',
};

export function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
}

export function milliseconds(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}
