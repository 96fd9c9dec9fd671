import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { kindOf } from '../../lambda/contract/property-rules';
import { CommandFailure } from './command-failure';
import { tell, type Terminal } from './terminal';

/** Where a code comes from, and where a person is asked for it. */
export interface CodeInput {
  /** Not the arguments, which other processes can see. */
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly terminal: Terminal;
}

/** Whether an argument is a code, which belongs on the input. */
export function isCode(text: string): boolean {
  return /^\d{6}$/.test(text);
}

/** Reads a code from the first line of the input; a person is asked for it. Authenticator apps show it with a space. */
export async function readCode({ input, terminal }: CodeInput): Promise<string> {
  if (input.isTTY === true) tell(terminal, 'Type the code that the owner of the device reads out:');
  const code = (await firstLine(input)).replaceAll(/\s/g, '');
  if (isCode(code)) return code;
  const remedy = 'Type the six digits that the app shows, or send them through a pipe.';
  throw new CommandFailure('usage', `The input, ${kindOf(code)}, is no code.`, remedy);
}

async function firstLine(input: Readable): Promise<string> {
  try {
    for await (const line of createInterface({ input })) return line;
    return '';
  } finally {
    // The other end of a pipe may stay open, and would keep the process.
    input.destroy();
  }
}
