import { DeclarationError, inWords } from './declaration-error';
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
 * @throws DeclarationError when the record is broken, or misses users and cannot be written though it is needed
 */
export function keptStacks(
  usersFile: string,
  userNames: readonly string[],
  { writable, write = writeText }: RecordOptions,
): ReadonlyMap<string, StackNumber> {
  const file = stackRecordFileOf(usersFile);
  const before = readText(file);
  const recorded = before === undefined ? RecordedStacks.NONE : readStackRecord(file, before);
  const stacks = assignStacks(userNames, recorded);
  const after = stackRecordText(stacks);
  const isKept = after === before || (writable && write(file, after));
  if (!isKept && [...stacks.values()].some((stack) => stack > 1)) {
    const unrecorded = userNames.filter((userName) => recorded.stackOf(userName) === undefined);
    if (unrecorded.length > 0) {
      throw new DeclarationError(unrecordedInWords(file, unrecorded));
    }
  }
  return stacks;
}

/** Whether this runs in CI, by the variable that CI services set. */
export function isCi({ CI = '' }: Readonly<Record<string, string | undefined>>): boolean {
  return !['', '0', 'false'].includes(CI.toLowerCase());
}

function unrecordedInWords(file: string, unrecorded: readonly string[]): string {
  const named = unrecorded.slice(0, MOST_NAMES).map((userName) => inWords(userName));
  const more = unrecorded.length > MOST_NAMES ? ` and ${unrecorded.length - MOST_NAMES} more` : '';
  return (
    `${file}: got no stack for ${named.join(', ')}${more}, and the file is not written here (in CI, or where it must not ` +
    'be); allowed: users that it records, once there is more than one stack. ' +
    'Run `npx cdk synth` in a checkout, and commit the file.'
  );
}
