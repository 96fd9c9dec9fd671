import type { ChildProcess } from 'node:child_process';

/** How a process ended, and what it printed where that comes through a pipe. */
export interface ChildOutcome {
  readonly exitCode: number;
  readonly output: string;
  readonly messages: string;
  /** Both, in the order in which they came. */
  readonly printed: string;
}

/** Takes what a process prints as it comes. */
export type Listener = (text: string, from: 'output' | 'messages') => void;

/** How a process is watched. */
export interface Watch {
  /** Ends the process; called when the signal is aborted. */
  readonly end: () => void;
  readonly signal?: AbortSignal;
  readonly listener?: Listener;
}

/** Waits for a process's end. */
export async function outcomeOf(child: ChildProcess, { end, signal, listener }: Watch): Promise<ChildOutcome> {
  const output: Buffer[] = [];
  const messages: Buffer[] = [];
  const printed: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => {
    output.push(chunk);
    printed.push(chunk);
    listener?.(chunk.toString('utf8'), 'output');
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    messages.push(chunk);
    printed.push(chunk);
    listener?.(chunk.toString('utf8'), 'messages');
  });
  signal?.addEventListener('abort', end);
  try {
    const exitCode = await new Promise<number>((ended, failed) => {
      child.once('error', failed);
      child.once('close', (code) => ended(code ?? 1));
    });
    const textOf = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
    return { exitCode, output: textOf(output), messages: textOf(messages), printed: textOf(printed) };
  } finally {
    signal?.removeEventListener('abort', end);
  }
}
