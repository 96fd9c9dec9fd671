import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import { Failure, failures } from '../failure';

/** Whether AWS answered with an error of this name, as the SDK's service model spells it. */
export function isNamed(error: unknown, ...names: readonly string[]): error is Error {
  return error instanceof Error && names.includes(error.name);
}

export const isAbsent = (error: unknown): boolean => isNamed(error, 'NoSuchEntityException');
export const isAccessDenied = (error: unknown): boolean => isNamed(error, 'AccessDenied', 'AccessDeniedException');

/**
 * Whether the same call may succeed later with nobody doing anything: throttling, a 5xx, a broken connection, an entity that IAM
 * says cannot be modified right now (a login profile being created). The SDK's own rule takes LimitExceeded for throttling; of
 * IAM it means a quota, which waiting does not change.
 */
export function isTemporary(error: unknown): boolean {
  if (!(error instanceof Error) || isNamed(error, 'LimitExceededException')) return false;
  return (
    isNamed(error, 'EntityTemporarilyUnmodifiableException', 'ConcurrentModificationException') ||
    isThrottled(error) ||
    isTransientError(error) ||
    isServerError(error)
  );
}

/** Whether AWS has had too many calls of this account, from whomever. */
export function isThrottled(error: unknown): boolean {
  return error instanceof Error && !isNamed(error, 'LimitExceededException') && isThrottlingError(error);
}

/** Turns whatever was thrown into a failure that a person can read, without anything that looks like a seed or a code. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? `${error.name}: ${withoutSecrets(error.message)}` : 'an unknown error';
  return failures.unexpected(message);
}

/** A quarter of what CloudFormation takes as an answer. */
const MAX_MESSAGE_LENGTH = 1_000;

/**
 * AWS quotes the values that it refuses. The handler never prints a foreign message without taking out what could be base32 of a
 * seed's length or a six-digit code, nor one of any length.
 */
export function withoutSecrets(foreignMessage: string): string {
  const cleaned = foreignMessage.replace(/[A-Z2-7]{16,}=*/g, '[removed]').replace(/(?<!\d)\d{6}(?!\d)/g, '[removed]');
  return cleaned.length > MAX_MESSAGE_LENGTH ? `${cleaned.slice(0, MAX_MESSAGE_LENGTH)}…` : cleaned;
}
