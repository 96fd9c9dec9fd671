import { join } from 'node:path';
import { execa } from 'execa';
import type { CommandOptions } from './cdk-command';

/** The published command, as `npm run build:commands` bundles it. */
export const VIRTUAL_MFA = join(__dirname, '../dist/bin/virtual-mfa.js');

export interface VirtualMfaOptions extends CommandOptions {
  /** Lets it draw on this process's terminal, instead of returning its output. */
  readonly onTerminal?: boolean;
}

/** How a run of `virtual-mfa` ended, and what it printed where that does not go to the terminal. */
export interface VirtualMfaRun {
  readonly exitCode: number;
  readonly output: string;
  readonly messages: string;
}

/** Runs `virtual-mfa` in a process of its own. */
export async function virtualMfa(
  args: readonly string[],
  { environment, signal, listener, onTerminal = false }: VirtualMfaOptions,
): Promise<VirtualMfaRun> {
  const stream = onTerminal ? 'inherit' : 'pipe';
  const child = execa(process.execPath, [VIRTUAL_MFA, ...args], {
    stdin: 'ignore',
    stdout: stream,
    stderr: stream,
    env: environment,
    cancelSignal: signal,
    // At Ctrl-C, execa would end the calling program before it has cleaned up. The signal says when to stop.
    cleanup: false,
    reject: false,
    stripFinalNewline: false,
  });
  child.stdout?.on('data', (chunk) => listener?.(String(chunk), 'output'));
  child.stderr?.on('data', (chunk) => listener?.(String(chunk), 'messages'));
  const { exitCode = 1, stdout = '', stderr = '' } = await child;
  return { exitCode, output: stdout, messages: stderr };
}
