import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Lazy, SecretValue, Token } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { execa } from 'execa';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { readContext } from '../../bin/mfa-users/context';
import { readUsersFile } from '../../bin/mfa-users/files';
import { type MfaUser } from '../../bin/mfa-users/document';
import { readMfaUsersDocument } from '../../bin/mfa-users/read-document';
import { keptStacks } from '../../bin/mfa-users/kept-stacks';
import { refuseNameOfAnother, stackNameOf } from '../../bin/mfa-users/stack-name';
import { readStackRecord, stackRecordText } from '../../bin/mfa-users/stack-record';
import { declareStacks } from '../../bin/mfa-users/stacks';
import { problemsOf } from './declaration-problems';

const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const REFERENCE = '{{resolve:secretsmanager:arn:aws:secretsmanager:us-east-1:123456789012:secret:x:SecretString:seed}}';

function problemsIn(document: object, target?: Parameters<typeof readMfaUsersDocument>[2]): string[] {
  return problemsOf(() => readMfaUsersDocument('mfa-users.json', JSON.stringify(document, null, 1), target));
}

describe('text that something would resolve', () => {
  const withText = (text: string): [where: string, document: object][] => [
    ['$schema', { $schema: text, Users: [{ UserName: 'Bob' }] }],
    ['StackName', { StackName: text, Users: [{ UserName: 'Bob' }] }],
    ['Defaults.RotationId', { Defaults: { RotationId: text }, Users: [{ UserName: 'Bob' }] }],
    ['Groups[0].GroupName', { Groups: [{ GroupName: text }], Users: [{ UserName: 'Bob' }] }],
    ['Users[0].Groups[0]', { Users: [{ UserName: 'Bob', Groups: [text] }] }],
    ...['UserName', 'UserPath', 'VirtualMFADeviceName', 'Path', 'Issuer', 'RotationId', 'EncryptionKeyArn'].map(
      (key): [string, object] => [`Users[0].${key}`, { Users: [{ UserName: 'Bob', [key]: text }] }],
    ),
    ['Users[0].RemovalPolicy', { Users: [{ UserName: 'Bob', RemovalPolicy: text }] }],
    ['Users[0].Tags[0].Key', { Users: [{ UserName: 'Bob', Tags: [{ Key: text, Value: '' }] }] }],
    ['Users[0].Tags[0].Value', { Users: [{ UserName: 'Bob', Tags: [{ Key: 'a', Value: text }] }] }],
    ['Users[0]', { Users: [{ UserName: 'Bob', [text]: 'x' }] }],
    ['the document', { Users: [{ UserName: 'Bob' }], [text]: 'x' }],
  ];

  test.each(withText(`/${REFERENCE}/`))(
    'is refused in %s, as a reference that CloudFormation resolves',
    (where, document) => {
      const problems = problemsIn(document);

      expect(problems).toEqual([expect.stringMatching(/^mfa-users\.json:\d+:\d+: /)]);
      expect(problems[0]).toContain(
        `: ${where}: got text with a dynamic reference ({{resolve:…}}), which CloudFormation would replace with a value, even a ` +
          'secret; allowed: plain text. Write the text that you mean, and run the command again.',
      );
      expect(problems[0]).not.toContain('secretsmanager');
    },
  );

  test.each(withText(Token.asString({ Ref: 'AWS::AccountId' })))(
    'is refused in %s, as a token of the CDK',
    (where, document) => {
      expect(problemsIn(document)).toEqual([
        expect.stringContaining(
          `: ${where}: got text with a CDK token (\${Token[…]}), which CDK would replace with a value`,
        ),
      ]);
    },
  );

  test.each([
    '{{resolve:ssm:/seed}}',
    '{{resolve:ssm-secure:/seed:1}}',
    '{{ resolve : ssm:/seed}}',
    'a {{RESOLVE:ssm:/seed}} b',
    '{{resolve:ssm:/see',
    SecretValue.ssmSecure('/seed').unsafeUnwrap(),
    Lazy.list({ produce: () => [] })[0] ?? '',
    '${Token[AWS.AccountId.3]}',
    '#{Token[TOKEN.3]}',
    `${Token.asNumber({ Ref: 'AWS::AccountId' })}`,
  ])('is refused in each of its forms: %s', (text) => {
    expect(problemsIn({ Users: [{ UserName: 'Bob', Issuer: text, RotationId: text }] })).toHaveLength(2);
  });

  test('is not taken for such where braces are only text', () => {
    expect(problemsIn({ Users: [{ UserName: 'Bob', RotationId: '{{2026}} ${Token} resolve' }] })).toEqual([]);
  });
});

describe('a value that may be a secret', () => {
  test.each<[string, object]>([
    ['as a value of the wrong type', { Users: [{ UserName: 'Bob', Tags: SEED }] }],
    ['as a name', { Users: [{ UserName: `${SEED}!` }] }],
    ['as a key', { Users: [{ UserName: 'Bob', [SEED]: 1 }] }],
    ['below an unknown key', { Users: [{ UserName: 'Bob', Tags: [{ [SEED]: { [SEED]: SEED } }] }] }],
    ['as a stack name', { StackName: `1${SEED}`, Users: [{ UserName: 'Bob' }] }],
  ])('is not repeated in an error: %s', (_where, document) => {
    const problems = problemsIn(document);

    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join('\n')).not.toContain(SEED.slice(0, 8));
  });

  test.each([`{ "Users": [ ${SEED} ] }`, `{ "Users": [ "${SEED}`, `{ "Users": [ {"${SEED}": 1, "${SEED}": 2} ] }`])(
    'is not repeated where the file is not JSON, or has a key twice: %#',
    (text) => {
      expect(problemsOf(() => readMfaUsersDocument('mfa-users.json', text)).join('\n')).not.toContain(SEED.slice(0, 8));
    },
  );

  test.each([
    ['a password', 'Tr0ub4dor&3'],
    ['a code', 123456],
    ['a key of letters', 'hunter2'],
  ])('is not repeated where it is short: %s', (_what, secret) => {
    const document = {
      StackName: secret,
      [secret]: 1,
      Users: [
        { UserName: `${secret} x`, Path: secret, Issuer: `${secret}:`, CreateUser: secret, [secret]: { [secret]: 1 } },
        {
          UserName: 'Bob',
          Tags: [
            { Key: `aws:${secret}`, Value: 'x' },
            { Key: 'a', Value: { [secret]: '{{resolve:x}}' } },
          ],
        },
      ],
    };
    const text = JSON.stringify(document);

    const problems = [
      ...problemsIn(document),
      ...problemsOf(() => readMfaUsersDocument('x.json', `{ ${secret}: ${text}`)),
    ];

    expect(problems.length).toBeGreaterThan(8);
    expect(problems.join('\n')).not.toContain(String(secret));
  });

  test.each([
    [{ users: 'Bob,Tr0ub4dor&3' }],
    [{ users: 'Bob', createUsers: 'Tr0ub4dor&3' }],
    [{ stackName: 'Tr0ub4dor&3' }],
    [{ rotationId: 'Tr0ub4dor&3\u0007' }],
    [{ users: { 'Tr0ub4dor&3': 1 } }],
  ])('is not repeated where it is given on the command line: %j', (context) => {
    const [problem = ''] = problemsOf(() => readContext(context));

    expect(problem).toMatch(/^Context \w+: got an? /);
    expect(problem).not.toContain('Tr0ub4dor');
  });

  test('is told by its kind and length', () => {
    expect(problemsIn({ Users: [{ UserName: 'Bob', Path: 'x'.repeat(33) }, { UserName: 'Bob Smith' }] })).toEqual([
      expect.stringContaining('Users[0].Path: got a text of 33 characters; allowed: '),
      expect.stringContaining('Users[1].UserName: got a text of 9 characters; allowed: '),
    ]);
  });
});

describe('a file that is out of proportion', () => {
  const DIRECTORY = mkdtempSync(join(tmpdir(), 'mfa-users-'));
  afterAll(() => rmSync(DIRECTORY, { recursive: true, force: true }));
  beforeEach(() => readdirSync(DIRECTORY).forEach((name) => rmSync(join(DIRECTORY, name))));

  /** Of the processor, which other tests take away from the clock. */
  function seconds(action: () => void): number {
    const began = process.cpuUsage();
    action();
    return process.cpuUsage(began).user / 1e6;
  }

  test.each([
    ['{"Users":', '1:289'],
    ['[', '1:33'],
  ])('is refused when it is 100,000 levels deep: %s', (opening, place) => {
    const rule = 'got more than 32 lists and objects inside one another; allowed: 32.';
    const text = opening.repeat(100_000);

    expect(problemsOf(() => readMfaUsersDocument('mfa-users.json', text))).toEqual([
      `mfa-users.json:${place}: ${rule} Correct it and run the command again.`,
    ]);
    expect(problemsOf(() => readStackRecord('mfa-users.lock.json', text, []))).toEqual([
      `mfa-users.lock.json:${place}: ${rule} Restore the file from version control and run the command again.`,
    ]);
  });

  test('is refused at once when it has more users than an account', () => {
    const Users = Array.from({ length: 20_000 }, (_, index) => ({ UserName: `a b${index}`, x: 1 }));
    let problems: string[] = [];

    expect(seconds(() => (problems = problemsIn({ Users })))).toBeLessThan(5);
    expect(problems).toEqual([
      'mfa-users.json:2:11: Users: got a list of 20000; allowed: a list of 1 to 5000 users, because an account has no more. ' +
        'Correct it and run the command again.',
    ]);
  });

  test('has its first hundred problems told, in the order of the text, and the others counted, in seconds', () => {
    const Users = Array.from({ length: 5_000 }, (_, index) => ({ UserName: `a b${index}`, x: 1 }));
    let problems: string[] = [];

    expect(seconds(() => (problems = problemsIn({ Users })))).toBeLessThan(5);
    expect(problems).toHaveLength(101);
    expect(problems[0]).toMatch(/^mfa-users\.json:4:16: Users\[0\]\.UserName: got a text of 4 characters/);
    expect(problems[99]).toMatch(/^mfa-users\.json:201:4: Users\[49\]: got an unknown key, a text of 1 character/);
    expect(problems[100]).toBe('mfa-users.json: and 9900 more.');
  });

  test('has its problems found in seconds where one user has 30,000 unknown keys', () => {
    const user = Object.fromEntries(Array.from({ length: 30_000 }, (_, index) => [`Users${index}`, 1]));

    expect(seconds(() => expect(problemsIn({ Users: [user] })).toHaveLength(101))).toBeLessThan(10);
  });

  test('is refused when it is larger than 4 MB', () => {
    const file = join(DIRECTORY, 'mfa-users.json');
    const rule = 'got more than 4 MB; allowed: 4 MB, which holds all users of an account.';
    writeFileSync(file, ' '.repeat(4_000_001));

    expect(problemsOf(() => readUsersFile(file))).toEqual([expect.stringContaining(`${file}: ${rule}`)]);
    writeFileSync(file, ' '.repeat(4_000_000));
    expect(readUsersFile(file)).toHaveLength(4_000_000);
  });

  test.runIf(process.platform !== 'win32')('is refused, and not waited for, when it is no regular file', async () => {
    const fifo = join(DIRECTORY, 'mfa-users.json');
    await execa('mkfifo', [fifo]);

    for (const file of [fifo, '/dev/zero', DIRECTORY]) {
      expect(problemsOf(() => readUsersFile(file))).toEqual([
        `${file}: got a directory, a FIFO or a device; allowed: a regular file. Write the users into a file, and name it with ` +
          '-c usersFile=….',
      ]);
    }
  });
});

describe('a file name that steers a terminal', () => {
  const DIRECTORY = mkdtempSync(join(tmpdir(), 'mfa-users-'));
  const EVIL = 'evil\u001b[2J\u009b31m\u202e\n';
  const HARMLESS = 'evil\\u{1b}[2J\\u{9b}31m\\u{202e}\\u{a}';
  const usersFile = join(DIRECTORY, `${EVIL}.json`);
  afterAll(() => rmSync(DIRECTORY, { recursive: true, force: true }));
  beforeEach(() => readdirSync(DIRECTORY).forEach((name) => rmSync(join(DIRECTORY, name))));

  test.each<[what: string, action: () => unknown]>([
    ['that is not there', () => readUsersFile(usersFile)],
    [
      'that is no JSON',
      () => {
        writeFileSync(usersFile, '{');
        readMfaUsersDocument(usersFile, readUsersFile(usersFile));
      },
    ],
    ['that has no StackName', () => stackNameOf(usersFile, undefined)],
    [
      'that loses a user',
      () => {
        const file = { usersFile, stackName: 'staff', removed: [], moved: [] };
        keptStacks(file, ['Bob'], { writable: true, warn: () => undefined });
        keptStacks(file, ['Alice'], { writable: true, warn: () => undefined });
      },
    ],
    [
      'of another file’s record',
      () => {
        writeFileSync(join(DIRECTORY, `${EVIL}.lock.json`), stackRecordText('staff', new Map([['Bob', 1]])));
        refuseNameOfAnother(join(DIRECTORY, 'mine.json'), 'staff');
      },
    ],
  ])('is repeated without what steers it: %s', (_what, action) => {
    const [problem = '', ...others] = problemsOf(action);

    expect(others).toEqual([]);
    expect(problem).toContain(HARMLESS);
    expect(problem).toMatch(/^[^\p{Cc}\p{Cf}]+$/u);
  });

  test('is announced without it too', () => {
    const warnings: string[] = [];
    const file = { usersFile, stackName: 'staff', removed: [], moved: [] };
    keptStacks(file, ['Bob'], { writable: true, warn: (warning) => warnings.push(warning) });

    expect(warnings).toEqual([expect.stringMatching(/^[^\p{Cc}\p{Cf}]+$/u)]);
  });
});

describe('a key of another account', () => {
  const keyOf = (account: string) => `arn:aws:kms:us-east-1:${account}:key/1234abcd`;
  const [own, foreign] = [keyOf('111111111111'), keyOf('222222222222')];

  test('is refused when the account is known, with what to do', () => {
    const document = {
      Users: [
        { UserName: 'Alice', EncryptionKeyArn: own },
        { UserName: 'Bob', EncryptionKeyArn: foreign },
      ],
    };

    expect(problemsIn(document, { account: '111111111111' })).toEqual([
      'mfa-users.json:9:24: Users[1].EncryptionKeyArn: got a key of the account 222222222222; allowed: keys of the stack’s ' +
        'own account, 111111111111, because the owner of a key can make the seed unreadable, and sees each use of it. Give a key of ' +
        'that account; or, if you mean the other account, add "AllowKeyOfAnotherAccount": true to the entry.',
    ]);
  });

  test('is refused where the account is not known, but another key is of another one', () => {
    const document = {
      Users: [
        { UserName: 'Alice', EncryptionKeyArn: own },
        { UserName: 'Bob', EncryptionKeyArn: foreign },
      ],
    };

    expect(problemsIn(document)).toEqual([
      expect.stringContaining(
        'Users[1].EncryptionKeyArn: got a key of the account 222222222222; allowed: keys of one account, 111111111111, as ' +
          'in the first entry, because the owner of a key',
      ),
    ]);
  });

  test('is taken when the entry allows it', () => {
    const user = { UserName: 'Bob', EncryptionKeyArn: foreign };
    const other = { UserName: 'Alice', EncryptionKeyArn: own };

    for (const account of ['111111111111', undefined]) {
      expect(problemsIn({ Users: [other, { ...user, AllowKeyOfAnotherAccount: true }] }, { account })).toEqual([]);
      expect(problemsIn({ Users: [other, { ...user, AllowKeyOfAnotherAccount: false }] }, { account })).toHaveLength(1);
    }
  });

  test('opens nothing to the function, unless the entry allows it', () => {
    const app = new App();
    const users = [
      { UserName: 'Alice', EncryptionKeyArn: foreign },
      { UserName: 'Bob', EncryptionKeyArn: foreign, AllowKeyOfAnotherAccount: true },
    ];
    const stackOf = ({ UserName }: MfaUser) => (UserName === 'Bob' ? 2 : 1);
    declareStacks(app, { users, stackOf }, { stackId: 'Users' });
    const seedKeysIn = (stackName: string) => {
      const template = Template.fromJSON(app.synth().getStackByName(stackName).template as object);
      const policies = Object.values(template.findResources('AWS::IAM::Policy')).map((policy) =>
        JSON.stringify(policy),
      );
      return policies.filter((policy) => policy.includes('kms:Decrypt')).join();
    };

    expect(seedKeysIn('Users')).toContain('{"Ref":"AWS::AccountId"},":key/1234abcd"');
    expect(seedKeysIn('Users')).not.toContain('222222222222');
    expect(seedKeysIn('Users-2')).toContain(`"Resource":"${foreign}"`);
  });
});
