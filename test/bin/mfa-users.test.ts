import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TagManager, TagType } from 'aws-cdk-lib';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { readContext } from '../../bin/mfa-users/context';
import { withDefaults } from '../../bin/mfa-users/document';
import { isMfaUsersDocument } from '../../bin/mfa-users/document-schema';
import { MFA_USERS_SCHEMA } from '../../bin/mfa-users/schema';
import { readUsersFile } from '../../bin/mfa-users/files';
import { readMfaUsersDocument } from '../../bin/mfa-users/read-document';
import { skeleton } from '../../bin/mfa-users/skeleton';
import schema from '../../bin/mfa-users.schema.json';
import { PROPERTY_RULES } from '../../lambda/contract/property-rules';
import { tagProblems } from '../../lib/private/device-tags';
import { problemsOf } from './declaration-problems';

const DIRECTORY = mkdtempSync(join(tmpdir(), 'mfa-users-'));
const USERS_FILE = join(DIRECTORY, 'mfa-users.json');
afterAll(() => rmSync(DIRECTORY, { recursive: true, force: true }));
beforeEach(() => readdirSync(DIRECTORY).forEach((name) => rmSync(join(DIRECTORY, name))));

function documentProblems(text: string): string[] {
  return problemsOf(() => readMfaUsersDocument('mfa-users.json', text));
}

function problemsOfUsers(...users: object[]): string[] {
  return documentProblems(JSON.stringify({ Users: users }, null, 1));
}

function namesOf(count: number, prefix = 'User'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

describe('a document of users', () => {
  test('is read with all that it says', () => {
    const text = skeleton();

    expect(readMfaUsersDocument('mfa-users.json', text)).toEqual(JSON.parse(text));
  });

  test('is refused with all its problems, each with its line and column, in their order', () => {
    const problems = documentProblems(
      [
        '{',
        '  "StackName": "1st",',
        '  "Users": [',
        '    { "UserName": "Bob", "UserName": "Rob" },',
        '    { "UserName": "ROB", "Tags": [{ "Key": "aws:x", "Value": "" }, { "Key": "a", "Value": 1 }] },',
        '    { "Username": "Alice" }',
        '  ]',
        '}',
      ].join('\n'),
    );

    expect(problems).toEqual([
      'mfa-users.json:2:16: StackName: got a text of 3 characters; allowed: 1 to 128 characters, letters, digits and hyphens, beginning ' +
        'with a letter, but not with VirtualMfaUsers, which is for the stacks of -c users. Correct it and run the command again.',
      'mfa-users.json:4:26: Users[0]: got the key "UserName", which line 4 already has; allowed: each key once. Remove ' +
        'one of them and run the command again.',
      'mfa-users.json:5:19: Users[1].UserName: got the user of line 4 again; allowed: each user once, ' +
        'because IAM ignores the case of names. Remove one of them and run the command again.',
      'mfa-users.json:5:44: Users[1].Tags[0].Key: got a key with a reserved prefix; allowed: keys that do not begin with aws: or ' +
        'cdk-iam-virtual-mfa:. Change the key and run the command again.',
      'mfa-users.json:5:91: Users[1].Tags[1].Value: got a number; allowed: text in double quotes, up to 256 characters, letters, digits, spaces and ' +
        'any of _.:/=+-@. Correct it and run the command again.',
      'mfa-users.json:6:5: Users[2]: got no UserName; allowed: an object with the key UserName. Add the key and run the ' +
        'command again.',
      'mfa-users.json:6:7: Users[2]: got the unknown key "Username"; allowed: UserName, UserPath, CreateUser, ' +
        'VirtualMFADeviceName, Groups, Path, Issuer, RotationId, RotateAfterDays, EncryptionKeyArn, AllowKeyOfAnotherAccount, RemovalPolicy, RemoveOtherDevicesWithUser, Tags. Did you mean UserName? ' +
        'Correct or remove the key and run the command again.',
    ]);
  });

  test.each([
    ['', '1:1: not JSON: got the end of the file (value expected)'],
    ['{ "Users": [] // none\n}', '1:15: not JSON: got a text of 7 characters (invalid comment token)'],
    ['{\r\n "Users": [{ "UserName": "Bob" },]\r\n}', '2:34: not JSON: got "]" (value expected)'],
    ['{ "Users": [{ "UserName": "Bob" }]', '1:35: not JSON: got the end of the file (close brace expected)'],
    ["{ 'Users': [] }", '1:3: not JSON: got a text of 7 characters (invalid symbol)'],
  ])('that is not JSON is refused with the place: %j', (text, problem) => {
    expect(documentProblems(text)[0]).toBe(
      `mfa-users.json:${problem}; allowed: JSON without comments and without trailing commas. ` +
        'Correct it and run the command again.',
    );
  });

  test.each([
    ['[]', 'the document: got an empty list; allowed: an object with the key Users.'],
    ['{}', 'the document: got no Users; allowed: an object with the key Users. Add the key'],
    [
      '{ "Users": [] }',
      'Users: got an empty list; allowed: a list of 1 to 5000 users, because an account has no more.',
    ],
    [
      '{ "Users": { "Bob": {} } }',
      'Users: got an object; allowed: a list of 1 to 5000 users, because an account has no more.',
    ],
    ['{ "Users": ["Bob"] }', 'Users[0]: got a text of 3 characters; allowed: an object with the key UserName.'],
    [
      '{ "Users": [{ "UserName": "Bob" }], "users": 1 }',
      'got the unknown key "users"; allowed: $schema, StackName, Defaults, Groups, Enforcement, Users. Did you mean Users?',
    ],
    [
      '{ "Users": [{ "UserName": "Bob", "__proto__": 1 }] }',
      'Users[0]: got an unknown key, a text of 9 characters; allowed: UserName,',
    ],
  ])('of another shape is refused: %s', (text, problem) => {
    expect(documentProblems(text)).toEqual([expect.stringContaining(problem)]);
  });

  test.each<[object, string]>([
    [{ UserName: '' }, 'UserName: got an empty text; allowed: 1 to 128 characters'],
    [{ UserName: 'x'.repeat(129) }, 'UserName: got a text of 129 characters; allowed: 1 to 128 characters'],
    [
      { UserName: 'x'.repeat(65), CreateUser: true },
      'allowed: 1 to 64 characters, letters, digits and any of _+=,.@-, for a user that the stack creates',
    ],
    [{ Groups: 'Everybody' }, 'Groups: got a text of 9 characters; allowed: a list of up to 10 names of groups'],
    [{ Groups: ['a b'] }, 'Groups[0]: got a text of 3 characters; allowed: 1 to 128 characters'],
    [{ CreateUser: 'yes' }, 'CreateUser: got a text of 3 characters; allowed: true or false, without quotes.'],
    [
      { UserPath: 'ops' },
      'UserPath: got a text of 3 characters; allowed: 1 to 512 characters, beginning and ending with /',
    ],
    [{ Path: '/ops' }, 'Path: got a text of 4 characters; allowed: 1 to 512 characters, beginning and ending with /'],
    [{ Issuer: 'a:b' }, 'Issuer: got a text of 3 characters; allowed: 1 to 128 characters, no colon'],
    // 128 characters to the schema, 256 code units to IAM's rule as the construct has it.
    [{ Issuer: '🔐'.repeat(100) }, 'Issuer: got'],
    [
      { RotationId: 2026 },
      'RotationId: got a number; allowed: text in double quotes, 1 to 256 characters, no control characters, no {{resolve:.',
    ],
    [
      { EncryptionKeyArn: 'alias/seed' },
      'EncryptionKeyArn: got a text of 10 characters; allowed: the ARN of a KMS key',
    ],
    [{ RemovalPolicy: 'KEEP' }, 'RemovalPolicy: got a text of 4 characters; allowed: "DESTROY" or "RETAIN".'],
    [
      { Tags: namesOf(46).map((Key) => ({ Key, Value: '' })) },
      'Tags: got a list of 46; allowed: a list of up to 45 tags',
    ],
    [
      {
        Tags: [
          { Key: 'team', Value: '' },
          { Key: 'Team', Value: '' },
          { Key: 'team', Value: '' },
        ],
      },
      'Tags[2].Key: got the key of line 7 again; allowed: each key once.',
    ],
    [
      { Path: `/${'p'.repeat(222)}/`, VirtualMFADeviceName: 'name' },
      'Path: got 228 characters, path and name of the device together; allowed: 227',
    ],
  ])('with a value that cannot be deployed is refused: %j', (user, problem) => {
    expect(problemsOfUsers({ UserName: 'Bob', ...user })).toEqual([expect.stringContaining(problem)]);
  });

  test('takes what is just within the limits', () => {
    const problems = problemsOfUsers(
      { UserName: 'x'.repeat(128) },
      { UserName: 'y'.repeat(64), CreateUser: true },
      { UserName: 'z'.repeat(65), CreateUser: false },
      { UserName: 'a', Path: `/${'p'.repeat(221)}/`, VirtualMFADeviceName: 'name' },
      { UserName: 'b', Tags: namesOf(45).map((Key) => ({ Key, Value: '' })) },
    );

    expect(problems).toEqual([]);
  });

  test('that gives one device name twice under one path is refused, in whichever stacks the users are', () => {
    const device = { VirtualMFADeviceName: 'shared' };

    const problems = problemsOfUsers(
      { UserName: 'a', ...device },
      { UserName: 'b', ...device, Path: '/b/' },
      { UserName: 'c', ...device, Path: '/' },
    );

    expect(problems).toEqual([
      expect.stringContaining('Users[2].VirtualMFADeviceName: got the name and path of line 5 again'),
    ]);
  });

  test('may begin with a byte order mark, and has to be UTF-8', () => {
    const text = '{ "Users": [{ "UserName": "Bob" }] }';
    writeFileSync(USERS_FILE, `\ufeff${text}`);
    expect(readUsersFile(USERS_FILE)).toBe(text);

    writeFileSync(USERS_FILE, Buffer.from(`\ufeff${text}`, 'utf16le'));
    expect(problemsOf(() => readUsersFile(USERS_FILE))).toEqual([
      `${USERS_FILE}: got bytes that are not UTF-8; allowed: JSON in UTF-8. Save the file as UTF-8 and run the command again.`,
    ]);
  });

  test('that is not there is refused with the command that makes one', () => {
    expect(problemsOf(() => readUsersFile('mfa-users-of-nobody.json'))).toEqual([
      expect.stringContaining('Write one (`npx --no virtual-mfa skeleton` prints a sample)'),
    ]);
  });
});

describe('the defaults of a document', () => {
  const read = (document: object) => readMfaUsersDocument('mfa-users.json', JSON.stringify(document));
  const problems = (document: object) => problemsOf(() => read(document));

  test('are what a user has whose entry does not say otherwise; tags are added', () => {
    const { Defaults, Users } = read({
      Defaults: {
        CreateUser: true,
        Issuer: 'Example Corp',
        Groups: ['Everybody'],
        Tags: [{ Key: 'team', Value: 'a' }],
      },
      Users: [
        { UserName: 'Alice' },
        {
          UserName: 'Bob',
          CreateUser: false,
          Groups: [],
          Tags: [
            { Key: 'team', Value: 'b' },
            { Key: 'x', Value: 'y' },
          ],
        },
      ],
    });

    expect(Users.map((user) => withDefaults(user, Defaults))).toEqual([
      {
        ...{ UserName: 'Alice', CreateUser: true, Issuer: 'Example Corp', Groups: ['Everybody'] },
        Tags: [{ Key: 'team', Value: 'a' }],
      },
      {
        ...{ UserName: 'Bob', CreateUser: false, Issuer: 'Example Corp', Groups: [] },
        Tags: [
          { Key: 'team', Value: 'b' },
          { Key: 'x', Value: 'y' },
        ],
      },
    ]);
  });

  const KEY = (account: string) => `arn:aws:kms:us-east-1:${account}:key/1234abcd`;
  test.each<[object, object, string]>([
    [{ Path: 'ops' }, {}, 'Defaults.Path: got a text of 3 characters; allowed: 1 to 512 characters'],
    [{ UserName: 'Bob' }, {}, 'Defaults: got an unknown key, a text of 8 characters; allowed: UserPath'],
    [
      { CreateUser: true },
      { UserName: 'x'.repeat(65) },
      'Users[0].UserName: got a text of 65 characters; allowed: 1 to 64',
    ],
    [
      { Path: `/${'p'.repeat(200)}/` },
      { UserName: 'x'.repeat(60) },
      'Users[0].Path: got 262 characters, path and name',
    ],
    [
      { Tags: namesOf(45).map((Key) => ({ Key, Value: '' })) },
      { Tags: [{ Key: 'one-more', Value: '' }] },
      'Users[0].Tags: got 46 tags, with those of Defaults; allowed: up to 45.',
    ],
    [
      { EncryptionKeyArn: KEY('111111111111') },
      { EncryptionKeyArn: KEY('222222222222') },
      'Users[0].EncryptionKeyArn: got a key of the account 222222222222; allowed: keys of one account, 111111111111',
    ],
    [
      { RemoveOtherDevicesWithUser: true },
      { CreateUser: false },
      'Users[0].RemoveOtherDevicesWithUser: got true for a user who exists already; allowed: true for users that the stack creates',
    ],
  ])('are checked, alone and with what a user says: %j with %j', (Defaults, user, problem) => {
    expect(problems({ Defaults, Users: [{ UserName: 'Bob', ...user }] })).toEqual([expect.stringContaining(problem)]);
  });

  test('let a user have two devices of one name, if the paths differ', () => {
    const users = [
      { UserName: 'Alice', VirtualMFADeviceName: 'phone', Path: '/a/' },
      { UserName: 'Bob', VirtualMFADeviceName: 'phone' },
    ];

    expect(problems({ Defaults: { Path: '/b/' }, Users: users })).toEqual([]);
    expect(problems({ Defaults: { Path: '/a/' }, Users: users })).toEqual([
      expect.stringContaining('Users[1].VirtualMFADeviceName: got the name and path of line'),
    ]);
  });

  test('allow a key of another account for all users', () => {
    const Users = [{ UserName: 'Bob', EncryptionKeyArn: KEY('222222222222') }, { UserName: 'Eve' }];
    const Defaults = { EncryptionKeyArn: KEY('111111111111'), AllowKeyOfAnotherAccount: true };

    expect(problems({ Defaults, Users })).toEqual([]);
  });
});

describe('the groups of a document', () => {
  test.each<[object[], string]>([
    [[{ GroupName: 'a b' }], 'Groups[0].GroupName: got a text of 3 characters; allowed: 1 to 128 characters'],
    [[{}], 'Groups[0]: got no GroupName; allowed: an object with the key GroupName'],
    [
      [{ GroupName: 'a', ManagedPolicyArns: ['ReadOnlyAccess'] }],
      'ManagedPolicyArns[0]: got a text of 14 characters; allowed: the ARN of a managed policy',
    ],
    [[{ GroupName: 'Staff' }, { GroupName: 'staff' }], 'Groups[1].GroupName: got the group of line'],
    [[{ GroupName: 'everybody' }], 'Users[0].Groups[0]: got another spelling of the group of line 1'],
    [
      Array.from({ length: 16 }, (_, index) => ({ GroupName: `Group${index}` })),
      'Users[0].Groups[0]: got one group more than 16; allowed: up to 16 in all',
    ],
  ])('are refused: %j', (Groups, problem) => {
    const document = JSON.stringify({ Groups, Users: [{ UserName: 'Bob', Groups: ['Everybody'] }] });

    expect(problemsOf(() => readMfaUsersDocument('mfa-users.json', document))).toEqual([
      expect.stringContaining(problem),
    ]);
  });
});

describe('the schema', () => {
  test('is in the file that editors read: npm run docs:schema brings it up to date', () => {
    expect(schema).toEqual(MFA_USERS_SCHEMA);
  });

  const properties = schema.properties.Users.items.properties;
  const rules = { ...PROPERTY_RULES, UserPath: PROPERTY_RULES.Path };
  const keys = Object.keys(rules) as (keyof typeof rules)[];
  const accepts = (key: string, value: string) => isMfaUsersDocument({ Users: [{ UserName: 'Bob', [key]: value }] });

  test.each(keys)('takes for %s what the construct takes, and says so in the same words', (key) => {
    const { minLength, maxLength, errorMessage } = properties[key];
    const filler = key.endsWith('Path') ? '/' : 'x';
    const ofLength = (length: number) => `${filler}${'x'.repeat(Math.max(0, length - 2))}${length > 1 ? filler : ''}`;

    expect(errorMessage).toBe(`allowed: ${rules[key].allowed}`);
    for (const value of ['', ofLength(minLength), ofLength(maxLength), ofLength(maxLength + 1)]) {
      expect([value.length, accepts(key, value)]).toEqual([value.length, rules[key].accepts(value)]);
    }
    expect(accepts(key, ofLength(maxLength))).toBe(true);
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...Array.from('/aZ09_+=,.@-:~ \u007f\u0085é\n')) }),
    );
    fc.assert(
      fc.property(text, fc.boolean(), (inner, inSlashes) => {
        const value = inSlashes ? `/${inner}/` : inner;
        return accepts(key, value) === rules[key].accepts(value);
      }),
    );
  });

  test('takes the tags that the construct takes', () => {
    const text = fc.string({ unit: fc.constantFrom(...Array.from('aé9 _.:/=+-@~,\n\u00a0')), maxLength: 3 });
    const texts = fc.oneof(text, fc.constantFrom('x'.repeat(128), 'x'.repeat(129), 'x'.repeat(256), 'x'.repeat(257)));
    fc.assert(
      fc.property(texts, texts, (Key, Value) => {
        const tags = new TagManager(TagType.KEY_VALUE, 'x');
        tags.setTag(Key, Value);
        const isTaken = isMfaUsersDocument({ Users: [{ UserName: 'Bob', Tags: [{ Key, Value }] }] });
        return isTaken === (tagProblems(tags).length === 0);
      }),
    );
  });

  test('tells editors what each key means, and gives an example of each value', () => {
    const described: unknown[] = [];
    const collect = (part: {
      properties?: Record<string, object>;
      items?: object;
      description?: string;
      errorMessage?: string;
      examples?: unknown[];
    }) => {
      expect(part.description).toMatch(/\.$/);
      expect(part.errorMessage).toMatch(/^allowed: /);
      if (part.properties === undefined && part.items === undefined) {
        expect(part.examples?.length).toBeGreaterThan(0);
      }
      described.push(part);
      [...Object.values(part.properties ?? {}), ...(part.items ? [part.items] : [])].forEach(collect);
    };

    collect(schema);

    expect(described.length).toBeGreaterThan(15);
  });

  test('is met by the skeleton, which can be deployed as it is, and rotated', () => {
    const sample = JSON.parse(skeleton()) as { Users: object[]; Defaults: object };

    expect(Object.keys(sample)).toEqual(Object.keys(schema.properties));
    const left = Object.keys(properties).filter(
      (key) => !(key in sample.Defaults) && !sample.Users.some((user) => key in user),
    );
    // A key of the reader's own account or of another one, a name under which rotationId rotates nothing, what is for robots, and what
    // removes devices that the file does not declare.
    expect(left).toEqual([
      'VirtualMFADeviceName',
      'RotateAfterDays',
      'EncryptionKeyArn',
      'AllowKeyOfAnotherAccount',
      'RemoveOtherDevicesWithUser',
    ]);
    expect(documentProblems(skeleton())).toEqual([]);
  });
});

describe('the context', () => {
  const read = readContext;

  test('names the file of users, or users who exist, or users to create', () => {
    expect(read({})).toEqual({ source: { usersFile: 'mfa-users.json', removed: [], moved: [] } });
    expect(
      read({ usersFile: 'staff.json', stackName: 'staff', rotationId: '2', remove: 'Bob, Alice', move: 'Carol' }),
    ).toEqual({
      source: { usersFile: 'staff.json', removed: ['Bob', 'Alice'], moved: ['Carol'] },
      stackName: 'staff',
      rotationId: '2',
    });
    expect(read({ users: 'Bob, Alice' }).source).toEqual({
      users: [
        { UserName: 'Bob', CreateUser: false },
        { UserName: 'Alice', CreateUser: false },
      ],
      removed: [],
    });
    expect(read({ users: 'Bob', remove: 'Alice' }).source).toMatchObject({ removed: ['Alice'] });
    for (const createUsers of ['true', true]) {
      expect(read({ users: 'Bob', createUsers }).source).toEqual({
        users: [{ UserName: 'Bob', CreateUser: true }],
        removed: [],
      });
    }
  });

  test.each<[Record<string, unknown>, string]>([
    [
      { users: '' },
      'users: got an empty text as name 1; allowed: 1 to 128 characters, letters, digits and any of _+=.@-.',
    ],
    [{ users: 'Bob,Bob Smith' }, 'users: got a text of 9 characters as name 2; allowed: 1 to 128'],
    [
      { users: 'x'.repeat(65), createUsers: 'true' },
      'allowed: 1 to 64 characters, letters, digits and any of _+=.@-, for users that the stack creates.',
    ],
    [
      { users: 'Bob,bob' },
      'users: got "bob" twice; allowed: each user once, because IAM ignores the case of names. Remove one.',
    ],
    [{ users: ['Bob'] }, 'users: got a list of 1; allowed: text. Pass it like -c users=Bob,Alice.'],
    [
      { users: namesOf(111).join() },
      'users: got 111 users; allowed: up to 110, because one stack holds no more. Declare them in a file',
    ],
    [
      { users: 'Bob', usersFile: 'x.json' },
      'users: got it together with usersFile; allowed: one of them. Leave one out.',
    ],
    [
      { users: 'Bob', createUsers: 'yes' },
      'createUsers: got a text of 3 characters; allowed: true or false. Pass it like -c createUsers=true.',
    ],
    [{ createUsers: true }, 'createUsers: got it without users; allowed: together with users.'],
    [{ stackName: 5 }, 'stackName: got a number; allowed: text. Pass it like -c stackName=VirtualMfaStack.'],
    [
      { stackName: '1st' },
      'stackName: got a text of 3 characters; allowed: 1 to 128 characters, letters, digits and hyphens, beginning with a letter, but not with VirtualMfaUsers',
    ],
    [
      { usersfile: 'x.json' },
      'got the unknown key "usersfile"; allowed: users, usersFile, createUsers, rotationId, stackName, remove, move. Did you mean usersFile?',
    ],
    [
      { rotationId: '' },
      'rotationId: got an empty text; allowed: 1 to 256 characters, no control characters, no {{resolve:.',
    ],
    [
      { rotationId: '{{resolve:ssm:/seed}}' },
      'rotationId: got text with a dynamic reference ({{resolve:…}}), which CloudFormation would replace with a value, even ' +
        'a secret; allowed: plain text. Pass the text that you mean.',
    ],
    [
      { users: 'Bob', stackName: 'VirtualMfaStack' },
      'stackName: got a text of 15 characters; allowed: 1 to 128 characters, letters, digits and hyphens, beginning with a ' +
        'letter; with -c users, the name must begin with VirtualMfaUsers.',
    ],
    [{ stackName: 'VirtualMfaUsers-2' }, 'stackName: got a text of 17 characters; allowed: '],
    [{ users: 'Bob', move: 'Alice' }, 'move: got it together with users; allowed: together with a file of users.'],
  ])('is refused where it cannot be taken: %j', (context, problem) => {
    expect(problemsOf(() => read(context))).toEqual([expect.stringContaining(problem)]);
    expect(problemsOf(() => read(context))[0]).toMatch(/^Context[ :]/);
  });
});
