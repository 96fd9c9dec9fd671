import { createHash } from 'node:crypto';
import { kindOf, PROPERTY_RULES } from '../../lambda/contract/property-rules';
import { DeclarationError, type Problem, quoted } from './declaration-error';
import { JsonDocument } from './json-document';
import { repetitions } from './repetitions';
import { RecordedStacks, type StackNumber, USERS_PER_STACK } from './stack-assignment';

const COMMENT =
  'Which stack each user is in, with a check of the line. Written at synthesis; commit it, as you do package-lock.json.';
const KEYS = ['Comment', 'StackName', 'Stacks'];
/** What is recorded of a file. */
export interface StackRecord {
  /** The name that the first stack is deployed under; undefined where the record was made before names were recorded. */
  readonly stackName?: string;
  readonly stacks: RecordedStacks;
}

const REMEDY = 'Restore the file from version control and run the command again.';

/** The record's file, beside the users' file: `mfa-users.lock.json` for `mfa-users.json`. */
export function stackRecordFileOf(usersFile: string): string {
  return `${usersFile.replace(/\.json$/i, '')}.lock.json`;
}

/** The record's text: a line for each user, in an order that does not depend on the document's. */
export function stackRecordText(stackName: string, stacks: ReadonlyMap<string, StackNumber>): string {
  const sorted = [...stacks].sort(([one], [other]) => (one.toLowerCase() < other.toLowerCase() ? -1 : 1));
  const lines = sorted.map(([userName, stack]) => [userName, lineOf(userName, stack)] as const);
  return `${JSON.stringify({ Comment: COMMENT, StackName: stackName, Stacks: Object.fromEntries(lines) }, null, 2)}\n`;
}

/**
 * A user's line: the stack, and a check that a number changed by hand does not pass, for another stack is another device.
 * A check for each line, not for the file, so that a merge can keep the lines of both sides.
 */
function lineOf(userName: string, stack: StackNumber): string {
  const check = createHash('sha256').update(`${userName.toLowerCase()} ${stack}`).digest('hex').slice(0, 6);
  return `${stack}-${check}`;
}

/**
 * Reads a record.
 *
 * @param file the name that errors begin with
 * @param moved users who may be in another stack than synthesis wrote
 * @throws DeclarationError with all that is wrong in the record
 */
export function readStackRecord(file: string, text: string, moved: readonly string[]): StackRecord {
  const json = JsonDocument.parse(file, text, REMEDY, isKnownKey);
  const problems = [...shapeProblems(json), ...json.duplicateKeys(REMEDY)];
  const confirmed = new Set(moved.map((userName) => userName.toLowerCase()));
  const stacks: [string, StackNumber][] = [];
  for (const [userName, line] of entriesOf(memberOf(json.value, 'Stacks'))) {
    const stack = stackIn(line);
    if (!PROPERTY_RULES.UserName.accepts(userName)) {
      problems.push(problemAt(json, userName, `got this key; allowed: ${PROPERTY_RULES.UserName.allowed}. ${REMEDY}`));
    } else if (stack === undefined) {
      const allowed = `the number of a stack with its check, as synthesis writes it, like "${lineOf(userName, 1)}"`;
      problems.push(problemAt(json, userName, `got ${kindOf(line)}; allowed: ${allowed}. ${REMEDY}`));
    } else if (line !== lineOf(userName, stack) && !confirmed.has(userName.toLowerCase())) {
      problems.push(problemAt(json, userName, movedInWords(userName, stack)));
    } else {
      stacks.push([userName, stack]);
    }
  }
  problems.push(...userTwice(json, stacks), ...fullStacks(json, stacks));
  if (problems.length > 0) {
    throw DeclarationError.inFile(file, text, problems);
  }
  return { stackName: textIn(json.value, 'StackName'), stacks: new RecordedStacks(stacks) };
}

/** The name of the stacks in what may be a record; undefined in any other text. */
export function recordedNameIn(text: string | undefined): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
  return memberOf(value, 'Stacks') === undefined ? undefined : textIn(value, 'StackName');
}

function movedInWords(userName: string, stack: StackNumber): string {
  return (
    `got stack ${stack}, which synthesis did not write; allowed: the line as synthesis wrote it, because in another stack the user ` +
    `gets another device with another seed, and this one is deleted. ${REMEDY} ` +
    `If you want that, or the user is not deployed yet, confirm with -c move=${userName}.`
  );
}

function shapeProblems(json: JsonDocument): Problem[] {
  const stacks = memberOf(json.value, 'Stacks');
  if (typeof stacks !== 'object' || stacks === null || Array.isArray(stacks)) {
    const message = `Stacks: got ${kindOf(stacks)}; allowed: an object of users and the numbers of their stacks. ${REMEDY}`;
    return [{ offset: json.offsetOf(['Stacks']), message }];
  }
  const stackName = memberOf(json.value, 'StackName');
  const noName =
    stackName === undefined || typeof stackName === 'string'
      ? []
      : [
          {
            offset: json.offsetOf(['StackName']),
            message: `StackName: got ${kindOf(stackName)}; allowed: the name of the first stack. ${REMEDY}`,
          },
        ];
  const unknownKeys = entriesOf(json.value)
    .filter(([key]) => !KEYS.includes(key))
    .map(([key]) => ({
      offset: json.offsetOfKey([], key),
      message: `${json.inWords([])}: got an unknown key, ${kindOf(key)}; allowed: ${KEYS.join(', ')}. ${REMEDY}`,
    }));
  return [...noName, ...unknownKeys];
}

function userTwice(json: JsonDocument, stacks: readonly [string, StackNumber][]): Problem[] {
  const rule = 'allowed: each user once, because IAM ignores the case of names';
  return repetitions(stacks, ([userName]) => userName.toLowerCase()).map(({ item: [userName], first: [first] }) =>
    problemAt(json, userName, `got the user twice, first as ${quoted(first)}; ${rule}. ${REMEDY}`),
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
              'After a merge, instead remove the lines of users who are not deployed yet.',
          ),
        ]
      : [];
  });
}

function problemAt(json: JsonDocument, userName: string, message: string): Problem {
  const path = ['Stacks', userName];
  return { offset: json.offsetOf(path), message: `${json.inWords(path)}: ${message}` };
}

/** The record's own keys, and the names of users. */
function isKnownKey(key: string): boolean {
  return KEYS.includes(key) || PROPERTY_RULES.UserName.accepts(key);
}

/** The stack of a line, whether or not its check is right, or there. */
function stackIn(line: unknown): StackNumber | undefined {
  const text = typeof line === 'string' || typeof line === 'number' ? String(line) : '';
  const [, digits] = /^([1-9]\d{0,5})(?:-[0-9a-f]*)?$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function memberOf(value: unknown, key: string): unknown {
  return entriesOf(value).find(([name]) => name === key)?.[1];
}

function textIn(value: unknown, key: string): string | undefined {
  const member = memberOf(value, key);
  return typeof member === 'string' ? member : undefined;
}

function entriesOf(value: unknown): [key: string, value: unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}
