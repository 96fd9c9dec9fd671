import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { App } from 'aws-cdk-lib';
import recommendedFlags from 'aws-cdk-lib/recommended-feature-flags.json';
import { execaSync } from 'execa';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import cdkJson from '../../cdk.json';
import { synthesizeUsers } from '../../bin/mfa-users/users-app';

const ROOT = join(__dirname, '../..');
const DIRECTORY = mkdtempSync(join(tmpdir(), 'virtual-mfa-app-'));
const OUTPUT_DIRECTORY = join(DIRECTORY, 'cdk.out');
afterAll(() => rmSync(DIRECTORY, { recursive: true, force: true }));
beforeEach(() => readdirSync(DIRECTORY).forEach((name) => rmSync(join(DIRECTORY, name), { recursive: true })));

/** A checkout on a machine that is no CI service's. */
const ELSEWHERE = { cwd: DIRECTORY, ci: '' };

interface AppTemplate {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties?: Record<string, unknown> }>
  >;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>;
}

/** The command of cdk.json, as it has to read in another directory. */
const COMMAND_ELSEWHERE = cdkJson.app
  .replace(' tsx ', ` ${pathToFileURL(createRequire(__filename).resolve('tsx')).href} `)
  .replace('bin/app.ts', join(ROOT, 'bin/app.ts'));

/** What CI services set on a machine, and what this one has of it. */
const CI_VARIABLES: Record<string, string | undefined> = Object.fromEntries(
  [
    'BUILD_ID',
    'BUILD_NUMBER',
    'CODEBUILD_BUILD_ARN',
    'CONTINUOUS_INTEGRATION',
    'GITHUB_ACTIONS',
    'GITLAB_CI',
    'JENKINS_URL',
    'TF_BUILD',
  ].map((name) => [name, undefined]),
);

/** Runs the app in this process, with the context of cdk.json and what `-c` gives. */
function run(context: Record<string, string>, { cwd = ROOT, ci = 'true', account = '' }: RunOptions = {}): Run {
  const before = process.cwd();
  let stderr = '';
  const recording = { writable: ci === '', warn: (message: string) => (stderr += `${message}\n`) };
  process.chdir(cwd);
  try {
    const app = new App({ autoSynth: false, outdir: OUTPUT_DIRECTORY, context: { ...cdkJson.context, ...context } });
    const isSynthesized = synthesizeUsers(app, { account: account || undefined, recording });
    return { exitCode: isSynthesized ? 0 : 1, stderr };
  } finally {
    process.chdir(before);
  }
}

/** Runs the app as the CDK CLI does: the command of cdk.json, in a process of its own. */
function runCommand(
  context: Record<string, string>,
  { cwd = ROOT, ci = 'true', account = '', service = {} }: CommandOptions = {},
): Run {
  const { exitCode, stderr } = execaSync(cwd === ROOT ? cdkJson.app : COMMAND_ELSEWHERE, {
    cwd,
    shell: true,
    reject: false,
    stripFinalNewline: false,
    env: {
      ...CI_VARIABLES,
      CI: ci || undefined,
      ...service,
      CDK_DEFAULT_ACCOUNT: account || undefined,
      CDK_OUTDIR: OUTPUT_DIRECTORY,
      CDK_CONTEXT_JSON: JSON.stringify({ ...cdkJson.context, ...context }),
    },
  });
  return { exitCode, stderr };
}

interface Run {
  readonly exitCode: number | undefined;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd?: string;
  readonly ci?: string;
  readonly account?: string;
}

interface CommandOptions extends RunOptions {
  /** The variables of a CI service. */
  readonly service?: Readonly<Record<string, string>>;
}

function synth(context: Record<string, string> = {}, options?: RunOptions, runApp = run): AppTemplate {
  const { usersFile = 'mfa-users.json', stackName = 'VirtualMfaUsers' } = context;
  const recordFile = 'users' in context ? `${stackName}.lock.json` : usersFile.replace('.json', '.lock.json');
  const isNew = !existsSync(join(options?.cwd ?? ROOT, recordFile));
  const stderr = isNew
    ? (expect.stringMatching(/^[\w-]+\.lock\.json: recorded \d+ users? for the first time\. [^\n]+\n$/) as string)
    : '';
  expect(runApp(context, options)).toEqual({ exitCode: 0, stderr });
  return templateOf('users' in context ? 'VirtualMfaUsers' : 'VirtualMfaStack');
}

function declareUsers(...userNames: string[]): void {
  const Users = userNames.map((UserName) => ({ UserName }));
  writeFileSync(join(DIRECTORY, 'mfa-users.json'), JSON.stringify({ Users }));
}

function assembledStacks(): string[] {
  return readdirSync(OUTPUT_DIRECTORY).flatMap((file) => /^(.+)\.template\.json$/.exec(file)?.[1] ?? []);
}

function templateOf(stack: string): AppTemplate {
  return JSON.parse(readFileSync(join(OUTPUT_DIRECTORY, `${stack}.template.json`), 'utf8')) as AppTemplate;
}

function propertiesOf(template: AppTemplate, type: string): (Record<string, unknown> | undefined)[] {
  return Object.values(template.Resources)
    .filter(({ Type }) => Type === type)
    .map(({ Properties }) => Properties);
}

describe('the app behind cdk.json', () => {
  test('declares Bob and his device, from mfa-users.json, and says how to list it, and gives out no seed', () => {
    const template = synth({}, {}, runCommand);

    expect(propertiesOf(template, 'AWS::IAM::User')).toEqual([{ UserName: 'Bob' }]);
    expect(propertiesOf(template, 'Custom::IAMVirtualMFADevice')).toHaveLength(1);
    expect(template.Outputs).toEqual({
      ListDevices: {
        Description: expect.any(String) as string,
        Value: 'npx --no virtual-mfa list --stack VirtualMfaStack',
      },
    });
    expect(JSON.stringify(template)).not.toContain('resolve:secretsmanager');
  });

  test('gives devices to the existing users of the context, and rotates their devices by it', () => {
    const template = synth(
      { users: 'Bob, Alice', rotationId: '2', stackName: 'VirtualMfaUsers-b' },
      ELSEWHERE,
      runCommand,
    );

    expect(propertiesOf(template, 'AWS::IAM::User')).toEqual([]);
    expect(propertiesOf(template, 'Custom::IAMVirtualMFADevice')).toEqual([
      expect.objectContaining({ UserName: 'Bob', RotationId: '2' }),
      expect.objectContaining({ UserName: 'Alice', RotationId: '2' }),
    ]);
    const manifest = readFileSync(join(OUTPUT_DIRECTORY, 'manifest.json'), 'utf8');
    expect(manifest).toContain('"stackName": "VirtualMfaUsers-b"');
  });

  test('creates the users of the context when it is told to', () => {
    const template = synth({ users: 'Bob,Alice', createUsers: 'true' }, ELSEWHERE);

    expect(propertiesOf(template, 'AWS::IAM::User')).toEqual([{ UserName: 'Bob' }, { UserName: 'Alice' }]);
  });

  test('declares the users of the context in a stack of their own, and none that a file may have deployed', () => {
    synth({ users: 'Carol' }, ELSEWHERE);

    expect(assembledStacks()).toEqual(['VirtualMfaUsers']);
    for (const stackName of ['VirtualMfaStack', 'VirtualMfaStack-2', 'staff']) {
      expect(run({ users: 'Carol', stackName }).stderr).toMatch(
        /^Context stackName: got .* the name must begin with VirtualMfaUsers/,
      );
    }
  });

  test('refuses a list that leaves out users whom an earlier one had, until that is confirmed by name', () => {
    synth({ users: 'Alice,Dora' }, ELSEWHERE);
    rmSync(OUTPUT_DIRECTORY, { recursive: true });

    expect(run({ users: 'Carol' }, ELSEWHERE)).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^-c users: got no entry for Alice, Dora, .* confirm the removal with -c remove=Alice,Dora/,
      ) as string,
    });
    expect(existsSync(join(OUTPUT_DIRECTORY, 'manifest.json'))).toBe(false);
    synth({ users: 'Carol', remove: 'Alice,Dora' }, ELSEWHERE);
  });

  test.each<Record<string, string>>([
    { CI: '1' },
    { CODEBUILD_BUILD_ARN: 'arn:aws:codebuild:eu-west-1:123456789012:build/x' },
    { TF_BUILD: 'True' },
    { BUILD_ID: '7', JENKINS_URL: 'https://ci.example.com/' },
    { GITHUB_ACTIONS: 'true' },
  ])('writes no record in CI, whose machines are thrown away: %j', (service) => {
    declareUsers('Alice');

    expect(runCommand({}, { ...ELSEWHERE, service })).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(/^mfa-users\.lock\.json: got no line for Alice, /) as string,
    });
    expect(readdirSync(DIRECTORY).filter((name) => name.endsWith('.json'))).toEqual(['mfa-users.json']);
  });

  test.each(['true', ''])(
    'refuses a file that has lost a recorded user, until that is confirmed by name (CI=%j)',
    (ci) => {
      declareUsers('Alice', 'Bob');
      synth({}, { cwd: DIRECTORY, ci: '' });
      rmSync(OUTPUT_DIRECTORY, { recursive: true });
      declareUsers('Bob');

      const { exitCode, stderr } = run({}, { cwd: DIRECTORY, ci });

      expect(exitCode).toBe(1);
      expect(stderr).toMatch(
        /^mfa-users\.json: got no entry for Alice, .* confirm the removal with -c remove=Alice, or by deleting/,
      );
      expect(existsSync(join(OUTPUT_DIRECTORY, 'manifest.json'))).toBe(false);
      expect(propertiesOf(synth({ remove: 'Alice' }, { cwd: DIRECTORY, ci }), 'Custom::IAMVirtualMFADevice')).toEqual([
        expect.objectContaining({ UserName: 'Bob' }),
      ]);
    },
  );

  test('deploys in CI only whom the record has, so that nobody is deployed whose loss would not be noticed', () => {
    declareUsers('Alice');

    expect(run({}, { cwd: DIRECTORY })).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(/^mfa-users\.lock\.json: got no line for Alice, /) as string,
    });
    expect(existsSync(join(DIRECTORY, 'mfa-users.lock.json'))).toBe(false);
  });

  test('gives a second file a stack of its own, or refuses it', () => {
    declareUsers('Alice');
    renameSync(join(DIRECTORY, 'mfa-users.json'), join(DIRECTORY, 'staff.json'));

    const { stderr } = run({ usersFile: 'staff.json' }, { cwd: DIRECTORY, ci: '' });

    expect(stderr).toMatch(
      /^staff\.json: got no StackName; allowed: a separate name for every file except mfa-users\.json/,
    );
    synth({ usersFile: 'staff.json', stackName: 'staff' }, { cwd: DIRECTORY, ci: '' });
  });

  test.each([
    ['VirtualMfaStack', 'VirtualMfaStack'],
    ['VirtualMfaStack-2', 'VirtualMfaStack-2'],
    ['staff', 'VirtualMfaStack'],
    ['VirtualMfaStack-13', undefined],
  ])('gives no second file the stacks of mfa-users.json: %s in the file, %s in the context', (StackName, stackName) => {
    writeFileSync(join(DIRECTORY, 'other.json'), JSON.stringify({ StackName, Users: [{ UserName: 'Carol' }] }));
    const context = { usersFile: 'other.json', ...(stackName && { stackName }) };

    expect(run(context, { cwd: DIRECTORY, ci: '' })).toEqual({
      exitCode: 1,
      stderr:
        `other.json: got the stack name "${stackName ?? StackName}"; allowed: a separate name for every file ` +
        'except mfa-users.json, because two files with one stack would delete each other’s devices. Choose another StackName.\n',
    });
    expect(existsSync(join(OUTPUT_DIRECTORY, 'manifest.json'))).toBe(false);
    expect(existsSync(join(DIRECTORY, 'other.lock.json'))).toBe(false);
  });

  test('gives no file the stacks that another file has recorded, whatever the context says', () => {
    declareUsers('Alice');
    synth({}, { cwd: DIRECTORY, ci: '' });
    writeFileSync(join(DIRECTORY, 'staff.json'), JSON.stringify({ StackName: 'staff', Users: [{ UserName: 'Bob' }] }));
    synth({ usersFile: 'staff.json' }, { cwd: DIRECTORY, ci: '' });
    writeFileSync(
      join(DIRECTORY, 'other.json'),
      JSON.stringify({ StackName: 'staff', Users: [{ UserName: 'Carol' }] }),
    );

    expect(run({ usersFile: 'other.json' }, { cwd: DIRECTORY, ci: '' })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^other\.json: got the stack name "staff", but staff\.lock\.json records "staff"; /,
      ) as string,
    });
    expect(run({ stackName: 'staff' }, { cwd: DIRECTORY, ci: '' })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^mfa-users\.json: got the stack name "staff", where mfa-users\.lock\.json records "VirtualMfaStack"; /,
      ) as string,
    });
  });

  test('keeps the logical ids of a user: another spelling of the name is refused', () => {
    declareUsers('Alice');
    const before = synth({}, { cwd: DIRECTORY, ci: '' });
    rmSync(OUTPUT_DIRECTORY, { recursive: true });
    declareUsers('alice');

    expect(run({}, { cwd: DIRECTORY, ci: '' })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^mfa-users\.json: got alice, but mfa-users\.lock\.json records Alice; .* Write Alice; /,
      ) as string,
    });
    expect(existsSync(join(OUTPUT_DIRECTORY, 'manifest.json'))).toBe(false);
    declareUsers('Alice');
    expect(synth({}, { cwd: DIRECTORY, ci: '' }).Resources).toEqual(before.Resources);
  });

  test('knows the account where the CDK CLI does, and refuses a key of another one', () => {
    const EncryptionKeyArn = 'arn:aws:kms:us-east-1:222222222222:key/1234abcd';
    writeFileSync(
      join(DIRECTORY, 'mfa-users.json'),
      JSON.stringify({ Users: [{ UserName: 'Bob', EncryptionKeyArn }] }),
    );

    const { stderr } = runCommand({}, { cwd: DIRECTORY, ci: '', account: '111111111111' });

    expect(stderr).toContain(
      'got a key of the account 222222222222; allowed: keys of the stack’s own account, 111111111111',
    );
    synth({}, { cwd: DIRECTORY, ci: '', account: '222222222222' });
  });

  test('refuses a context that it cannot take, in one line', () => {
    const { exitCode, stderr } = run({ users: 'Bob,bob' });

    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      'Context users: got "bob" twice; allowed: each user once, because IAM ignores the case of names. Remove one.\n',
    );
  });

  test('refuses a file with every problem in a line, synthesizes nothing, and records nothing', () => {
    writeFileSync(
      join(DIRECTORY, 'mfa-users.json'),
      '{\n  "Users": [\n    { "UserName": "Bob", "issuer": "x" },\n    { "UserName": "Bob Smith" }\n  ]\n}\n',
    );

    const { exitCode, stderr } = runCommand({}, { cwd: DIRECTORY, ci: '' });

    expect(exitCode).toBe(1);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(
        /^mfa-users\.json:3:26: Users\[0\]: got the unknown key "issuer"; .* Did you mean Issuer\?/,
      ),
      'mfa-users.json:4:19: Users[1].UserName: got a text of 9 characters; allowed: 1 to 128 characters, letters, digits and any ' +
        'of _+=,.@-. Correct it and run the command again.',
      '',
    ]);
    expect(existsSync(join(OUTPUT_DIRECTORY, 'manifest.json'))).toBe(false);
    expect(existsSync(join(DIRECTORY, 'mfa-users.lock.json'))).toBe(false);
  });

  test('runs under the feature flags that the CDK recommends', () => {
    expect(cdkJson.context).toEqual(recommendedFlags);
  });
});

describe('more users than a stack holds', () => {
  const STACKS = ['VirtualMfaStack', 'VirtualMfaStack-2'];
  const TYPES = ['AWS::IAM::User', 'AWS::SecretsManager::Secret', 'Custom::IAMVirtualMFADevice'];
  const users = Array.from({ length: 200 }, (_, index) => ({ UserName: `User${index}`, CreateUser: true }));

  function synthesizedFrom(declared: object[]): AppTemplate[] {
    writeFileSync(join(DIRECTORY, 'mfa-users.json'), JSON.stringify({ StackName: 'staff', Users: declared }));
    synth({}, { cwd: DIRECTORY, ci: '' });
    return STACKS.map(templateOf);
  }

  /** What is the users' own; the role's policies name all users of a stack. */
  function usersOwn({ Resources }: AppTemplate) {
    const ofUsers = Object.entries(Resources).filter(([, { Type }]) => TYPES.includes(Type));
    return Object.fromEntries(ofUsers.map(([id, { Properties }]) => [id, Properties]));
  }

  test('are spread over several, within the limits of CloudFormation, and another user moves none of them', () => {
    const before = synthesizedFrom(users);

    expect(before.map((template) => propertiesOf(template, 'AWS::IAM::User').length)).toEqual([110, 90]);
    for (const template of before) {
      expect(Object.keys(template.Resources).length).toBeLessThanOrEqual(500);
    }
    const manifest = readFileSync(join(OUTPUT_DIRECTORY, 'manifest.json'), 'utf8');
    expect(manifest).toContain('"stackName": "staff-2"');

    const after = synthesizedFrom([
      ...users.slice(0, 50),
      { UserName: 'Newcomer', CreateUser: true },
      ...users.slice(50),
    ]);

    expect(after[0]).toEqual(before[0]);
    const [, ownBefore] = before.map(usersOwn);
    expect(after.map(usersOwn)[1]).toMatchObject(ownBefore ?? {});
    expect(after.map((template) => propertiesOf(template, 'AWS::IAM::User').length)).toEqual([110, 91]);
    expect(readdirSync(DIRECTORY).sort()).toEqual(['cdk.out', 'mfa-users.json', 'mfa-users.lock.json']);
  });
});
