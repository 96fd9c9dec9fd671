import { isatty } from 'node:tty';
import { createColors } from 'picocolors';

/** Colours for a terminal alone: picocolors by itself would use them in every CI's log. */
export const colors = createColors(isatty(1) && process.env.NO_COLOR === undefined);

/** A step that did not come out as it must. Its message tells what was seen instead. */
export class StepFailed extends Error {}

/** Fails the step unless something was really observed. */
export function observe(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new StepFailed(otherwise);
}

/** Runs one named step after the other and says how each came out. */
export class Steps {
  constructor(private readonly write: (text: string) => void) {}

  async run<T>(name: string, step: () => Promise<T>): Promise<T> {
    this.write(`\n${colors.bold(colors.cyan(`▸ ${name}`))}\n\n`);
    try {
      return await step();
    } catch (error) {
      throw new StepFailed(`Step "${name}" failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Prints one fact that was observed. */
  fact(label: string, value: string): void {
    this.write(`  ${colors.green('✓')} ${label.padEnd(28)} ${value}\n`);
  }

  text(text: string): void {
    this.write(text);
  }
}
