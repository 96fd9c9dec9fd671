import { SingleBar } from 'cli-progress';
import { createColors } from 'picocolors';

/** Wide enough for the serial numbers and ARNs of the demo. */
const WIDTH_WITHOUT_TERMINAL = 100;
const LABEL_WIDTH = 15;
const FRAMES = Array.from('⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏');
const FRAMES_PER_SECOND = 10;

/** Where a screen writes. */
export type ScreenStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

export interface ScreenOptions {
  /** The width where there is no terminal. */
  readonly columns?: number;
  /** By default only a terminal gets colours. */
  readonly inColours?: boolean;
}

/** Breaks text into lines of a width, between words where it can. */
type Wrap = (text: string, columns: number, options: { readonly hard: boolean }) => string;

/** What the demo shows: titles, facts that fit the terminal's width, and one live line while something works. */
export class Screen {
  readonly #colours: ReturnType<typeof createColors>;

  private constructor(
    private readonly stream: ScreenStream,
    private readonly wrap: Wrap,
    private readonly options: ScreenOptions,
  ) {
    this.#colours = createColors(options.inColours ?? this.isTerminal);
  }

  static async on(stream: ScreenStream, options: ScreenOptions = {}): Promise<Screen> {
    // An ES module, which CommonJS imports so.
    const { wrapAnsi } = await import('fast-wrap-ansi');
    return new Screen(stream, wrapAnsi, options);
  }

  get isTerminal(): boolean {
    return this.stream.isTTY === true;
  }

  title(text: string): void {
    const { bold, cyan } = this.#colours;
    this.stream.write(`\n${bold(cyan(`▸ ${text}`))}\n`);
  }

  /** Shows what was observed; every further value gets a line of its own. */
  fact(label: string, ...values: readonly string[]): void {
    const mark = this.#colours.green('✓');
    const text = values.map((value) => this.#hanging(value, LABEL_WIDTH + 5)).join(`\n${' '.repeat(LABEL_WIDTH + 5)}`);
    this.stream.write(`  ${mark} ${label.padEnd(LABEL_WIDTH)} ${text}\n`);
  }

  /** Shows lines that a command printed, the rest of a long one under its text. */
  lines(text: string, textColumn = 0): void {
    for (const line of text.trimEnd().split('\n')) {
      const head = line.slice(0, textColumn).replace(/^✓/, this.#colours.green('✓'));
      this.stream.write(`  ${head}${this.#hanging(line.slice(textColumn), textColumn + 2)}\n`);
    }
  }

  note(text: string): void {
    this.stream.write(`  ${this.#colours.dim(this.#hanging(text, 2))}\n`);
  }

  failure(text: string): void {
    const { bold, red } = this.#colours;
    this.stream.write(`\n${bold(red(text))}\n`);
  }

  /** Writes text as it is. */
  raw(text: string): void {
    this.stream.write(text);
  }

  /**
   * Shows one line that changes while something works, and clears it afterwards. Shows nothing where there is no terminal.
   *
   * @param work gets a function that changes the line's text
   */
  async during<T>(text: string, work: (show: (text: string) => void) => Promise<T>): Promise<T> {
    const began = Date.now();
    const line = new SingleBar({
      stream: this.stream,
      format: (_options, _parameters, payload: { readonly text: string }) => {
        const milliseconds = Date.now() - began;
        const frame = FRAMES[Math.floor((milliseconds * FRAMES_PER_SECOND) / 1000) % FRAMES.length] ?? '';
        return `  ${this.#colours.cyan(frame)} ${Math.floor(milliseconds / 1000)} s  ${payload.text}`;
      },
      fps: FRAMES_PER_SECOND,
      clearOnComplete: true,
      hideCursor: true,
      // Whoever interrupts the work stops the line too.
      gracefulExit: false,
    });
    line.start(1, 0, { text });
    try {
      return await work((changed) => line.update({ text: changed }));
    } finally {
      line.stop();
    }
  }

  #hanging(text: string, indent: number): string {
    const columns = this.stream.columns ?? this.options.columns ?? WIDTH_WITHOUT_TERMINAL;
    return this.wrap(text, Math.max(columns - indent, LABEL_WIDTH), { hard: true }).replaceAll(
      '\n',
      `\n${' '.repeat(indent)}`,
    );
  }
}
