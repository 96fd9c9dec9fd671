import { TextPositions } from './text-positions';

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
    const name = onOneLine(file);
    const lines = [...problems]
      .sort((one, other) => one.offset - other.offset)
      .slice(0, MOST_PROBLEMS)
      .map(({ offset, message }) => `${name}:${positions.lineOf(offset)}:${positions.columnOf(offset)}: ${message}`);
    const more = problems.length - MOST_PROBLEMS;
    return new DeclarationError([...lines, ...(more > 0 ? [`${name}: and ${more} more.`] : [])].join('\n'));
  }

  public constructor(message: string) {
    super(message);
    this.name = 'DeclarationError';
  }
}

/**
 * A name as an error repeats it: of a file, or one that keeps its rule. A refused value is not repeated, for it may be a secret;
 * `kindOf` tells what it is.
 */
export function quoted(name: string): string {
  return `"${onOneLine(name)}"`;
}

/** Text without anything that steers a terminal, or the order of its letters. */
export function onOneLine(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`,
  );
}
