import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { CreateRoleCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { CdkRun } from '../../bin/cdk-command';
import { stackRecordText } from '../../bin/mfa-users/stack-record';
import type { StoredSeed } from '../../lambda/contract/stored-seed';
import { codeAt, STEP } from '../../local-aws/test/strict-account';
import { Deployment } from './deployment';

const ROOT = join(__dirname, '../..');
const USERS = ['Alice', 'Bob'];
const APP = `node --import tsx "${join(ROOT, 'bin/app.ts')}"`;
const NO_APP = 'echo "No app may run in this job" && exit 1';

/** Whatever the machine of the test has. */
const WITHOUT_CREDENTIALS: NodeJS.ProcessEnv = {
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
};

/** What the repository of a team has, whose workflow is examples/github-actions.yml: the CDK CLI, and users in a file. */
describe('the workflow for GitHub Actions, on a machine without a terminal', () => {
  let deployment: Deployment;
  const checkouts: string[] = [];
  let seeds: readonly StoredSeed[] = [];
  let codes: ReadonlySet<string> = new Set();

  beforeAll(async () => {
    deployment = await Deployment.start();
  });
  afterAll(async () => {
    await deployment.stop();
    for (const checkout of checkouts) rmSync(checkout, { recursive: true, force: true });
  });

  test('synthesizes without credentials, and uploads the assembly', async () => {
    const checkout = checkoutWith(APP);

    const { exitCode, output } = await run('synth', checkout, WITHOUT_CREDENTIALS);

    expect(exitCode, output).toBe(0);
    // As the action does it: without hidden files.
    cpSync(join(checkout, 'cdk.out'), deployment.assembly, {
      recursive: true,
      filter: (source) => !basename(source).startsWith('.'),
    });
    expect(readdirSync(deployment.assembly)).toContain('VirtualMfaStack.template.json');
  });

  test('synthesizes nothing for a change that loses a user', async () => {
    const checkout = checkoutWith(APP, ['Bob']);

    const { exitCode, output } = await run('synth', checkout, WITHOUT_CREDENTIALS);

    expect(exitCode).toBe(1);
    expect(output).toContain('mfa-users.json: got no entry for Alice, whom mfa-users.lock.json records');
    expect(existsSync(join(checkout, 'cdk.out/manifest.json'))).toBe(false);
  });

  test('shows what a pull request would change, and changes nothing', async () => {
    const { exitCode, output } = await runAs('diff', 'cdk-hnb659fds-lookup-role-*');

    expect(exitCode, output).toBe(0);
    expect(output).toContain('Custom::IAMVirtualMFADevice');
    expect(deployment.localAws.iam.users.all()).toEqual([]);
  });

  test('gives each user one enabled device, and asks nobody', async () => {
    const began = Date.now();

    const { exitCode, output } = await runAs('deploy', 'cdk-hnb659fds-*');

    expect(exitCode, output).toBe(0);
    seeds = await deployment.storedSeeds();
    codes = codesBetween(seeds, began - 2 * STEP, Date.now() + 2 * STEP);
    expect(seeds.map(({ userName }) => userName).sort()).toEqual(USERS);
    for (const { userName, serialNumber } of seeds) expect(deployment.enabledFor(userName)).toEqual([serialNumber]);
  });

  test('leaves no seed and no code in its log, nor in templates, events, answers and function logs', () => {
    expect(seeds).toHaveLength(USERS.length);
    expect(secretsIn(deployment.everythingPublic(), seeds, codes)).toEqual([]);
  });

  // Otherwise the test before this one could pass for want of anything to search, or of a search that finds.
  test('has the text in which a seed or a code would have been found', () => {
    const text = deployment.everythingPublic();
    const [{ seed, otpauthUri } = { seed: '', otpauthUri: '' }] = seeds;
    const [code = ''] = codes;

    for (const sign of [
      'Outputs:',
      '"action":"iam:EnableMFADevice"',
      'PhysicalResourceId',
      'AWS::IAM::ManagedPolicy',
    ]) {
      expect(text.includes(sign)).toBe(true);
    }
    expect(seed).toMatch(/^[A-Z2-7]{64}$/);
    expect(secretsIn(`${text} ${seed}`, seeds, codes)).toEqual(['a seed']);
    expect(secretsIn(`${text} ${otpauthUri}`, seeds, codes)).toEqual(['a seed', 'a key URI']);
    expect(secretsIn(`${text} {"code":"${code}"}`, seeds, codes)).toEqual(['a code']);
    expect(codes.size).toBeGreaterThanOrEqual(2 * USERS.length);
  });

  test('gave devices that a list of users on the command line does not touch', async () => {
    const { exitCode, output } = await deployment.deploy('users=Carol');

    expect(exitCode, output).toBe(0);
    expect(deployment.enabledFor('Carol')).toHaveLength(1);
    for (const { userName, serialNumber } of seeds) expect(deployment.enabledFor(userName)).toEqual([serialNumber]);
    await deployment.destroy('users=Carol');
    for (const { userName, serialNumber } of seeds) expect(deployment.enabledFor(userName)).toEqual([serialNumber]);
  });

  test('made what cdk destroy removes', async () => {
    const command = 'npx --no cdk destroy --force';
    const { exitCode } = await execute(command, checkoutWith(APP), deployment.localAws.environment);

    expect(exitCode).toBe(0);
    expect(deployment.localAws.iam.users.all()).toEqual([]);
    expect(deployment.localAws.iam.virtualMfaDevices.size).toBe(0);
    expect(await deployment.storedSeeds()).toEqual([]);
  });

  /** Runs the command of a job that deploys nothing but the uploaded assembly, with the role of that job. */
  async function runAs(job: string, rolesToAssume: string): Promise<CdkRun> {
    const checkout = checkoutWith(NO_APP);
    cpSync(deployment.assembly, join(checkout, 'cdk.out'), { recursive: true });
    const credentials = await credentialsOf(deployment, job, rolesToAssume);
    return run(job, checkout, { ...deployment.localAws.environment, ...credentials });
  }

  /** Runs the command of a job, to the letter. */
  function run(job: string, checkout: string, environment: NodeJS.ProcessEnv): Promise<CdkRun> {
    return execute(commandOf(job), checkout, environment);
  }

  /** Runs a command as a runner does: with nobody to answer a question. */
  async function execute(command: string, checkout: string, environment: NodeJS.ProcessEnv): Promise<CdkRun> {
    const [program = '', ...args] = command.split(' ');
    const { exitCode = 1, all: output } = await execa(program, args, {
      cwd: checkout,
      // A session of its own has no terminal, not even for a program that opens one by name.
      detached: true,
      stdin: 'ignore',
      all: true,
      reject: false,
      env: {
        ...environment,
        CI: 'true',
        GITHUB_ACTIONS: 'true',
        CDK_DISABLE_CLI_TELEMETRY: 'true',
        CDK_VALIDATION: 'false',
        // The app is TypeScript that lies elsewhere.
        TSX_TSCONFIG_PATH: join(ROOT, 'tsconfig.json'),
      },
    });
    deployment.remember(output);
    return { exitCode, output };
  }

  /** A checkout after `npm ci`. In the repository itself the CLI would bundle the handler anew, under the feet of other tests. */
  function checkoutWith(app: string, userNames = USERS): string {
    const checkout = mkdtempSync(join(tmpdir(), 'virtual-mfa-pipeline-'));
    checkouts.push(checkout);
    const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')) as { context: object };
    writeFileSync(
      join(checkout, 'cdk.json'),
      JSON.stringify({ app, versionReporting: false, notices: false, context }),
    );
    const Users = userNames.map((UserName) => ({ UserName, CreateUser: true }));
    writeFileSync(join(checkout, 'mfa-users.json'), JSON.stringify({ Users }));
    writeFileSync(
      join(checkout, 'mfa-users.lock.json'),
      stackRecordText('VirtualMfaStack', new Map(USERS.map((name) => [name, 1]))),
    );
    symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'), 'junction');
    return checkout;
  }
});

/** A session of a job's role, which may do nothing but take roles that `cdk bootstrap` has made. */
async function credentialsOf({ iam, localAws }: Deployment, RoleName: string, rolesToAssume: string) {
  const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  const Federated = localAws.account.arn('iam', 'oidc-provider/token.actions.githubusercontent.com');
  const trust = { Effect: 'Allow', Principal: { Federated }, Action: 'sts:AssumeRoleWithWebIdentity' };
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: document(trust) }));
  const Resource = localAws.account.arn('iam', `role/${rolesToAssume}`);
  const PolicyDocument = document({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource });
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'cdk', PolicyDocument }));
  // local-aws has no GitHub that signs tokens: the session is issued as if one had been shown.
  const principal = localAws.iam.rolePrincipal(localAws.iam.roles.get(RoleName), 'GitHubActions');
  const { accessKeyId, secretAccessKey, sessionToken } = localAws.account.credentials.issueSession(principal, 3_600);
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  };
}

/** The command of a job of the workflow that comes after npm's own. */
function commandOf(job: string): string {
  const { jobs } = parse(readFileSync(join(ROOT, 'examples/github-actions.yml'), 'utf8')) as {
    jobs: Record<string, { steps: { run?: string }[] }>;
  };
  return jobs[job]?.steps.findLast(({ run }) => run !== undefined)?.run ?? '';
}

function codesBetween(seeds: readonly StoredSeed[], first: number, last: number): ReadonlySet<string> {
  const moments = Array.from({ length: Math.ceil((last - first) / STEP) + 1 }, (_, index) => first + index * STEP);
  return new Set(seeds.flatMap(({ seed }) => moments.map((moment) => codeAt(seed, moment))));
}

/** Names what a text gives away, and gives none of it away itself. */
function secretsIn(text: string, seeds: readonly StoredSeed[], codes: ReadonlySet<string>): string[] {
  // A deployment's text has hardly a word of six digits, so that none is one of the codes by chance.
  const found = {
    'a seed': seeds.some(({ seed }) => text.includes(seed)),
    'a key URI': text.includes('otpauth:'),
    'a code': [...text.matchAll(/\b\d{6}\b/g)].some(([word]) => codes.has(word)),
  };
  return Object.entries(found).flatMap(([name, isThere]) => (isThere ? [name] : []));
}
