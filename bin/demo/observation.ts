/** A step that did not come out as it must. Its message tells what was seen instead. */
export class StepFailed extends Error {
  constructor(
    message: string,
    /** What a command printed that the step ran. */
    readonly log = '',
  ) {
    super(message);
  }
}

/** Fails the step unless something was really observed. */
export function observe(condition: boolean, otherwise: string, log?: string): asserts condition {
  if (!condition) throw new StepFailed(otherwise, log);
}
