/** What one measurement found, for people. */
export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** Sentences below the table: what was compared. */
  readonly notes: readonly string[];
}

/** Renders a section as Markdown. */
export function rendered({ title, head, rows, notes }: Section): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  const table = [line(head), line(head.map(() => '---')), ...rows.map(line)];
  return [`## ${title}`, '', ...table, '', ...notes, ''].join('\n');
}

/** Measures all subjects in each round, because whatever else the machine does then slows down all alike. Adds the medians to each. */
export async function mediansInTurns<Subject, Figure extends string>(
  rounds: number,
  subjects: readonly Subject[],
  measure: (subject: Subject) => Promise<Readonly<Record<Figure, number>>>,
): Promise<readonly (Subject & Readonly<Record<Figure, number>>)[]> {
  const measured = subjects.map((subject) => ({ subject, figures: [] as Readonly<Record<Figure, number>>[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const { subject, figures } of measured) figures.push(await measure(subject));
  }
  return measured.map(({ subject, figures }) => {
    const names = Object.keys(figures[0] ?? {}) as Figure[];
    const medians = names.map((name) => [name, median(figures.map((figure) => figure[name]))] as const);
    return { ...subject, ...(Object.fromEntries(medians) as Record<Figure, number>) };
  });
}

export function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
}

export function milliseconds(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
