import { readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DEFAULT_USERS_FILE } from './context';
import { DeclarationError, onOneLine, quoted } from './declaration-error';
import { readText } from './files';
import { recordedNameIn, stackRecordFileOf } from './stack-record';

/** The first stack of the default file; the CDK CLI calls every file's first stack so. */
export const FIRST_STACK = 'VirtualMfaStack';

/**
 * The name under which a file's first stack is deployed.
 *
 * @param declared what the file or the context says
 * @throws DeclarationError when it is the default file's, and this is another file
 */
export function stackNameOf(usersFile: string, declared: string | undefined): string {
  if (resolve(usersFile) === resolve(DEFAULT_USERS_FILE)) {
    return declared ?? FIRST_STACK;
  }
  if (declared === undefined || shareStacks(declared, FIRST_STACK)) {
    throw new DeclarationError(
      `${onOneLine(usersFile)}: got ${declared === undefined ? 'no StackName' : `the stack name ${quoted(declared)}`}; allowed: a separate ` +
        `name for every file except ${DEFAULT_USERS_FILE}, because two files with one stack would delete each other’s ` +
        `devices. ${declared === undefined ? 'Add the key, or pass -c stackName=….' : 'Choose another StackName.'}`,
    );
  }
  return declared;
}

/** @throws DeclarationError when a record beside the file has the same stacks */
export function refuseNameOfAnother(usersFile: string, stackName: string): void {
  for (const file of recordsBeside(usersFile)) {
    const other = recordedNameIn(textOf(file));
    const name = onOneLine(file);
    if (other !== undefined && shareStacks(stackName, other)) {
      throw new DeclarationError(
        `${onOneLine(usersFile)}: got the stack name ${quoted(stackName)}, but ${name} records ${quoted(other)}; allowed: a separate ` +
          'name, with and without a number after it, because two files with one stack would delete each other’s ' +
          `devices. Choose another StackName. If ${name} is left over from a file that you renamed, rename it too.`,
      );
    }
  }
}

/** Whether two files have a stack in common, now or once they have more than a hundred users. */
function shareStacks(one: string, other: string): boolean {
  return one === other || isNumbered(one, other) || isNumbered(other, one);
}

function isNumbered(name: string, first: string): boolean {
  return name.startsWith(`${first}-`) && /^(?:[2-9]|[1-9]\d+)$/.test(name.slice(first.length + 1));
}

function recordsBeside(usersFile: string): string[] {
  const own = basename(stackRecordFileOf(usersFile));
  const directory = dirname(usersFile);
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.lock.json') && entry.name !== own)
    .map(({ name }) => join(directory, name));
}

/** Other programs have files of such a name too, and whatever is wrong with them is not this file's fault. */
function textOf(file: string): string | undefined {
  try {
    return readText(file);
  } catch (error) {
    if (error instanceof DeclarationError) return undefined;
    throw error;
  }
}
