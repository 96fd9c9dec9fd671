import { expect } from 'vitest';
import { DeclarationError } from '../../bin/mfa-users/declaration-error';

/** The lines of the error that refuses what was declared; none when it is taken. */
export function problemsOf(action: () => unknown): string[] {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(DeclarationError);
    return (error as DeclarationError).message.split('\n');
  }
  return [];
}
