import type { Stats } from 'node:fs';
import { harmless } from './harmless';
import { requireOwnerOnly } from './private-file';

/** Where a command's output goes. */
export interface Terminal {
  /** The output that was asked for. */
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Progress and errors. */
  readonly messages: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** What the output is; undefined where nobody else can open it, or where that cannot be told. */
  outputStats(): Stats | undefined;
}

/** Prints a line of what was asked for. */
export function print(terminal: Terminal, text: string): void {
  terminal.output.write(`${text}\n`);
}

/** Prints a line beside it. */
export function tell(terminal: Terminal, text: string): void {
  terminal.messages.write(`${harmless(text)}\n`);
}

/** @throws CommandFailure where the shell sends the output into a file that others can read */
export function requirePrivateOutput(terminal: Terminal): void {
  const stats = terminal.outputStats();
  if (stats) requireOwnerOnly('the file that the output goes to', stats);
}
