import { fstatSync, lstatSync, mkdirSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { replaceFile } from '../replace-file';
import { failures } from './command-failure';

const OTHERS = 0o077;
const WRITTEN_BY_GROUP_OR_ALL = 0o022;
const WRITTEN_BY_ALL = 0o002;
/** In such a directory, /tmp for example, nobody can replace what somebody else owns. */
const STICKY = 0o1000;
const OWNER_ONLY = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;
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
    if (before && !before.isFile()) throw failures.notAFile(file, 'it is not a regular file');
    if (before) requireOwnerOnly(file, before);
    // A new file in its place, which nobody can have opened before.
    replaceFile(file, content, OWNER_ONLY);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : failures.notAFile(file, code);
  }
}

/**
 * Makes a directory that its owner alone can open, or takes one that is so already.
 *
 * @throws CommandFailure where others can open it
 */
export function makePrivateDirectory(path: string): void {
  // With a slash at its end, a link would be followed.
  const directory = resolve(path);
  try {
    mkdirSync(directory, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
    const stats = lstatSync(directory);
    if (!stats.isDirectory()) throw failures.notAFile(directory, 'it is not a directory');
    const isOpen = stats.uid !== process.getuid?.() || (stats.mode & OTHERS) !== 0;
    if (process.getuid !== undefined && isOpen) throw failures.directoryOfOthers(directory, stats);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : failures.notAFile(directory, code);
  }
}

/**
 * What an open file is; undefined for a pipe of the shell. Such a pipe has no name by which others could open it, and it may
 * belong to another user rightly: `sudo -u robot npx --no virtual-mfa session robot | jq`.
 */
export function namedFileStats(descriptor: number): Stats | undefined {
  const stats = fstatSync(descriptor);
  return stats.isFIFO() && !hasName(descriptor, stats) ? undefined : stats;
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html (a pipe reads `pipe:[…]`); BSD and macOS count no link to a pipe */
function hasName(descriptor: number, { nlink }: Stats): boolean {
  if (process.platform !== 'linux') return nlink > 0;
  try {
    return !readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('pipe:');
  } catch {
    // Without /proc nobody can tell.
    return true;
  }
}

/** Refuses an output that is a file or a FIFO of another user, or one that others can read. Terminals and sockets pass. */
export function requireOwnerOnly(name: string, stats: Stats): void {
  if (process.getuid === undefined || !(stats.isFile() || stats.isFIFO())) return;
  if (stats.uid !== process.getuid()) throw failures.ownedByAnother(name, stats.uid);
  if ((stats.mode & OTHERS) !== 0) throw failures.readableByOthers(name, stats.mode);
}

/**
 * Refuses a directory in which others could exchange a file, or which they could exchange itself. It has to be the user's, and
 * written by nobody else; its parents, up to the home directory, may be root's.
 *
 * @param statOf reads what a directory is
 */
export function requireUnchangedByOthers(
  directory: string,
  home: string,
  statOf: (path: string) => Pick<Stats, 'uid' | 'mode'> = statSync,
): void {
  if (process.getuid === undefined) return;
  const user = process.getuid();
  const [innermost, outermost] = [realpathSync(directory), realpathSync(home)];
  const refuseUnless = (isSafe: (stats: Pick<Stats, 'uid' | 'mode'>) => boolean, path: string) => {
    const stats = statOf(path);
    if (!isSafe(stats)) throw failures.changeableByOthers(path, stats);
  };
  refuseUnless(({ uid, mode }) => uid === user && (mode & WRITTEN_BY_GROUP_OR_ALL) === 0, innermost);
  // A group may write to parents: on many systems each user is alone in one. Whoever exchanges the directory owns the new one,
  // which is then refused.
  const isSafeParent = ({ uid, mode }: Pick<Stats, 'uid' | 'mode'>) =>
    (uid === user || uid === ROOT) && ((mode & WRITTEN_BY_ALL) === 0 || (mode & STICKY) !== 0);
  let path = innermost;
  while (path !== outermost && path !== dirname(path)) {
    path = dirname(path);
    refuseUnless(isSafeParent, path);
  }
}
