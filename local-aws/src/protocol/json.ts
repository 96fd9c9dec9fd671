import { isDeepStrictEqual } from 'node:util';
import { AwsError } from './aws-error';

/** Renders an action's output in the JSON 1.1 protocol: dates are epoch seconds, bytes base64. */
export function renderJsonResult(output: unknown): string {
  return JSON.stringify(valueOf(output ?? {}));
}

/** The errors common to all services have other names, and another status, where a service speaks JSON. */
const COMMON_ERRORS: ReadonlyMap<string, string> = new Map([
  ['AccessDenied', 'AccessDeniedException'],
  ['ExpiredToken', 'ExpiredTokenException'],
  ['InvalidClientTokenId', 'UnrecognizedClientException'],
  ['MalformedInput', 'SerializationException'],
  ['ValidationError', 'ValidationException'],
]);

/** An error as the services that speak JSON name it. */
export function jsonErrorOf(error: AwsError): AwsError {
  const code = COMMON_ERRORS.get(error.code);
  return code === undefined ? error : new AwsError(code, error.message);
}

/** Reads a request of the JSON 1.1 protocol. The action's name follows the service's in X-Amz-Target. */
export function readJson(target: string, body: string): { action: string; input: Record<string, unknown> } {
  const action = target.slice(target.lastIndexOf('.') + 1);
  try {
    const input: unknown = JSON.parse(body || '{}');
    if (isRecord(input)) return { action, input };
  } catch {
    // Answered like every other body that is no JSON object.
  }
  throw new AwsError('SerializationException', `The body of ${action} is not a JSON object`);
}

/** Renders an error in the JSON 1.1 protocol. */
export function renderJsonError(error: AwsError): string {
  return JSON.stringify({ __type: error.code, message: error.message, Message: error.message });
}

function valueOf(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(valueOf);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, valueOf(member)]));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Whether two resolved values are the same to CloudFormation: the order of keys does not count, nor an absent member. */
export function sameValue(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}
