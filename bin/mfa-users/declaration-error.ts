/** What is wrong at one place of a file. */
export interface Problem {
  /** Counted from 0, in UTF-16 code units. */
  readonly offset: number;
  /** What was got, what is allowed, what to do. */
  readonly message: string;
}

/** What was declared cannot be deployed: the message is for the person who wrote it, and says all that is wrong. */
export class DeclarationError extends Error {
  /** All problems of a file, one a line, in the order of the text: `file:line:column: message`. */
  public static inFile(file: string, text: string, problems: readonly Problem[]): DeclarationError {
    const lines = [...problems]
      .sort((one, other) => one.offset - other.offset)
      .map(({ offset, message }) => `${file}:${lineAt(text, offset)}:${columnAt(text, offset)}: ${message}`);
    return new DeclarationError(lines.join('\n'));
  }

  public constructor(message: string) {
    super(message);
    this.name = 'DeclarationError';
  }
}

/** Line of an offset, counted from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split(LINE_END).length;
}

function columnAt(text: string, offset: number): number {
  return (text.slice(0, offset).split(LINE_END).at(-1) ?? '').length + 1;
}

const LINE_END = /\r\n|\r|\n/;

const LONGEST_VALUE = 80;

/** A value as an error shows it: on one line, and not longer than that. */
export function inWords(value: unknown): string {
  if (Array.isArray(value)) {
    return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  }
  if (typeof value === 'object' && value !== null) {
    return 'an object';
  }
  if (value === undefined) {
    return 'nothing';
  }
  // JSON leaves what steers a terminal, or the order of its letters, as it is from U+0080 on.
  const json = JSON.stringify(value).replaceAll(
    /[\p{Cc}\p{Cf}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`,
  );
  return json.length <= LONGEST_VALUE
    ? json
    : `${json.slice(0, LONGEST_VALUE)}… (${typeof value === 'string' ? `${value.length} characters` : typeof value})`;
}
