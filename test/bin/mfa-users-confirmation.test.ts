import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type FileOfUsers } from '../../bin/mfa-users/context';
import { keptStacks } from '../../bin/mfa-users/kept-stacks';
import { stackRecordText } from '../../bin/mfa-users/stack-record';
import { problemsOf } from './declaration-problems';

const DIRECTORY = mkdtempSync(join(tmpdir(), 'mfa-users-'));
const USERS_FILE = join(DIRECTORY, 'mfa-users.json');
const RECORD_FILE = join(DIRECTORY, 'mfa-users.lock.json');
afterAll(() => rmSync(DIRECTORY, { recursive: true, force: true }));
beforeEach(() => readdirSync(DIRECTORY).forEach((name) => rmSync(join(DIRECTORY, name))));

function record(stacks: Readonly<Record<string, number>>): void {
  writeFileSync(RECORD_FILE, stackRecordText(new Map(Object.entries(stacks))));
}

function keep(userNames: string[], confirmed: Partial<FileOfUsers> = {}, writable = true) {
  return keptStacks({ usersFile: USERS_FILE, removed: [], moved: [], ...confirmed }, userNames, { writable });
}

const recordText = () => readFileSync(RECORD_FILE, 'utf8');

describe.each([
  ['in a checkout', true],
  ['in CI', false],
])('a recorded user whom the file no longer declares, %s,', (_where, writable) => {
  beforeEach(() => record({ Alice: 1, Bob: 1, Carol: 1 }));

  test('is refused by name, with what would happen and how to confirm it, and stays recorded', () => {
    const before = recordText();

    expect(problemsOf(() => keep(['Carol'], {}, writable))).toEqual([
      `${USERS_FILE}: got no entry for Alice, Bob, whom ${RECORD_FILE} records; allowed: an entry for each recorded user, ` +
        'for the deployment deletes the devices of the others, with their seeds. Restore the entries; or confirm with ' +
        `-c remove=Alice,Bob, or by deleting the users’ lines in ${RECORD_FILE}.`,
    ]);
    expect(recordText()).toBe(before);
  });

  test('is refused still when only another user’s removal was confirmed', () => {
    expect(problemsOf(() => keep(['Carol'], { removed: ['Alice', 'Dora'] }, writable))).toEqual([
      expect.stringContaining('got no entry for Bob, whom'),
    ]);
  });

  test('goes when each removal is confirmed by name, in whichever case', () => {
    expect(keep(['Carol'], { removed: ['alice', 'BOB'] }, writable)).toEqual(new Map([['Carol', 1]]));
  });

  test('goes when the line is deleted', () => {
    record({ Carol: 1 });

    expect(keep(['Carol'], {}, writable)).toEqual(new Map([['Carol', 1]]));
  });

  test('is the same user when the file writes the name in another case', () => {
    expect([...keep(['ALICE', 'bob', 'Carol'], {}, writable).values()]).toEqual([1, 1, 1]);
  });
});

describe('a confirmed removal', () => {
  test('drops the line where the record is written, and leaves it in CI', () => {
    record({ Alice: 1, Bob: 1 });
    const before = recordText();

    keep(['Bob'], { removed: ['Alice'] }, false);
    expect(recordText()).toBe(before);

    keep(['Bob'], { removed: ['Alice'] });
    expect(recordText()).toBe(stackRecordText(new Map([['Bob', 1]])));
    // The same command once more: nothing is left to confirm.
    keep(['Bob'], { removed: ['Alice'] });
  });

  test('of a user whom the file still declares is refused', () => {
    record({ Bob: 1 });

    expect(problemsOf(() => keep(['Bob'], { removed: ['bob'] }))).toEqual([
      `Context remove: got bob, whom ${USERS_FILE} declares; allowed: users whom it no longer declares. Remove the entry ` +
        'too, or leave the name out.',
    ]);
  });

  test('of many users is asked for without a list that no terminal shows', () => {
    record(Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`User${index}`, 1])));

    const [problem] = problemsOf(() => keep(['Bob']));

    expect(problem).toContain('got no entry for User0, User1, User2, User3, User4 and 2 more, whom');
    expect(problem).toContain('confirm with -c remove=<names, with commas between them>, or by deleting');
  });
});

describe.each([
  ['a number in place of another', (text: string) => text.replace('"1-3968cf"', '"2-3968cf"')],
  ['a number alone', (text: string) => text.replace('"1-3968cf"', '2')],
])('a user who was moved to another stack by hand, as %s,', (_how, edit) => {
  beforeEach(() => {
    record({ Alice: 1, Bob: 1 });
    writeFileSync(RECORD_FILE, edit(recordText()));
  });

  test.each([true, false])('is refused: the move replaces the device (writable: %s)', (writable) => {
    expect(problemsOf(() => keep(['Alice', 'Bob'], { moved: ['Alice'] }, writable))).toEqual([
      `${RECORD_FILE}:5:12: Stacks.Bob: got stack 2, which synthesis did not write; allowed: the line as it was written, for ` +
        'in another stack the user gets another device with another seed, and this one is deleted. Restore the file from ' +
        'version control and run the command again. If that is meant, or the user is not deployed yet, confirm with ' +
        '-c move=Bob.',
    ]);
  });

  test('moves when it is confirmed, and need not be confirmed again', () => {
    expect(keep(['Alice', 'Bob'], { moved: ['bob'] }).get('Bob')).toBe(2);
    expect(keep(['Alice', 'Bob']).get('Bob')).toBe(2);
  });
});
