/** AWS does not do what the product assumes. The message says what it does instead. */
export class DidNotHold extends Error {}

/** The account has not what a probe needs. */
export class CouldNotBeTried extends Error {}

/** An error in one line. */
export function inWords(error: unknown): string {
  if (error instanceof CouldNotBeTried) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : 'an unknown error';
}
