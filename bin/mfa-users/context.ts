import { kindOf, PROPERTY_RULES } from '../../lambda/contract/property-rules';
import { DeclarationError, quoted } from './declaration-error';
import { type MfaUser } from './document';
import { nearestOf } from './nearest-key';
import { repetitions } from './repetitions';
import { USERS_PER_STACK } from './stack-assignment';
import { unresolvedIn } from './unresolved-text';

/** What the app is told by `-c`, or by `context` in cdk.json. */
export interface AppContext {
  readonly source: ListOfUsers | FileOfUsers;
  readonly stackName?: string;
  /** For the users who have no RotationId of their own. */
  readonly rotationId?: string;
}

/** What was confirmed about users whom a record names. */
interface Confirmed {
  /** Users whose devices may be deleted. */
  readonly removed: readonly string[];
}

/** Users that `-c users` names. */
export interface ListOfUsers extends Confirmed {
  readonly users: readonly MfaUser[];
}

export interface FileOfUsers extends Confirmed {
  readonly usersFile: string;
  /** Users whose devices may be replaced by others in another stack. */
  readonly moved: readonly string[];
}

/** What the names of stacks of `-c users` begin with, and those of the users in a file never do: no list of names changes a file's stack. */
export const LISTED_USERS_STACK = 'VirtualMfaUsers';

export const DEFAULT_USERS_FILE = 'mfa-users.json';
const EXAMPLES = {
  users: 'Bob,Alice',
  usersFile: DEFAULT_USERS_FILE,
  createUsers: 'true',
  rotationId: '2026-01',
  stackName: 'VirtualMfaStack',
  remove: 'Bob',
  move: 'Bob',
};
type Key = keyof typeof EXAMPLES;

export const isStackName = (name: string) => /^[A-Za-z][A-Za-z0-9-]{0,127}$/.test(name);
const STACK_NAME_IN_WORDS = '1 to 128 characters, letters, digits and hyphens, beginning with a letter';

const FILE_STACK_NAME = {
  accepts: (name: string) => isStackName(name) && !name.startsWith(LISTED_USERS_STACK),
  allowed: `${STACK_NAME_IN_WORDS}, but not with ${LISTED_USERS_STACK}, which is for the stacks of -c users`,
};

const LISTED_STACK_NAME = {
  accepts: (name: string) => isStackName(name) && name.startsWith(LISTED_USERS_STACK),
  allowed: `${STACK_NAME_IN_WORDS}; with -c users, the name must begin with ${LISTED_USERS_STACK}`,
};

/** The longest name that IAM takes for a new user; it has older ones that are longer. */
const LONGEST_NEW_USER_NAME = 64;
const LONGEST_USER_NAME = 128;

/**
 * Reads the context.
 *
 * @throws DeclarationError for the first value that cannot be taken
 */
export function readContext(context: Readonly<Record<string, unknown>>): AppContext {
  refuseMisspelt(Object.keys(context));
  const textOf = (key: Key) => text(key, context[key]);
  const users = textOf('users');
  const usersFile = textOf('usersFile');
  const namesOf = (key: Key) =>
    textOf(key)
      ?.split(',')
      .map((name) => name.trim());
  const createUsers = flag('createUsers', context['createUsers']);
  const [removed, moved] = [namesOf('remove'), namesOf('move')];
  if (users !== undefined && usersFile !== undefined) {
    refuse('users', 'it together with usersFile', 'one of them', 'Leave one out.');
  }
  if (users === undefined && createUsers !== undefined) {
    refuse('createUsers', 'it without users', 'together with users', 'In a file, write "CreateUser": true for a user.');
  }
  if (users !== undefined && moved !== undefined) {
    refuse('move', 'it together with users', 'together with a file of users', 'Leave one out.');
  }
  return {
    source:
      users === undefined
        ? { usersFile: usersFile ?? DEFAULT_USERS_FILE, removed: removed ?? [], moved: moved ?? [] }
        : { users: usersIn(users, createUsers), removed: removed ?? [] },
    stackName: checked('stackName', textOf('stackName'), users === undefined ? FILE_STACK_NAME : LISTED_STACK_NAME),
    rotationId: checked('rotationId', textOf('rotationId'), PROPERTY_RULES.RotationId),
  };
}

/** CDK takes any key: a misspelt usersFile would deploy the users of another file. A misspelt confirmation confirms nothing. */
function refuseMisspelt(keys: readonly string[]): void {
  const known = Object.keys(EXAMPLES);
  const needed = known.filter((key) => key !== 'remove' && key !== 'move');
  for (const key of keys.filter((candidate) => !known.includes(candidate))) {
    const meant = nearestOf(needed, key);
    if (meant !== undefined) {
      throw new DeclarationError(
        `Context: got the unknown key ${quoted(key)}; allowed: ${known.join(', ')}. Did you mean ${meant}?`,
      );
    }
  }
}

function usersIn(list: string, createUsers = false): MfaUser[] {
  const names = list.split(',').map((name) => name.trim());
  const longest = createUsers ? LONGEST_NEW_USER_NAME : LONGEST_USER_NAME;
  for (const [index, name] of names.entries()) {
    if (!PROPERTY_RULES.UserName.accepts(name) || name.length > longest) {
      const whom = createUsers ? ', for users that the stack creates' : '';
      refuse(
        'users',
        `${kindOf(name)} as name ${index + 1}`,
        `1 to ${longest} characters, letters, digits and any of _+=.@-${whom}`,
        `Pass IAM user names with commas between them, like -c users=${EXAMPLES.users}.`,
      );
    }
  }
  const [twice] = repetitions(names, (name) => name.toLowerCase());
  if (twice !== undefined) {
    refuse(
      'users',
      `${quoted(twice.item)} twice`,
      'each user once, because IAM ignores the case of names',
      'Remove one.',
    );
  }
  if (names.length > USERS_PER_STACK) {
    refuse(
      'users',
      `${names.length} users`,
      `up to ${USERS_PER_STACK}, because one stack holds no more`,
      `Declare them in a file, which can use several stacks: npx --no virtual-mfa skeleton > ${DEFAULT_USERS_FILE}`,
    );
  }
  return names.map((UserName) => ({ UserName, CreateUser: createUsers }));
}

function text(key: Key, value: unknown): string | undefined {
  const got = typeof value === 'string' ? unresolvedIn(value) : undefined;
  if (got !== undefined) {
    refuse(key, got, 'plain text', 'Pass the text that you mean.');
  }
  return value === undefined || typeof value === 'string'
    ? value
    : refuse(key, kindOf(value), 'text', `Pass it like -c ${key}=${EXAMPLES[key]}.`);
}

function flag(key: Key, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') {
    return value;
  }
  return value === 'true' || value === 'false'
    ? value === 'true'
    : refuse(key, kindOf(value), 'true or false', `Pass it like -c ${key}=${EXAMPLES[key]}.`);
}

function checked(
  key: Key,
  value: string | undefined,
  rule: { accepts(value: string): boolean; readonly allowed: string },
): string | undefined {
  return value === undefined || rule.accepts(value)
    ? value
    : refuse(key, kindOf(value), rule.allowed, `Pass it like -c ${key}=${EXAMPLES[key]}.`);
}

function refuse(key: Key, got: string, allowed: string, remedy: string): never {
  throw new DeclarationError(`Context ${key}: got ${got}; allowed: ${allowed}. ${remedy}`);
}
