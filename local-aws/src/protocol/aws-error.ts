/** An error as AWS answers it: code, message, HTTP status. Whatever else is thrown is a defect of local-aws and answers 500. */
export class AwsError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
    this.name = 'AwsError';
  }
}

/** Thrown for an action, parameter or resource type that local-aws does not have: loud, with its name. */
export function notImplemented(what: string): AwsError {
  return new AwsError('NotImplemented', `local-aws does not implement ${what}`);
}

/** The error that the services of the query protocol answer to most of what is wrong with a request. */
export function validationError(message: string): AwsError {
  return new AwsError('ValidationError', message);
}
