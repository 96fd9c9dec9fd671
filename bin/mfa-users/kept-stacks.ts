import { kindOf } from '../../lambda/contract/property-rules';
import { type FileOfUsers, isStackName } from './context';
import { DeclarationError, onOneLine, quoted } from './declaration-error';
import { readText, writeText } from './files';
import { assignStacks, RecordedStacks, type StackNumber } from './stack-assignment';
import { refuseNameOfAnother } from './stack-name';
import { readStackRecord, stackRecordFileOf, type StackRecord, stackRecordText } from './stack-record';

const MOST_NAMES = 5;

/** A file, and the name that its first stack is deployed under. */
export interface NamedFile extends FileOfUsers {
  readonly stackName: string;
}

export interface RecordOptions {
  /** Whether the record may be written, as it may not in CI: what is written there is lost. */
  readonly writable: boolean;
  /** Answers false where the file may not be written. */
  readonly write?: (file: string, text: string) => boolean;
  /** Tells the person who runs this what may be wrong. */
  readonly warn: (message: string) => void;
}

/**
 * The stack of each user of a file, as the record beside the file has it; new users are recorded.
 *
 * Only recorded users are deployed, so that a user whom the file loses is noticed.
 *
 * @throws DeclarationError when the record is broken, when the file misses users of the record or spells them otherwise, when
 * the name of the stacks is another one or another file's, or when the record misses something and cannot be written
 */
export function keptStacks(
  { usersFile, stackName, removed, moved }: NamedFile,
  userNames: readonly string[],
  { writable, write = writeText, warn }: RecordOptions,
): ReadonlyMap<string, StackNumber> {
  const recordFile = stackRecordFileOf(usersFile);
  const files: Files = { usersFile: onOneLine(usersFile), file: onOneLine(recordFile) };
  const { file } = files;
  const before = readText(recordFile);
  const record: StackRecord =
    before === undefined ? { stacks: RecordedStacks.NONE } : readStackRecord(recordFile, before, moved);
  const recorded = record.stacks;
  refuseOtherName(files, stackName, record.stackName);
  refuseNameOfAnother(usersFile, stackName);
  refuseUnconfirmedRemoval(files, userNames, recorded, removed);
  refuseOtherSpelling(files, userNames, recorded);
  const stacks = assignStacks(userNames, recorded);
  const after = stackRecordText(stackName, stacks);
  const isKept = after === before || (writable && write(recordFile, after));
  const unrecorded = isKept ? [] : userNames.filter((userName) => recorded.stackOf(userName) === undefined);
  if (unrecorded.length > 0) {
    throw new DeclarationError(
      `${file}: got no line for ${namesInWords(unrecorded)}, and the file is not written here (in CI, or where it must not ` +
        'be); allowed: users whom it records. Run `npx --no cdk synth` in a checkout, and commit the file.',
    );
  }
  if (!isKept && record.stackName === undefined) {
    throw new DeclarationError(
      `${file}: got no StackName, and the file is not written here (in CI, or where it must not be); allowed: the name ` +
        'that the stacks are deployed under. Run `npx --no cdk synth` in a checkout, and commit the file.',
    );
  }
  if (before === undefined) {
    const users = userNames.length === 1 ? '1 user' : `${userNames.length} users`;
    warn(
      `${file}: recorded ${users} for the first time. If they were deployed before, restore the file from version ` +
        `control: users that ${files.usersFile} has lost since would go unnoticed.`,
    );
  }
  return stacks;
}

/** Whether this runs in CI, by the variable that CI services set. */
export function isCi({ CI = '' }: Readonly<Record<string, string | undefined>>): boolean {
  return !['', '0', 'false'].includes(CI.toLowerCase());
}

/** A users' file and its record, as errors name them. */
interface Files {
  readonly usersFile: string;
  readonly file: string;
}

function refuseOtherName({ usersFile, file }: Files, stackName: string, recorded: string | undefined): void {
  if (recorded !== undefined && recorded !== stackName) {
    throw new DeclarationError(
      `${usersFile}: got the stack name ${quoted(stackName)}, where ${file} records ${isStackName(recorded) ? quoted(recorded) : kindOf(recorded)}; allowed: the ` +
        'recorded name, for under another one all users get new stacks with new devices, and the old stacks stay ' +
        `deployed. Restore StackName, or -c stackName=…; or confirm by writing the new name in ${file}.`,
    );
  }
}

/** IAM ignores the case of names; the ids in templates do not. */
function refuseOtherSpelling({ usersFile, file }: Files, userNames: readonly string[], recorded: RecordedStacks): void {
  const declared = new Map(userNames.map((userName) => [userName.toLowerCase(), userName]));
  const spellings = recorded.userNames
    .map((before) => ({ before, now: declared.get(before.toLowerCase()) ?? before }))
    .filter(({ before, now }) => before !== now);
  if (spellings.length > 0) {
    const before = namesInWords(spellings.map((spelling) => spelling.before));
    throw new DeclarationError(
      `${usersFile}: got ${namesInWords(spellings.map(({ now }) => now))}, in place of ${before}, as ${file} records; ` +
        'allowed: the recorded spelling, for under another one the user gets another device with another seed, and this ' +
        `one is deleted. Write ${before}; or, if that is meant, or the user is not deployed yet, correct the spelling in ` +
        `${file} too.`,
    );
  }
}

function refuseUnconfirmedRemoval(
  { usersFile, file }: Files,
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
