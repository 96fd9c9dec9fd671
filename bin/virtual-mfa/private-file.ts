import { lstatSync, type Stats } from 'node:fs';
import { replaceFile } from '../replace-file';
import { failures } from './command-failure';

const OTHERS = 0o077;
const OWNER_ONLY = 0o600;

/**
 * Writes a secret into a file that its owner alone can read: a new one, or in place of one that is so already. Windows has no such
 * modes; there the directory's access list decides.
 *
 * @throws CommandFailure before anything is written
 */
export function writePrivateFile(file: string, content: string | Uint8Array): void {
  try {
    const before = lstatSync(file, { throwIfNoEntry: false });
    if (before) requireReplaceable(file, before);
    // A new file in its place, which nobody can have opened before.
    replaceFile(file, content, OWNER_ONLY);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : failures.notAFile(file, code);
  }
}

/** Refuses an output that is a file which others can read. Pipes and terminals have no such file. */
export function requireOwnerOnly(name: string, stats: Stats): void {
  if (process.platform === 'win32' || !stats.isFile()) return;
  if ((stats.mode & OTHERS) !== 0) throw failures.readableByOthers(name, stats.mode);
}

/** Whether a file is the user's own. */
export function isOwn({ uid }: Stats): boolean {
  return process.getuid === undefined || uid === process.getuid();
}

function requireReplaceable(file: string, stats: Stats): void {
  if (!stats.isFile()) throw failures.notAFile(file, 'it is no regular file');
  if (!isOwn(stats)) throw failures.notAFile(file, 'it belongs to another user');
  requireOwnerOnly(file, stats);
}
