import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type ChildOutcome, outcomeOf } from './child-outcome';
import type { CommandOptions } from './cdk-command';

/** The published command, as `npm run build:commands` bundles it. */
export const VIRTUAL_MFA = join(__dirname, '../dist/bin/virtual-mfa.js');

export interface VirtualMfaOptions extends CommandOptions {
  /** Lets it draw on this process's terminal, instead of returning its output. */
  readonly onTerminal?: boolean;
}

/** Runs `virtual-mfa` in a process of its own. */
export async function virtualMfa(
  args: readonly string[],
  { environment, signal, listener, onTerminal = false }: VirtualMfaOptions,
): Promise<ChildOutcome> {
  const stream = onTerminal ? 'inherit' : 'pipe';
  const child = spawn(process.execPath, [VIRTUAL_MFA, ...args], {
    stdio: ['ignore', stream, stream],
    env: { ...process.env, ...environment },
  });
  return outcomeOf(child, { end: () => void child.kill('SIGTERM'), signal, listener });
}
