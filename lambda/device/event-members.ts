/** Checks of what events bring, whoever may have sent them. */

export function isText(value: unknown, maxLength: number, pattern = /./): value is string {
  return typeof value === 'string' && value.length <= maxLength && pattern.test(value);
}

export function isStackId(value: unknown): value is string {
  return isText(value, 256, /^arn:[\w-]+:cloudformation:[\w-]+:\d{12}:stack\/[\w-]+\/[\w-]+$/);
}

export function isLogicalId(value: unknown): value is string {
  return isText(value, 255, /^[A-Za-z\d]+$/);
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
