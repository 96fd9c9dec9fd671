/** One run of a function. Its retries are invocations of their own with the same request id. */
export interface Invocation {
  readonly requestId: string;
  /** As it was invoked: with the alias, if there was one. */
  readonly functionArn: string;
  readonly event: unknown;
}

/** How a run ended. */
export type Outcome =
  | { readonly kind: 'returned'; readonly payload: unknown }
  /** The handler threw, or the process exited, was killed or ran out of time. */
  | { readonly kind: 'failed'; readonly errorType: string; readonly errorMessage: string };

export function failed(errorType: string, errorMessage: string): Outcome {
  return { kind: 'failed', errorType, errorMessage };
}
