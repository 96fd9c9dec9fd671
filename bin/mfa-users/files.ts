import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { replaceFile } from '../replace-file';
import { DeclarationError, onOneLine } from './declaration-error';

/** All users that an account can have, with a few tags each; a file that is larger is another file than was meant. */
const MOST_MEGABYTES = 4;

/** @throws DeclarationError when there is no such file, or no text in UTF-8 in it */
export function readUsersFile(file: string): string {
  const text = readText(file);
  if (text === undefined) {
    throw new DeclarationError(
      `${onOneLine(file)}: there is no such file; allowed: a file that declares users. ` +
        'Write one (`npx --no virtual-mfa skeleton` prints a sample), name another file with -c usersFile=…, ' +
        'or pass the names of existing users, like -c users=Bob,Alice.',
    );
  }
  return text;
}

/**
 * The file's text; undefined when there is no such file.
 *
 * @throws DeclarationError when it cannot be read, is too large, or is not UTF-8
 */
export function readText(file: string): string | undefined {
  const name = onOneLine(file);
  let bytes: Buffer;
  try {
    bytes = firstBytes(file, MOST_MEGABYTES * 1_000_000 + 1);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      return undefined;
    }
    if (error instanceof DeclarationError) {
      throw error;
    }
    throw new DeclarationError(
      `${name}: got ${onOneLine(message)}; allowed: a file that can be read. Correct it and run the command again.`,
    );
  }
  if (bytes.length > MOST_MEGABYTES * 1_000_000) {
    throw new DeclarationError(
      `${name}: got more than ${MOST_MEGABYTES} MB; allowed: ${MOST_MEGABYTES} MB, which holds all users of an account. ` +
        'Correct it, or name the right file with -c usersFile=…, and run the command again.',
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // What `>` writes in the PowerShell of Windows.
    throw new DeclarationError(
      `${name}: got bytes that are not UTF-8; allowed: JSON in UTF-8. Save the file as UTF-8 and run the command again.`,
    );
  }
}

/**
 * Reads no further than that.
 *
 * @throws DeclarationError for what is no regular file: a FIFO may never end, or never begin
 */
function firstBytes(file: string, most: number): Buffer {
  // Without O_NONBLOCK, opening a FIFO waits for somebody who writes to it. Windows has neither: there the flag is undefined, and
  // counts as 0.
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) {
      throw new DeclarationError(
        `${onOneLine(file)}: got a directory, a FIFO or a device; allowed: a regular file. Write the users into a file, and name ` +
          'it with -c usersFile=….',
      );
    }
    const bytes = Buffer.alloc(most);
    let length = 0;
    let read = 0;
    do {
      read = readSync(descriptor, bytes, length, most - length, null);
      length += read;
    } while (read > 0 && length < most);
    return bytes.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** Replaces the file as a whole or not at all; answers false where it may not be written. */
export function writeText(file: string, text: string): boolean {
  try {
    replaceFile(file, text);
    return true;
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      return false;
    }
    throw error;
  }
}
