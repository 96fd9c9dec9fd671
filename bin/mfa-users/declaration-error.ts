import { TextPositions } from './text-positions';
import { unresolvedIn } from './unresolved-text';

/** What is wrong at one place of a file. */
export interface Problem {
  /** Counted from 0, in UTF-16 code units. */
  readonly offset: number;
  /** What was got, what is allowed, what to do. */
  readonly message: string;
}

/** More than a person reads, or a terminal keeps. */
const MOST_PROBLEMS = 100;

/** What was declared cannot be deployed: the message is for the person who wrote it, and says all that is wrong. */
export class DeclarationError extends Error {
  /** The problems of a file, one a line, in the order of the text: `file:line:column: message`. */
  public static inFile(file: string, text: string, problems: readonly Problem[]): DeclarationError {
    const positions = new TextPositions(text);
    const lines = [...problems]
      .sort((one, other) => one.offset - other.offset)
      .slice(0, MOST_PROBLEMS)
      .map(({ offset, message }) => `${file}:${positions.lineOf(offset)}:${positions.columnOf(offset)}: ${message}`);
    const more = problems.length - MOST_PROBLEMS;
    return new DeclarationError([...lines, ...(more > 0 ? [`${file}: and ${more} more.`] : [])].join('\n'));
  }

  public constructor(message: string) {
    super(message);
    this.name = 'DeclarationError';
  }
}

/** Names and numbers are shorter; seeds, keys and tokens that were pasted into the wrong place are longer. */
const LONGEST_REPEATED_TEXT = 32;

/** A value as an error shows it: on one line, short, and not repeated where it may be a secret. */
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
  if (typeof value === 'string' && (value.length > LONGEST_REPEATED_TEXT || unresolvedIn(value) !== undefined)) {
    return `text of ${value.length} characters`;
  }
  // JSON leaves what steers a terminal, or the order of its letters, as it is from U+0080 on.
  return JSON.stringify(value).replaceAll(
    /[\p{Cc}\p{Cf}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`,
  );
}
