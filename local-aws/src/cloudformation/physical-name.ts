import { randomBytes } from 'node:crypto';

/** `<Stack>-<LogicalId>-<RANDOM>`, cut to a type's limit the way CloudFormation cuts: the random part stays whole. */
export function physicalName(stackName: string, logicalId: string, maximumLength: number): string {
  const suffix = randomSuffix(12);
  const room = maximumLength - suffix.length - 2;
  const id = logicalId.slice(0, Math.max(Math.floor(room / 2), room - stackName.length));
  return `${stackName.slice(0, room - id.length)}-${id}-${suffix}`;
}

/** Letters and digits as in CloudFormation's names. */
export function randomSuffix(length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
  return Array.from(randomBytes(length), (byte) => alphabet.charAt(byte % alphabet.length)).join('');
}
