import { AwsError } from '../protocol/aws-error';

/** The error that CloudFormation answers to most of what is wrong with a request. */
export function validationError(message: string): AwsError {
  return new AwsError('ValidationError', message);
}
