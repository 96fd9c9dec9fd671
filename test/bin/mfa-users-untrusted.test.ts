import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Lazy, SecretValue, Token } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { readUsersFile } from '../../bin/mfa-users/files';
import { readMfaUsersDocument } from '../../bin/mfa-users/read-document';
import { readStackRecord } from '../../bin/mfa-users/stack-record';
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
    ['RotationId', { RotationId: text, Users: [{ UserName: 'Bob' }] }],
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
        `: ${where}: got text with a dynamic reference ({{resolve:…}}), for which CloudFormation would put in a value, even a ` +
          'secret; allowed: plain text. Write what is meant, and run the command again.',
      );
      expect(problems[0]).not.toContain('secretsmanager');
    },
  );

  test.each(withText(Token.asString({ Ref: 'AWS::AccountId' })))(
    'is refused in %s, as a token of the CDK',
    (where, document) => {
      expect(problemsIn(document)).toEqual([
        expect.stringContaining(
          `: ${where}: got text with a CDK token (\${Token[…]}), for which the CDK would put in a value`,
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

  test('is told by its length; a short one is repeated', () => {
    expect(problemsIn({ Users: [{ UserName: 'Bob', Path: 'x'.repeat(33) }, { UserName: 'Bob Smith' }] })).toEqual([
      expect.stringContaining('Users[0].Path: got text of 33 characters; allowed: '),
      expect.stringContaining('Users[1].UserName: got "Bob Smith"; allowed: '),
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
      'mfa-users.json:2:11: Users: got a list of 20000; allowed: a list of 1 to 5000 users, for an account has no more. ' +
        'Correct it and run the command again.',
    ]);
  });

  test('has its first hundred problems told, in the order of the text, and the others counted, in seconds', () => {
    const Users = Array.from({ length: 5_000 }, (_, index) => ({ UserName: `a b${index}`, x: 1 }));
    let problems: string[] = [];

    expect(seconds(() => (problems = problemsIn({ Users })))).toBeLessThan(5);
    expect(problems).toHaveLength(101);
    expect(problems[0]).toMatch(/^mfa-users\.json:4:16: Users\[0\]\.UserName: got "a b0"/);
    expect(problems[99]).toMatch(/^mfa-users\.json:201:4: Users\[49\]: got the unknown key "x"/);
    expect(problems[100]).toBe('mfa-users.json: and 9900 more.');
  });

  test('has its problems found in seconds where one user has 30,000 unknown keys', () => {
    const user = Object.fromEntries(Array.from({ length: 30_000 }, (_, index) => [`Users${index}`, 1]));

    expect(seconds(() => expect(problemsIn({ Users: [user] })).toHaveLength(101))).toBeLessThan(10);
  });

  test('is refused when it is larger than 4 MB, also where it has no end', () => {
    const file = join(DIRECTORY, 'mfa-users.json');
    const rule = 'got more than 4 MB; allowed: 4 MB, which holds all users of an account.';
    writeFileSync(file, ' '.repeat(4_000_001));

    expect(problemsOf(() => readUsersFile(file))).toEqual([expect.stringContaining(`${file}: ${rule}`)]);
    writeFileSync(file, ' '.repeat(4_000_000));
    expect(readUsersFile(file)).toHaveLength(4_000_000);
    if (process.platform !== 'win32') {
      expect(problemsOf(() => readUsersFile('/dev/zero'))).toEqual([expect.stringContaining(`/dev/zero: ${rule}`)]);
    }
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
        'own account, 111111111111, for who holds a key can make the seed unreadable, and sees each use of it. Give a key of ' +
        'that account; or, if the other account is meant, add "AllowKeyOfAnotherAccount": true to the entry.',
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
        'Users[1].EncryptionKeyArn: got a key of the account 222222222222; allowed: keys of one account, 111111111111 like ' +
          'the first, for who holds a key',
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
    declareStacks(app, users, ({ UserName }) => (UserName === 'Bob' ? 2 : 1), { stackId: 'Users' });
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
