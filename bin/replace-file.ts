import { renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Replaces a file as a whole or not at all: who reads it meanwhile finds the old one whole.
 *
 * @param mode of the file, from its first moment on
 */
export function replaceFile(file: string, content: string | Uint8Array, mode = 0o666): void {
  const unfinished = `${file}.${crypto.randomUUID()}`;
  try {
    writeFileSync(unfinished, content, { mode, flag: 'wx' });
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}
