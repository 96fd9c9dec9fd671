import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { keptStacks } from '../../bin/mfa-users/kept-stacks';
import { type FileOfUsers } from '../../bin/mfa-users/context';
import { stackRecordText } from '../../bin/mfa-users/stack-record';
import { problemsOf } from './declaration-problems';

const DIRECTORY = mkdtempSync(join(tmpdir(), 'mfa-users-'));
const USERS_FILE = join(DIRECTORY, 'mfa-users.json');
const RECORD_FILE = join(DIRECTORY, 'mfa-users.lock.json');
afterAll(() => rmSync(DIRECTORY, { recursive: true, force: true }));
const warnings: string[] = [];
beforeEach(() => {
  readdirSync(DIRECTORY).forEach((name) => rmSync(join(DIRECTORY, name)));
  warnings.length = 0;
});

function record(stacks: Readonly<Record<string, number>>): void {
  writeFileSync(RECORD_FILE, stackRecordText('VirtualMfaStack', new Map(Object.entries(stacks))));
}

function keep(userNames: string[], declared: Partial<FileOfUsers & { stackName: string }> = {}, writable = true) {
  const file = { usersFile: USERS_FILE, stackName: 'VirtualMfaStack', removed: [], moved: [], ...declared };
  return keptStacks(file, userNames, { writable, warn: (warning) => warnings.push(warning) });
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
        'because the deployment deletes the devices and seeds of the others. Add them again; or confirm the ' +
        `removal with -c remove=Alice,Bob, or by deleting their lines in ${RECORD_FILE}.`,
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

  test('is not missing when the file writes the name in another case, but is refused: the case is part of the ids', () => {
    const before = recordText();

    expect(problemsOf(() => keep(['ALICE', 'bob', 'Carol'], {}, writable))).toEqual([
      `${USERS_FILE}: got ALICE, bob, but ${RECORD_FILE} records Alice, Bob; allowed: the recorded spelling, ` +
        'because under another one the user gets another device with another seed, and this one is deleted. Write Alice, Bob; or, ' +
        `if you want that, or the user is not deployed yet, correct the spelling in ${RECORD_FILE} too.`,
    ]);
    expect(recordText()).toBe(before);
  });

  test('gets another spelling when the record has it too', () => {
    writeFileSync(RECORD_FILE, recordText().replace('"Alice"', '"ALICE"'));

    expect(keep(['ALICE', 'Bob', 'Carol'], {}, writable).get('ALICE')).toBe(1);
  });
});

describe('a list of users on the command line', () => {
  const inDirectory = (list: string[], removed: string[] = [], stackName = 'VirtualMfaUsers', writable = true) => {
    const users = list.map((UserName) => ({ UserName }));
    const stacks = { users, removed, stackName };
    const before = process.cwd();
    process.chdir(DIRECTORY);
    try {
      return keptStacks(stacks, list, { writable, warn: (warning) => warnings.push(warning) });
    } finally {
      process.chdir(before);
    }
  };
  beforeEach(() => {
    inDirectory(['Alice', 'Dora']);
    warnings.length = 0;
  });

  test('is recorded in the current directory, under the name of its stack', () => {
    expect(readFileSync(join(DIRECTORY, 'VirtualMfaUsers.lock.json'), 'utf8')).toBe(
      stackRecordText('VirtualMfaUsers', new Map(['Alice', 'Dora'].map((name) => [name, 1]))),
    );
  });

  test('is refused when it leaves out recorded users, until that is confirmed by name', () => {
    expect(problemsOf(() => inDirectory(['Carol']))).toEqual([
      '-c users: got no entry for Alice, Dora, whom VirtualMfaUsers.lock.json records; allowed: an entry for each recorded ' +
        'user, because the deployment deletes the devices and seeds of the others. Add them again; or confirm the removal with ' +
        '-c remove=Alice,Dora, or by deleting their lines in VirtualMfaUsers.lock.json.',
    ]);
    expect(problemsOf(() => inDirectory(['Carol'], ['Alice']))).toHaveLength(1);
    expect([...inDirectory(['Carol'], ['Alice', 'Dora']).keys()]).toEqual(['Carol']);
    expect([...inDirectory(['Carol']).keys()]).toEqual(['Carol']);
  });

  test('may grow, keeps the spelling of names, and has a record of its own for each stack', () => {
    expect([...inDirectory(['Alice', 'Erin', 'Dora']).keys()]).toEqual(['Alice', 'Erin', 'Dora']);
    expect(problemsOf(() => inDirectory(['alice', 'Dora', 'Erin']))).toEqual([
      expect.stringMatching(/^-c users: got alice, but VirtualMfaUsers\.lock\.json records Alice; /),
    ]);
    expect([...inDirectory(['Carol'], [], 'VirtualMfaUsers-2').keys()]).toEqual(['Carol']);
    expect(readdirSync(DIRECTORY).sort()).toEqual(['VirtualMfaUsers-2.lock.json', 'VirtualMfaUsers.lock.json']);
  });

  test('is deployed in CI only if it is recorded', () => {
    expect(inDirectory(['Alice', 'Dora'], [], 'VirtualMfaUsers', false).size).toBe(2);
    expect(problemsOf(() => inDirectory(['Alice', 'Dora', 'Erin'], [], 'VirtualMfaUsers', false))).toEqual([
      expect.stringMatching(/^VirtualMfaUsers\.lock\.json: got no line for Erin, and cannot be written here/),
    ]);
  });
});

describe('a confirmed removal', () => {
  test('drops the line where the record is written, and leaves it in CI', () => {
    record({ Alice: 1, Bob: 1 });
    const before = recordText();

    keep(['Bob'], { removed: ['Alice'] }, false);
    expect(recordText()).toBe(before);

    keep(['Bob'], { removed: ['Alice'] });
    expect(recordText()).toBe(stackRecordText('VirtualMfaStack', new Map([['Bob', 1]])));
    // The same command once more: nothing is left to confirm.
    keep(['Bob'], { removed: ['Alice'] });
  });

  test('of a user whom the file still declares is refused', () => {
    record({ Bob: 1 });

    expect(problemsOf(() => keep(['Bob'], { removed: ['bob'] }))).toEqual([
      `Context remove: got bob, whom ${USERS_FILE} declares; allowed: users whom it no longer declares. Remove the user ` +
        'there too, or leave the name out.',
    ]);
  });

  test('of many users is asked for without a list that no terminal shows', () => {
    record(Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`User${index}`, 1])));

    const [problem] = problemsOf(() => keep(['Bob']));

    expect(problem).toContain('got no entry for User0, User1, User2, User3, User4 and 2 more, whom');
    expect(problem).toContain('confirm the removal with -c remove=<names, with commas between them>, or by deleting');
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
      `${RECORD_FILE}:6:12: Stacks.Bob: got stack 2, which synthesis did not write; allowed: the line as synthesis wrote it, ` +
        'because in another stack the user gets another device with another seed, and this one is deleted. Restore the file from ' +
        'version control and run the command again. If you want that, or the user is not deployed yet, confirm with ' +
        '-c move=Bob.',
    ]);
  });

  test('moves when it is confirmed, and need not be confirmed again', () => {
    expect(keep(['Alice', 'Bob'], { moved: ['bob'] }).get('Bob')).toBe(2);
    expect(keep(['Alice', 'Bob']).get('Bob')).toBe(2);
  });
});

describe.each([
  ['in a checkout', true],
  ['in CI', false],
])('the name of the recorded stacks, %s,', (_where, writable) => {
  beforeEach(() => record({ Bob: 1 }));

  test('is refused when it changes, with what would happen and how to confirm it', () => {
    const before = recordText();

    expect(problemsOf(() => keep(['Bob'], { stackName: 'staff' }, writable))).toEqual([
      `${USERS_FILE}: got the stack name "staff", where ${RECORD_FILE} records "VirtualMfaStack"; allowed: the recorded name, ` +
        'because under another one all users get new devices in new stacks, and the old stacks stay deployed. Restore ' +
        `StackName, or -c stackName=…; or confirm the new name by writing it into ${RECORD_FILE}.`,
    ]);
    expect(recordText()).toBe(before);
  });

  test('changes when the record is changed too', () => {
    writeFileSync(RECORD_FILE, recordText().replace('"VirtualMfaStack"', '"staff"'));

    expect(keep(['Bob'], { stackName: 'staff' }, writable).get('Bob')).toBe(1);
  });
});

describe('a record without the name of its stacks', () => {
  beforeEach(() => {
    record({ Bob: 1 });
    writeFileSync(RECORD_FILE, recordText().replace('  "StackName": "VirtualMfaStack",\n', ''));
  });

  test('gets it where the record is written', () => {
    keep(['Bob']);

    expect(recordText()).toContain('"StackName": "VirtualMfaStack"');
  });

  test('is refused in CI, where another name would not be noticed', () => {
    expect(problemsOf(() => keep(['Bob'], {}, false))).toEqual([
      `${RECORD_FILE}: got no StackName, and cannot be written here (in CI, or without permission); allowed: the ` +
        'name that the stacks are deployed under. Run `npx --no cdk synth` in a checkout, with the same context, and ' +
        'commit the file.',
    ]);
  });
});

describe('the name of another file’s stacks', () => {
  const OTHER_RECORD = join(DIRECTORY, 'other.lock.json');
  const recordOther = (stackName: string) =>
    writeFileSync(OTHER_RECORD, stackRecordText(stackName, new Map([['Carol', 1]])));

  test.each([
    ['staff', 'staff'],
    ['staff-2', 'staff'],
    ['staff', 'staff-12'],
  ])('is refused: %s beside a record of %s', (stackName, other) => {
    recordOther(other);

    expect(problemsOf(() => keep(['Bob'], { stackName }))).toEqual([
      `${USERS_FILE}: got the stack name "${stackName}", but ${OTHER_RECORD} records "${other}"; allowed: a separate name, with ` +
        'and without a number after it, because two files with one stack would delete each other’s devices. Choose another ' +
        `StackName. If ${OTHER_RECORD} is left over from a file that you renamed, rename it too.`,
    ]);
    expect(readdirSync(DIRECTORY)).toEqual(['other.lock.json']);
  });

  test('is refused of a recorded file too', () => {
    record({ Bob: 1 });
    recordOther('VirtualMfaStack');

    expect(problemsOf(() => keep(['Bob'], {}, false))).toEqual([expect.stringContaining('records "VirtualMfaStack"')]);
  });

  test.each(['staff-a', 'staff-1', 'staff-02', 'staf', 'staff2'])('is not the like of it: %s', (other) => {
    recordOther(other);

    expect(keep(['Bob'], { stackName: 'staff' }).get('Bob')).toBe(1);
  });

  test.each(['{', '[]', '{ "StackName": "staff" }', '{ "StackName": 1, "Stacks": {} }', '\u{ffff}'])(
    'is not looked for in what is no record: %j',
    (text) => {
      writeFileSync(OTHER_RECORD, text);
      mkdirSync(join(DIRECTORY, 'folder.lock.json'));
      try {
        expect(keep(['Bob'], { stackName: 'staff' }).get('Bob')).toBe(1);
      } finally {
        rmdirSync(join(DIRECTORY, 'folder.lock.json'));
      }
    },
  );
});

describe('the first record of a file', () => {
  test('is announced, for a record that was lost had others, perhaps', () => {
    keep(['Alice', 'Bob']);

    expect(warnings).toEqual([
      `${RECORD_FILE}: recorded 2 users for the first time. If they were deployed before, restore the file from version ` +
        `control: otherwise nobody notices users that ${USERS_FILE} has lost since then.`,
    ]);
  });

  test('is announced once, and never where nothing is written', () => {
    expect(problemsOf(() => keep(['Bob'], {}, false))).toHaveLength(1);
    record({ Alice: 1 });
    keep(['Alice', 'Bob']);
    keep(['Alice', 'Bob']);

    expect(warnings).toEqual([]);
  });
});
