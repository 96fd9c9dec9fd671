import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** The published command, as `npm run build:commands` bundles it. */
export const VIRTUAL_MFA = join(__dirname, '../dist/bin/virtual-mfa.js');

/** How a run of the command ended. */
export interface CommandRun {
  readonly exitCode: number;
  /** What it printed; empty where it printed straight to the terminal. */
  readonly output: string;
  readonly messages: string;
}

export interface CommandOptions {
  /** Points the command to an account. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where its output goes: this process's terminal, or into the result. */
  readonly output: 'terminal' | 'result';
  /** Aborting it ends the command. */
  readonly signal?: AbortSignal;
}

/** Runs `virtual-mfa` in a process of its own. */
export async function virtualMfa(
  args: readonly string[],
  { environment, output, signal }: CommandOptions,
): Promise<CommandRun> {
  const child = spawn(process.execPath, [VIRTUAL_MFA, ...args], {
    stdio: ['ignore', output === 'terminal' ? 'inherit' : 'pipe', output === 'terminal' ? 'inherit' : 'pipe'],
    env: { ...process.env, ...environment },
  });
  const end = () => void child.kill('SIGTERM');
  signal?.addEventListener('abort', end);
  const printed: Buffer[] = [];
  const told: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => printed.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => told.push(chunk));
  try {
    const exitCode = await new Promise<number>((ended, failed) => {
      child.once('error', failed);
      child.once('close', (code) => ended(code ?? 1));
    });
    return {
      exitCode,
      output: Buffer.concat(printed).toString('utf8'),
      messages: Buffer.concat(told).toString('utf8'),
    };
  } finally {
    signal?.removeEventListener('abort', end);
  }
}
