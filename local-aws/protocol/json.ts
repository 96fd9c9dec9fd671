import type { AwsError } from './aws-error';

/** Renders an action's output in the JSON 1.1 protocol: dates are epoch seconds, bytes base64. */
export function renderJsonResult(output: unknown): string {
  return JSON.stringify(valueOf(output ?? {}));
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
