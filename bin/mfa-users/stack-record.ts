import { DeclarationError, inWords, type Problem } from './declaration-error';
import { JsonDocument, pathInWords } from './json-document';
import { repetitions } from './repetitions';
import { RecordedStacks, type StackNumber, USERS_PER_STACK } from './stack-assignment';

const COMMENT = 'Which stack each user is in. Written at synthesis; commit it, as you do package-lock.json.';
const KEYS = ['Comment', 'Stacks'];
const REMEDY = 'Restore the file from version control and run the command again.';

/** The record's file, beside the users' file: `mfa-users.lock.json` for `mfa-users.json`. */
export function stackRecordFileOf(usersFile: string): string {
  return `${usersFile.replace(/\.json$/i, '')}.lock.json`;
}

/** The record's text: a line for each user, in an order that does not depend on the document's. */
export function stackRecordText(stacks: ReadonlyMap<string, StackNumber>): string {
  const sorted = [...stacks].sort(([one], [other]) => (one.toLowerCase() < other.toLowerCase() ? -1 : 1));
  return `${JSON.stringify({ Comment: COMMENT, Stacks: Object.fromEntries(sorted) }, null, 2)}\n`;
}

/**
 * Reads a record.
 *
 * @param file the name that errors begin with
 * @throws DeclarationError with all that is wrong in the record
 */
export function readStackRecord(file: string, text: string): RecordedStacks {
  const json = JsonDocument.parse(file, text, REMEDY);
  const problems = [...shapeProblems(json), ...json.duplicateKeys(REMEDY)];
  const stacks = entriesOf(memberOf(json.value, 'Stacks'));
  for (const [userName, stack] of stacks) {
    if (!isStackNumber(stack)) {
      problems.push(problemAt(json, userName, `got ${inWords(stack)}; allowed: whole numbers from 1. ${REMEDY}`));
    }
  }
  const numbered = stacks.filter((entry): entry is [string, StackNumber] => isStackNumber(entry[1]));
  problems.push(...userTwice(json, numbered), ...fullStacks(json, numbered));
  if (problems.length > 0) {
    throw DeclarationError.inFile(file, text, problems);
  }
  return new RecordedStacks(numbered);
}

function shapeProblems(json: JsonDocument): Problem[] {
  const stacks = memberOf(json.value, 'Stacks');
  if (typeof stacks !== 'object' || stacks === null || Array.isArray(stacks)) {
    const message = `Stacks: got ${inWords(stacks)}; allowed: an object of users and the numbers of their stacks. ${REMEDY}`;
    return [{ offset: json.offsetOf(['Stacks']), message }];
  }
  return entriesOf(json.value)
    .filter(([key]) => !KEYS.includes(key))
    .map(([key]) => ({
      offset: json.offsetOfKey([], key),
      message: `${pathInWords([])}: got the unknown key ${inWords(key)}; allowed: ${KEYS.join(', ')}. ${REMEDY}`,
    }));
}

function userTwice(json: JsonDocument, stacks: readonly [string, StackNumber][]): Problem[] {
  const rule = 'allowed: each user once, for IAM ignores the case of names';
  return repetitions(stacks, ([userName]) => userName.toLowerCase()).map(({ item: [userName], first: [first] }) =>
    problemAt(json, userName, `got the user twice, as ${inWords(first)} before; ${rule}. ${REMEDY}`),
  );
}

/** A merge of two branches can bring together more users than a stack takes. */
function fullStacks(json: JsonDocument, stacks: readonly [string, StackNumber][]): Problem[] {
  const size = new Map<StackNumber, number>();
  return stacks.flatMap(([userName, stack]) => {
    size.set(stack, (size.get(stack) ?? 0) + 1);
    return size.get(stack) === USERS_PER_STACK + 1
      ? [
          problemAt(
            json,
            userName,
            `got more than ${USERS_PER_STACK} users in stack ${stack}; allowed: ${USERS_PER_STACK}. ${REMEDY} ` +
              'After a merge, remove instead the lines of users who are not deployed yet.',
          ),
        ]
      : [];
  });
}

function problemAt(json: JsonDocument, userName: string, message: string): Problem {
  const path = ['Stacks', userName];
  return { offset: json.offsetOf(path), message: `${pathInWords(path)}: ${message}` };
}

function isStackNumber(value: unknown): value is StackNumber {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

function memberOf(value: unknown, key: string): unknown {
  return entriesOf(value).find(([name]) => name === key)?.[1];
}

function entriesOf(value: unknown): [key: string, value: unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}
