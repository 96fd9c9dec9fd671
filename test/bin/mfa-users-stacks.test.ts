import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type MfaUser, type MfaUsersDocument, withDefaults } from '../../bin/mfa-users/document';
import { readUsersFile } from '../../bin/mfa-users/files';
import { keptStacks } from '../../bin/mfa-users/kept-stacks';
import { readMfaUsersDocument } from '../../bin/mfa-users/read-document';
import { skeleton } from '../../bin/mfa-users/skeleton';
import {
  assignStacks,
  GROUPS_OF_ALL_USERS,
  RecordedStacks,
  USERS_PER_STACK,
} from '../../bin/mfa-users/stack-assignment';
import { readStackRecord, stackRecordFileOf, stackRecordText } from '../../bin/mfa-users/stack-record';
import { declareStacks } from '../../bin/mfa-users/stacks';
import { problemsOf } from './declaration-problems';

const ROOT = join(__dirname, '../..');
const DIRECTORY = mkdtempSync(join(tmpdir(), 'mfa-users-'));
const USERS_FILE = join(DIRECTORY, 'mfa-users.json');
const warn = () => undefined;
const FILE = { usersFile: USERS_FILE, stackName: 'VirtualMfaStack', removed: [], moved: [] };
const RECORD_FILE = join(DIRECTORY, 'mfa-users.lock.json');
afterAll(() => rmSync(DIRECTORY, { recursive: true, force: true }));
beforeEach(() => readdirSync(DIRECTORY).forEach((name) => rmSync(join(DIRECTORY, name))));

function namesOf(count: number, prefix = 'User'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

describe('the stack of a user', () => {
  const documents = fc
    .uniqueArray(fc.nat(700), { maxLength: 450, size: 'max' })
    .map((ids) => ids.map((id) => `User${id}`));

  test('stays, whatever users come and go', () => {
    fc.assert(
      fc.property(fc.array(documents, { minLength: 2, maxLength: 4 }), (history) => {
        let before: ReadonlyMap<string, number> = new Map();
        for (const userNames of history) {
          const after = assignStacks(userNames, new RecordedStacks(before));
          expect([...after.keys()]).toEqual(userNames);
          expect(assignStacks(userNames, new RecordedStacks(before))).toEqual(after);
          for (const [userName, stack] of after) {
            expect(stack).toBe(before.get(userName) ?? stack);
          }
          before = after;
        }
      }),
    );
  });

  test('takes no more users than its capacity, and has no room before a stack that a new user is in', () => {
    fc.assert(
      fc.property(documents, documents, (earlier, later) => {
        const before = assignStacks(earlier, RecordedStacks.NONE);
        const after = assignStacks(later, new RecordedStacks(before));
        const sizes = new Map<number, number>();
        for (const stack of after.values()) sizes.set(stack, (sizes.get(stack) ?? 0) + 1);
        for (const size of sizes.values()) expect(size).toBeLessThanOrEqual(USERS_PER_STACK);
        const newcomers = later.filter((userName) => !before.has(userName)).map((userName) => after.get(userName) ?? 0);
        for (let stack = 1; stack < Math.max(0, ...newcomers); stack++) expect(sizes.get(stack)).toBe(USERS_PER_STACK);
        expect(newcomers).toEqual([...newcomers].sort((one, other) => one - other));
      }),
    );
  });

  test('is the first of three for 250 users, for as many as it holds', () => {
    const stacks = [...assignStacks(namesOf(250), RecordedStacks.NONE).values()];

    expect([1, 2, 3, 4].map((stack) => stacks.filter((other) => other === stack).length)).toEqual([110, 110, 30, 0]);
  });

  test('is found in the record in whichever case the name is written', () => {
    expect(assignStacks(['bob'], new RecordedStacks([['BOB', 7]]))).toEqual(new Map([['bob', 7]]));
  });
});

describe('the record of stacks', () => {
  const LINE_IN_WORDS = 'the number of a stack with its check, as synthesis writes it, like "1-3968cf"';
  const stackNames = fc.string({ unit: fc.constantFrom(...Array.from('aBz09_+=,.@-')), minLength: 1, maxLength: 8 });

  test('is read as it was written', () => {
    const names = fc.uniqueArray(fc.oneof(stackNames, fc.constantFrom('__proto__', 'constructor', '12', '7')), {
      selector: (name) => name.toLowerCase(),
    });
    fc.assert(
      fc.property(names, (userNames) => {
        const text = stackRecordText(
          'VirtualMfaStack',
          new Map(userNames.map((userName, index) => [userName, index + 1])),
        );
        const recorded = readStackRecord('x.lock.json', text, []);
        expect(userNames.map((userName) => recorded.stacks.stackOf(userName))).toEqual(
          userNames.map((_, index) => index + 1),
        );
      }),
    );
  });

  test('has one line for each user, sorted, beside the file of users', () => {
    const stacks: [string, number][] = [
      ['bob', 2],
      ['Carol', 1],
      ['Alice', 1],
    ];
    const text = stackRecordText('VirtualMfaStack', new Map(stacks));

    expect(text).toBe(stackRecordText('VirtualMfaStack', new Map(stacks.reverse())));
    expect(text).toContain(
      '  "Stacks": {\n    "Alice": "1-e82ee6",\n    "bob": "2-1c163a",\n    "Carol": "1-07a0aa"\n  }\n}\n',
    );
    expect(stackRecordFileOf('a/staff.json')).toBe('a/staff.lock.json');
    expect(stackRecordFileOf('staff')).toBe('staff.lock.json');
  });

  test.each([
    [
      '<<<<<<< ours\n{}',
      '1:1: not JSON: got a text of 7 characters (invalid symbol); allowed: JSON without comments and without trailing commas. ',
    ],
    ['[]', '1:1: Stacks: got nothing; allowed: an object of users and the numbers of their stacks. '],
    [
      '{\n "Stacks": [1]\n}',
      '2:12: Stacks: got a list of 1; allowed: an object of users and the numbers of their stacks. ',
    ],
    [
      '{\n "Stacks": {},\n "Users": []\n}',
      '3:2: the document: got an unknown key, a text of 5 characters; allowed: Comment, StackName, Stacks. ',
    ],
    ['{\n "StackName": 1,\n "Stacks": {} }', '2:15: StackName: got a number; allowed: the name of the first stack. '],
    ['{ "Stacks": {\n "Bob": 0 } }', `2:9: Stacks.Bob: got a number; allowed: ${LINE_IN_WORDS}. `],
    ['{ "Stacks": {\n "Bob": 1.5 } }', `2:9: Stacks.Bob: got a number; allowed: ${LINE_IN_WORDS}. `],
    ['{ "Stacks": {\n "Bob": "one" } }', `2:9: Stacks.Bob: got a text of 3 characters; allowed: ${LINE_IN_WORDS}. `],
    ['{ "Stacks": {\n "Bob": [1] } }', `2:9: Stacks.Bob: got a list of 1; allowed: ${LINE_IN_WORDS}. `],
    [
      '{ "Stacks": {\n "B b": "1-3968cf" } }',
      '2:9: Stacks[a text of 3 characters]: got this key; allowed: 1 to 128 characters, letters, digits and any of _+=,.@-. ',
    ],
    [
      '{ "Stacks": {\n "Bob": "1-3968cf",\n "bob": "2-1c163a" } }',
      '3:9: Stacks.bob: got the user twice, first as "Bob"; allowed: each user once, because IAM ignores the case of names. ',
    ],
    [
      '{ "Stacks": {\n "Bob": "1-3968cf",\n "Bob": "2-1c163a" } }',
      '3:2: Stacks: got the key "Bob", which line 2 already has; allowed: each key once. ',
    ],
  ])('that is broken is refused, with the place and the remedy: %j', (text, problem) => {
    const problems = problemsOf(() => readStackRecord('mfa-users.lock.json', text, []));

    expect(problems[0]).toBe(
      `mfa-users.lock.json:${problem}Restore the file from version control and run the command again.`,
    );
  });

  test('that has more users in a stack than it holds is refused', () => {
    const text = stackRecordText('VirtualMfaStack', new Map(namesOf(111).map((userName) => [userName, 2])));

    expect(problemsOf(() => readStackRecord('mfa-users.lock.json', text, []))).toEqual([
      expect.stringMatching(
        /^mfa-users\.lock\.json:115:.*: got more than 110 users in stack 2; allowed: 110\. Restore/,
      ),
    ]);
  });

  test('is written when users are new, and left alone otherwise', () => {
    const written: string[] = [];
    const write = (file: string, text: string) => {
      written.push(file);
      writeFileSync(file, text);
      return true;
    };
    const keep = (...userNames: string[]) => keptStacks(FILE, userNames, { writable: true, write, warn });

    keep('Bob');
    keep('Alice', 'Bob');
    keep('Bob', 'Alice');

    expect(written).toEqual([RECORD_FILE, RECORD_FILE]);
    expect(readFileSync(RECORD_FILE, 'utf8')).toBe(
      stackRecordText('VirtualMfaStack', new Map(['Alice', 'Bob'].map((name) => [name, 1]))),
    );
  });

  test('is replaced as a whole, and nothing is left beside it', () => {
    keptStacks(FILE, ['Bob'], { writable: true, warn });

    expect(readdirSync(DIRECTORY)).toEqual(['mfa-users.lock.json']);
  });

  test('that is broken is not overwritten', () => {
    writeFileSync(RECORD_FILE, '{');

    expect(problemsOf(() => keptStacks(FILE, ['Bob'], { writable: true, warn }))).toHaveLength(1);
    expect(readFileSync(RECORD_FILE, 'utf8')).toBe('{');
  });

  test.each<[string, Parameters<typeof keptStacks>[2]]>([
    ['in CI', { writable: false, warn }],
    ['in a directory that must not be written', { writable: true, write: () => false, warn }],
  ])('is needed %s, with one stack too: who is not recorded could be lost without a word', (_where, options) => {
    expect(problemsOf(() => keptStacks(FILE, namesOf(7), options))).toEqual([
      `${RECORD_FILE}: got no line for User0, User1, User2, User3, User4 and 2 more, and cannot be written here (in CI, ` +
        'or without permission); allowed: users whom it records. Run `npx --no cdk synth` in a checkout, with the ' +
        'same context, and commit the file.',
    ]);

    keptStacks(FILE, namesOf(111), { writable: true, warn });

    expect(keptStacks(FILE, namesOf(111).reverse(), options).get('User110')).toBe(2);
    expect(problemsOf(() => keptStacks(FILE, [...namesOf(111), 'Newcomer'], options))).toEqual([
      expect.stringContaining('got no line for Newcomer, and cannot be written here'),
    ]);
  });

  test('of this repository is up to date', () => {
    const file = join(ROOT, 'mfa-users.json');
    const users = readMfaUsersDocument(file, readUsersFile(file)).Users.map(({ UserName }) => UserName);

    expect(readFileSync(stackRecordFileOf(file), 'utf8')).toBe(
      stackRecordText('VirtualMfaStack', assignStacks(users, RecordedStacks.NONE)),
    );
  });
});

describe('the stacks of users', () => {
  function templateOf(
    users: readonly MfaUser[],
    rest: Pick<MfaUsersDocument, 'Groups' | 'Enforcement'> = {},
  ): Template {
    const app = new App();
    declareStacks(app, { users, stackOf: () => 1, ...rest }, { stackId: 'VirtualMfaStack' });
    return Template.fromJSON(app.synth().getStackByName('VirtualMfaStack').template as object);
  }

  function templateText(...userNames: string[]): {
    Resources: Record<string, { Type: string; Properties: object }>;
    Outputs: object;
  } {
    return templateOf(userNames.map((UserName) => ({ UserName, CreateUser: true }))).toJSON() as never;
  }

  test('have the logical id of a user whose other devices go with the user', () => {
    const options = { CreateUser: true, RemoveOtherDevicesWithUser: true };

    const template = templateOf([{ UserName: 'Bob', ...options }]);

    const [logicalId] = Object.keys(template.findResources('AWS::IAM::User'));
    template.hasResourceProperties('Custom::IAMVirtualMFADevice', { RemoveOtherDevicesWithUser: logicalId });
  });

  test('have what the entries say', () => {
    const { Users, Defaults } = readMfaUsersDocument('mfa-users.json', skeleton());
    const sample = Users.find(({ UserName }) => UserName === 'Bob');
    const rest = {
      VirtualMFADeviceName: 'Bob-break-glass',
      EncryptionKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/seed',
      RemovalPolicy: 'RETAIN' as const,
    };

    const template = templateOf([withDefaults({ UserName: 'Bob', ...sample, ...rest }, Defaults)]);

    template.hasResource('AWS::IAM::User', {
      Properties: { UserName: 'Bob', Path: '/break-glass/' },
      DeletionPolicy: 'Retain',
    });
    template.hasResource('Custom::IAMVirtualMFADevice', {
      Properties: {
        VirtualMFADeviceName: 'Bob-break-glass',
        Path: '/break-glass/',
        Issuer: 'Example Corp',
        RotationId: '2026-01',
        Tags: [{ Key: 'team', Value: 'platform' }],
      },
      DeletionPolicy: 'Retain',
    });
    const [region, account] = [{ Ref: 'AWS::Region' }, { Ref: 'AWS::AccountId' }];
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      KmsKeyId: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':kms:', region, ':', account, ':key/seed']] },
    });
  });

  test('import existing users by their ARN, path included', () => {
    const keyArn = 'arn:aws:kms:us-east-1:123456789012:key/seed';
    const template = templateOf([
      { UserName: 'Alice', UserPath: '/ops/', EncryptionKeyArn: keyArn },
      { UserName: 'Bob', RotationId: '1', EncryptionKeyArn: keyArn },
    ]);

    template.resourceCountIs('AWS::IAM::User', 0);
    template.hasResourceProperties('Custom::IAMVirtualMFADevice', { UserName: 'Bob', RotationId: '1' });
    expect(JSON.stringify(template)).toContain(':user/ops/Alice"');
    expect(JSON.stringify(template)).toContain(':user/Bob"');
  });

  test('keep the ids that plain names had before there was a file', () => {
    const { Resources } = templateText('Bob');

    expect(Object.keys(Resources)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^Bob[0-9A-F]{8}$/), expect.stringMatching(/^BobMfa[0-9A-F]{8}$/)]),
    );
  });

  test('stay within what CloudFormation takes, full of users with long names, groups, rotation and enforcement', () => {
    const Groups = Array.from({ length: GROUPS_OF_ALL_USERS }, (_, index) => ({ GroupName: `Group${index}` }));
    const path = `/${'p'.repeat(62)}/`;
    const users = Array.from({ length: USERS_PER_STACK }, (_, index) => ({
      UserName: `${index}`.padStart(64, 'u'),
      Groups: [`Group${index % GROUPS_OF_ALL_USERS}`],
      RotateAfterDays: 30,
      ...{ CreateUser: true, UserPath: path, Path: path },
    }));

    const { Resources } = templateOf(users, { Groups, Enforcement: {} }).toJSON() as { Resources: object };

    expect(Object.keys(Resources).length).toBeGreaterThan(4 * USERS_PER_STACK + 2 * GROUPS_OF_ALL_USERS);
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    expect(Object.keys(Resources).length).toBeLessThanOrEqual(500);
  });

  test('have one output, however many users: the command that lists their devices', () => {
    const { Outputs } = templateText('Alice', 'Bob');

    expect(Outputs).toEqual({
      ListDevices: {
        Description: 'Lists the devices of this stack',
        Value: 'npx --no virtual-mfa list --stack VirtualMfaStack',
      },
    });
  });

  test('create groups, and put users who are created and users who exist into groups that are created or exist', () => {
    const everybody = { GroupName: 'Everybody', ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] };
    const template = templateOf(
      [
        { UserName: 'Alice', Groups: ['Everybody', 'Operators'] },
        { UserName: 'Bob', CreateUser: true, Groups: ['Everybody'] },
        { UserName: 'Carol' },
      ],
      { Groups: [everybody] },
    );

    template.hasResourceProperties('AWS::IAM::Group', everybody);
    const [bob = ''] = Object.keys(template.findResources('AWS::IAM::User'));
    const [group = ''] = Object.keys(template.findResources('AWS::IAM::Group'));
    template.resourceCountIs('AWS::IAM::UserToGroupAddition', 2);
    template.hasResource('AWS::IAM::UserToGroupAddition', {
      Properties: { GroupName: 'Everybody', Users: ['Alice', { Ref: bob }] },
      DependsOn: [group],
    });
    template.hasResourceProperties('AWS::IAM::UserToGroupAddition', { GroupName: 'Operators', Users: ['Alice'] });
  });

  test('create groups in the first stack, which the others wait for', () => {
    const app = new App();
    const users = [{ UserName: 'Alice', Groups: ['Everybody'] }, { UserName: 'Bob' }];
    const stackOf = ({ UserName }: MfaUser) => (UserName === 'Alice' ? 3 : 2);
    declareStacks(app, { users, stackOf, Groups: [{ GroupName: 'Everybody' }] }, { stackId: 'Users' });
    const assembly = app.synth();

    const [second, third] = [assembly.getStackByName('Users-2'), assembly.getStackByName('Users-3')];
    Template.fromJSON(second.template as object).resourceCountIs('AWS::IAM::Group', 1);
    Template.fromJSON(third.template as object).resourceCountIs('AWS::IAM::Group', 0);
    expect(third.dependencies.map(({ id }) => id)).toContain('Users-2');
  });

  test.each([
    [{}, false],
    [{ SelfEnrollment: true }, true],
  ])('require MFA of all users with Enforcement %j', (Enforcement, selfEnrollment) => {
    const template = templateOf([{ UserName: 'Alice' }, { UserName: 'Bob', CreateUser: true }], { Enforcement });
    const [bob = ''] = Object.keys(template.findResources('AWS::IAM::User'));
    const policies = Object.values(template.findResources('AWS::IAM::ManagedPolicy')).map((policy) =>
      JSON.stringify(policy),
    );
    const [policy = ''] = policies.filter((text) => text.includes('DenyWithoutMfa'));

    expect(policy).toContain(`"Users":["Alice",{"Ref":"${bob}"}]`);
    expect(policy.includes('iam:EnableMFADevice')).toBe(selfEnrollment);
  });

  test('require MFA of nobody without it', () => {
    expect(JSON.stringify(templateOf([{ UserName: 'Alice' }]))).not.toContain('DenyWithoutMfa');
  });

  test('hold users whose names would share an id', () => {
    const names = [
      ...['a.b', 'ab', 'a_b', 'a-b', 'a@b', 'a'],
      ...[
        'Bob',
        'BobMfa',
        'BobMfaMfa',
        'BobSerialNumber',
        'BobSeedSecretArn',
        'BobMfaSeed',
        'BobMfaUser',
        'Mfa',
        'User',
      ],
      ...[
        'Default',
        'Resource',
        'BootstrapVersion',
        'CheckBootstrapVersion',
        'CDKMetadata',
        '__proto__',
        'constructor',
        '123',
        '---',
      ],
    ];

    const { Resources } = templateText(...names);

    const users = Object.values(Resources).filter(({ Type }) => Type === 'AWS::IAM::User');
    expect(users).toHaveLength(names.length);
    expect(users.map(({ Properties }) => Properties)).toEqual(
      expect.arrayContaining(names.map((UserName) => ({ UserName }))),
    );
    // An id is made of the user's own name: whoever else is there, it is the same.
    for (const name of ['a.b', 'BobMfa', 'Default']) {
      const alone = Object.entries(templateText(name).Resources);
      const own = alone.filter(([, { Type }]) => ['AWS::IAM::User', 'Custom::IAMVirtualMFADevice'].includes(Type));
      expect(own).toHaveLength(2);
      expect(Object.keys(Resources)).toEqual(expect.arrayContaining(own.map(([id]) => id)));
    }
  });

  test('are numbered from the second on, and refused where the number makes the name too long', () => {
    const users = [{ UserName: 'Bob' }, { UserName: 'Alice' }];
    const declare = (stackName?: string) => {
      const app = new App();
      const stackOf = ({ UserName }: MfaUser) => (UserName === 'Bob' ? 1 : 12);
      declareStacks(app, { users, stackOf }, { stackId: 'VirtualMfaStack', stackName });
      return app.synth().stacks.map((stack) => [stack.id, stack.stackName]);
    };

    expect(declare()).toEqual([
      ['VirtualMfaStack', 'VirtualMfaStack'],
      ['VirtualMfaStack-12', 'VirtualMfaStack-12'],
    ]);
    expect(declare('staff')).toEqual([
      ['VirtualMfaStack', 'staff'],
      ['VirtualMfaStack-12', 'staff-12'],
    ]);
    expect(problemsOf(() => declare('x'.repeat(126)))).toEqual([
      expect.stringMatching(
        /^The name of stack 12: got a text of \d+ characters; allowed: 128 characters with its number\./,
      ),
    ]);
  });
});
