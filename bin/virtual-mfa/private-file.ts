import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { replaceFile } from '../replace-file';
import { failures } from './command-failure';

const OTHERS = 0o077;
const WRITTEN_BY_GROUP_OR_ALL = 0o022;
const WRITTEN_BY_ALL = 0o002;
/** In such a directory, /tmp for example, nobody replaces what is another's. */
const STICKY = 0o1000;
const OWNER_ONLY = 0o600;
const ROOT = 0;

/**
 * Writes a secret into a file that its owner alone can read: a new one, or in place of one that is so already. Windows has no such
 * modes; there the directory's access list decides.
 *
 * @throws CommandFailure before anything is written
 */
export function writePrivateFile(file: string, content: string | Uint8Array): void {
  try {
    const before = lstatSync(file, { throwIfNoEntry: false });
    if (before && !before.isFile()) throw failures.notAFile(file, 'it is no regular file');
    if (before) requireOwnerOnly(file, before);
    // A new file in its place, which nobody can have opened before.
    replaceFile(file, content, OWNER_ONLY);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : failures.notAFile(file, code);
  }
}

/** Refuses an output that is a file of another user, or one that others can read. Pipes and terminals have no such file. */
export function requireOwnerOnly(name: string, stats: Stats): void {
  if (process.getuid === undefined || !stats.isFile()) return;
  if (stats.uid !== process.getuid()) throw failures.ownedByAnother(name, stats.uid);
  if ((stats.mode & OTHERS) !== 0) throw failures.readableByOthers(name, stats.mode);
}

/**
 * Refuses a directory in which others could exchange a file, or which they could exchange itself. It has to be the user's, and
 * written by nobody else; its parents, up to the home directory, may be root's.
 */
export function requireUnchangedByOthers(directory: string, home: string): void {
  if (process.getuid === undefined) return;
  const user = process.getuid();
  const [innermost, outermost] = [realpathSync(directory), realpathSync(home)];
  const refuseUnless = (isSafe: (stats: Stats) => boolean, path: string) => {
    const stats = statSync(path);
    if (!isSafe(stats)) throw failures.changeableByOthers(path, stats);
  };
  refuseUnless(({ uid, mode }) => uid === user && (mode & WRITTEN_BY_GROUP_OR_ALL) === 0, innermost);
  // A group may write to parents: on many systems each user is alone in one, and who exchanges a directory becomes its owner.
  const isSafeParent = ({ uid, mode }: Stats) =>
    (uid === user || uid === ROOT) && ((mode & WRITTEN_BY_ALL) === 0 || (mode & STICKY) !== 0);
  let path = innermost;
  while (path !== outermost && path !== dirname(path)) {
    path = dirname(path);
    refuseUnless(isSafeParent, path);
  }
}
