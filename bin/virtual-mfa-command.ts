import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type ChildOutcome, outcomeOf } from './child-outcome';
import type { CommandOptions } from './cdk-command';

/** The published command, as `npm run build:commands` bundles it. */
export const VIRTUAL_MFA = join(__dirname, '../dist/bin/virtual-mfa.js');

/** Runs `virtual-mfa` in a process of its own. */
export async function virtualMfa(
  args: readonly string[],
  { environment, output, signal }: CommandOptions,
): Promise<ChildOutcome> {
  const stream = output === 'terminal' ? 'inherit' : 'pipe';
  const child = spawn(process.execPath, [VIRTUAL_MFA, ...args], {
    stdio: ['ignore', stream, stream],
    env: { ...process.env, ...environment },
  });
  return outcomeOf(child, () => void child.kill('SIGTERM'), signal);
}
