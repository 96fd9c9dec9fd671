import { type FileOfUsers } from './context';
import { DeclarationError } from './declaration-error';
import { readText, writeText } from './files';
import { assignStacks, RecordedStacks, type StackNumber } from './stack-assignment';
import { readStackRecord, stackRecordFileOf, stackRecordText } from './stack-record';

const MOST_NAMES = 5;

export interface RecordOptions {
  /** Whether the record may be written, as it may not in CI: what is written there is lost. */
  readonly writable: boolean;
  /** Answers false where the file may not be written. */
  readonly write?: (file: string, text: string) => boolean;
}

/**
 * The stack of each user of a file, as the record beside the file has it; new users are recorded.
 *
 * Only recorded users are deployed, so that a user whom the file loses is noticed.
 *
 * @throws DeclarationError when the record is broken, when the file misses users of the record, or when the record misses
 * users of the file and cannot be written
 */
export function keptStacks(
  { usersFile, removed, moved }: FileOfUsers,
  userNames: readonly string[],
  { writable, write = writeText }: RecordOptions,
): ReadonlyMap<string, StackNumber> {
  const file = stackRecordFileOf(usersFile);
  const before = readText(file);
  const recorded = before === undefined ? RecordedStacks.NONE : readStackRecord(file, before, moved);
  refuseUnconfirmedRemoval({ usersFile, file }, userNames, recorded, removed);
  const stacks = assignStacks(userNames, recorded);
  const after = stackRecordText(stacks);
  const isKept = after === before || (writable && write(file, after));
  const unrecorded = isKept ? [] : userNames.filter((userName) => recorded.stackOf(userName) === undefined);
  if (unrecorded.length > 0) {
    throw new DeclarationError(
      `${file}: got no line for ${namesInWords(unrecorded)}, and the file is not written here (in CI, or where it must not ` +
        'be); allowed: users whom it records. Run `npx --no cdk synth` in a checkout, and commit the file.',
    );
  }
  return stacks;
}

/** Whether this runs in CI, by the variable that CI services set. */
export function isCi({ CI = '' }: Readonly<Record<string, string | undefined>>): boolean {
  return !['', '0', 'false'].includes(CI.toLowerCase());
}

function refuseUnconfirmedRemoval(
  { usersFile, file }: { readonly usersFile: string; readonly file: string },
  userNames: readonly string[],
  recorded: RecordedStacks,
  removed: readonly string[],
): void {
  const declared = new Set(userNames.map((userName) => userName.toLowerCase()));
  const stays = removed.filter((userName) => declared.has(userName.toLowerCase()));
  if (stays.length > 0) {
    throw new DeclarationError(
      `Context remove: got ${namesInWords(stays)}, whom ${usersFile} declares; allowed: users whom it no longer declares. ` +
        'Remove the entry too, or leave the name out.',
    );
  }
  const confirmed = new Set(removed.map((userName) => userName.toLowerCase()));
  const missing = recorded.userNames.filter(
    (userName) => !declared.has(userName.toLowerCase()) && !confirmed.has(userName.toLowerCase()),
  );
  if (missing.length > 0) {
    const list = missing.length > MOST_NAMES ? '<names, with commas between them>' : missing.join();
    throw new DeclarationError(
      `${usersFile}: got no entry for ${namesInWords(missing)}, whom ${file} records; allowed: an entry for each recorded ` +
        'user, for the deployment deletes the devices of the others, with their seeds. Restore the entries; or confirm ' +
        `with -c remove=${list}, or by deleting the users’ lines in ${file}.`,
    );
  }
}

function namesInWords(userNames: readonly string[]): string {
  const named = userNames.slice(0, MOST_NAMES);
  return `${named.join(', ')}${userNames.length > MOST_NAMES ? ` and ${userNames.length - MOST_NAMES} more` : ''}`;
}
