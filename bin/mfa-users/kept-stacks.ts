import { kindOf } from '../../lambda/contract/property-rules';
import { type FileOfUsers, isStackName, type ListOfUsers } from './context';
import { DeclarationError, onOneLine, quoted } from './declaration-error';
import { readText, writeText } from './files';
import { assignStacks, RecordedStacks, type StackNumber } from './stack-assignment';
import { refuseNameOfAnother } from './stack-name';
import { readStackRecord, stackRecordFileOf, type StackRecord, stackRecordText } from './stack-record';

const MOST_NAMES = 5;

/** A file or a list of users, and the name that its first stack is deployed under. */
export type NamedUsers = (FileOfUsers | ListOfUsers) & { readonly stackName: string };

export interface RecordOptions {
  /** Whether the record may be written, as it may not in CI: what is written there is lost. */
  readonly writable: boolean;
  /** Answers false where the file may not be written. */
  readonly write?: (file: string, text: string) => boolean;
  /** Tells the person who runs this what may be wrong. */
  readonly warn: (message: string) => void;
}

/**
 * The stack of each user, as the record has it; new users are recorded. The record lies beside the file of the users; that of a
 * list lies in the current directory, and has the name of the stack.
 *
 * Only recorded users are deployed, so that a user who gets lost is noticed.
 *
 * @throws DeclarationError when the record is broken, when users of the record are missing or spelt otherwise, when the name of
 * the stacks is another one or another file's, or when the record misses something and cannot be written
 */
export function keptStacks(
  source: NamedUsers,
  userNames: readonly string[],
  { writable, write = writeText, warn }: RecordOptions,
): ReadonlyMap<string, StackNumber> {
  const { stackName, removed } = source;
  const usersFile = 'usersFile' in source ? source.usersFile : undefined;
  const recordFile = usersFile === undefined ? `${stackName}.lock.json` : stackRecordFileOf(usersFile);
  const places: Places = { declaredIn: onOneLine(usersFile ?? '-c users'), file: onOneLine(recordFile) };
  const { file } = places;
  const before = readText(recordFile);
  const record: StackRecord =
    before === undefined
      ? { stacks: RecordedStacks.NONE }
      : readStackRecord(recordFile, before, 'moved' in source ? source.moved : []);
  const recorded = record.stacks;
  refuseOtherName(places, stackName, record.stackName);
  if (usersFile !== undefined) refuseNameOfAnother(usersFile, stackName);
  refuseUnconfirmedRemoval(places, userNames, recorded, removed);
  refuseOtherSpelling(places, userNames, recorded);
  const stacks = assignStacks(userNames, recorded);
  const after = stackRecordText(stackName, stacks);
  const isKept = after === before || (writable && write(recordFile, after));
  const unrecorded = isKept ? [] : userNames.filter((userName) => recorded.stackOf(userName) === undefined);
  if (unrecorded.length > 0) {
    throw new DeclarationError(
      `${file}: got no line for ${namesInWords(unrecorded)}, and cannot be written here (in CI, or without permission); ` +
        'allowed: users whom it records. Run `npx --no cdk synth` in a checkout, with the same context, and commit the file.',
    );
  }
  if (!isKept && record.stackName === undefined) {
    throw new DeclarationError(
      `${file}: got no StackName, and cannot be written here (in CI, or without permission); allowed: the name ` +
        'that the stacks are deployed under. Run `npx --no cdk synth` in a checkout, with the same context, and commit the file.',
    );
  }
  if (before === undefined) {
    const users = userNames.length === 1 ? '1 user' : `${userNames.length} users`;
    warn(
      `${file}: recorded ${users} for the first time. If they were deployed before, restore the file from version ` +
        `control: otherwise nobody notices users that ${places.declaredIn} has lost since then.`,
    );
  }
  return stacks;
}

/** Where users are declared, and where they are recorded, as errors name it. */
interface Places {
  readonly declaredIn: string;
  readonly file: string;
}

function refuseOtherName({ declaredIn, file }: Places, stackName: string, recorded: string | undefined): void {
  if (recorded !== undefined && recorded !== stackName) {
    throw new DeclarationError(
      `${declaredIn}: got the stack name ${quoted(stackName)}, where ${file} records ${isStackName(recorded) ? quoted(recorded) : kindOf(recorded)}; allowed: the ` +
        'recorded name, because under another one all users get new devices in new stacks, and the old stacks stay ' +
        `deployed. Restore StackName, or -c stackName=…; or confirm the new name by writing it into ${file}.`,
    );
  }
}

/** IAM ignores the case of names; the ids in templates do not. */
function refuseOtherSpelling(
  { declaredIn, file }: Places,
  userNames: readonly string[],
  recorded: RecordedStacks,
): void {
  const declared = new Map(userNames.map((userName) => [userName.toLowerCase(), userName]));
  const spellings = recorded.userNames
    .map((before) => ({ before, now: declared.get(before.toLowerCase()) ?? before }))
    .filter(({ before, now }) => before !== now);
  if (spellings.length > 0) {
    const before = namesInWords(spellings.map((spelling) => spelling.before));
    throw new DeclarationError(
      `${declaredIn}: got ${namesInWords(spellings.map(({ now }) => now))}, but ${file} records ${before}; ` +
        'allowed: the recorded spelling, because under another one the user gets another device with another seed, and this ' +
        `one is deleted. Write ${before}; or, if you want that, or the user is not deployed yet, correct the spelling in ` +
        `${file} too.`,
    );
  }
}

function refuseUnconfirmedRemoval(
  { declaredIn, file }: Places,
  userNames: readonly string[],
  recorded: RecordedStacks,
  removed: readonly string[],
): void {
  const declared = new Set(userNames.map((userName) => userName.toLowerCase()));
  const stays = removed.filter((userName) => declared.has(userName.toLowerCase()));
  if (stays.length > 0) {
    throw new DeclarationError(
      `Context remove: got ${namesInWords(stays)}, whom ${declaredIn} declares; allowed: users whom it no longer declares. ` +
        'Remove the user there too, or leave the name out.',
    );
  }
  const confirmed = new Set(removed.map((userName) => userName.toLowerCase()));
  const missing = recorded.userNames.filter(
    (userName) => !declared.has(userName.toLowerCase()) && !confirmed.has(userName.toLowerCase()),
  );
  if (missing.length > 0) {
    const list = missing.length > MOST_NAMES ? '<names, with commas between them>' : missing.join();
    throw new DeclarationError(
      `${declaredIn}: got no entry for ${namesInWords(missing)}, whom ${file} records; allowed: an entry for each recorded ` +
        'user, because the deployment deletes the devices and seeds of the others. Add them again; or confirm the removal ' +
        `with -c remove=${list}, or by deleting their lines in ${file}.`,
    );
  }
}

function namesInWords(userNames: readonly string[]): string {
  const named = userNames.slice(0, MOST_NAMES);
  return `${named.join(', ')}${userNames.length > MOST_NAMES ? ` and ${userNames.length - MOST_NAMES} more` : ''}`;
}
