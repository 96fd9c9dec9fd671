import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { failures } from './command-failure';

const OTHERS = 0o077;
const OWNER_ONLY = 0o600;
/** Windows has no such flag. */
const NO_SYMBOLIC_LINK = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;

/**
 * Writes a secret into a file that its owner alone can read: a new one, or one that is so already. Windows has no such modes; there
 * the directory's access list decides.
 *
 * @throws CommandFailure before anything is written
 */
export function writePrivateFile(file: string, content: string | Uint8Array): void {
  const descriptor = open(file);
  try {
    requireOwnerOnly(file, fstatSync(descriptor));
    ftruncateSync(descriptor);
    writeFileSync(descriptor, content);
  } finally {
    closeSync(descriptor);
  }
}

/** Refuses an output that is a file which others can read. Pipes and terminals have no such file. */
export function requireOwnerOnly(name: string, stats: Stats): void {
  if (process.platform === 'win32' || !stats.isFile()) return;
  if ((stats.mode & OTHERS) !== 0) throw failures.readableByOthers(name, stats.mode);
}

function open(file: string): number {
  const flags = constants.O_WRONLY | constants.O_CREAT | NO_SYMBOLIC_LINK;
  try {
    // A new file gets the mode as it is made, so that nobody has a moment to open it.
    const descriptor = openSync(file, flags | constants.O_EXCL, OWNER_ONLY);
    fchmodSync(descriptor, OWNER_ONLY);
    return descriptor;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw asFailure(file, error);
  }
  try {
    return openSync(file, flags);
  } catch (error) {
    throw asFailure(file, error);
  }
}

function asFailure(file: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? error : failures.notAFile(file, code);
}
