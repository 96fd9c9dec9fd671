import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { devDependencies } from '../package.json';
import { OLDEST_PEERS } from '../scripts/package-all/oldest-peers';

const EXAMPLES = join(__dirname, '../examples');
const WORKFLOW = 'github-actions.yml';
const ROBOT_WORKFLOW = 'robot.yml';

/** How many devices each example gives to how many users, in all its stacks. */
const EXPECTED: Readonly<Record<string, { readonly users: number; readonly devices: number }>> = {
  'all-users.ts': { users: 4, devices: 3 },
  'break-glass.ts': { users: 1, devices: 1 },
  'existing-device.ts': { users: 0, devices: 2 },
  'one-user.ts': { users: 1, devices: 1 },
  'pipeline.ts': { users: 4, devices: 4 },
  'robot.ts': { users: 1, devices: 1 },
  'team.ts': { users: 4, devices: 4 },
};

/** The same app as team.ts, and where it says with which aws-cdk-lib; `npm run test:languages` runs them. */
const IN_OTHER_LANGUAGES = [
  { language: 'Python', code: 'python/app.py', requirements: 'python/requirements.txt', cdk: /aws-cdk-lib==([\d.]+)/ },
  {
    language: 'Java',
    code: 'java/src/main/java/com/example/TeamApp.java',
    requirements: 'java/pom.xml',
    cdk: /<cdk\.version>([\d.]+)</,
  },
  { language: 'Go', code: 'go/team.go', requirements: 'go/go.mod', cdk: /awscdk\/v2 v([\d.]+)/ },
];

describe('the examples', () => {
  let assembly = '';
  beforeEach(() => {
    assembly = mkdtempSync(join(tmpdir(), 'virtual-mfa-example-'));
    vi.stubEnv('CDK_OUTDIR', assembly);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(assembly, { recursive: true, force: true });
  });

  test('are these', () => {
    expect(readdirSync(EXAMPLES).sort()).toEqual(
      [...Object.keys(EXPECTED), WORKFLOW, ROBOT_WORKFLOW, 'go', 'java', 'python'].sort(),
    );
  });

  test.each(Object.entries(EXPECTED))('%s synthesizes, and is short', async (file, { users, devices }) => {
    // With a query, for another file of this worker may have imported it.
    await import(`${join(EXAMPLES, file)}?synthesized`);

    const templates = readdirSync(assembly, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.template.json'))
      .map((path) => readFileSync(join(assembly, path), 'utf8'))
      .join('\n');
    expect(templates.match(/"Type": "AWS::IAM::User"/g) ?? []).toHaveLength(users);
    expect(templates.match(/"Type": "Custom::IAMVirtualMFADevice"/g)).toHaveLength(devices);
    expect(readFileSync(join(EXAMPLES, file), 'utf8').split('\n').length).toBeLessThanOrEqual(40);
  });
});

test('the page on languages has the oldest and the newest aws-cdk-lib that the npm package is tried with', () => {
  expect(readFileSync(join(EXAMPLES, '../docs/languages.md'), 'utf8')).toMatch(
    new RegExp(`^\\| TypeScript, .*\\| ${OLDEST_PEERS['aws-cdk-lib']}, ${devDependencies['aws-cdk-lib']} \\|$`, 'm'),
  );
});

describe.each(IN_OTHER_LANGUAGES)('of the example in $language', ({ language, code, requirements, cdk }) => {
  const page = readFileSync(join(EXAMPLES, '../docs/languages.md'), 'utf8');

  test('the page on languages has the lines as they are', () => {
    const [, lines = ''] = new RegExp(`^\`\`\`${language.toLowerCase()}\n(.*?)^\`\`\``, 'ms').exec(page) ?? [];

    expect(lines).toContain('\n');
    expect(unindented(readFileSync(join(EXAMPLES, code), 'utf8'))).toContain(unindented(lines));
  });

  test('the page on languages has the oldest and the newest aws-cdk-lib that it is tried with', () => {
    const [, newest = ''] = cdk.exec(readFileSync(join(EXAMPLES, requirements), 'utf8')) ?? [];

    expect(newest).not.toBe('');
    expect(page).toMatch(new RegExp(`^\\| ${language} .*\\| ${OLDEST_PEERS['aws-cdk-lib']}, ${newest} \\|$`, 'm'));
  });
});

describe('the workflow for GitHub Actions', () => {
  const text = readFileSync(join(EXAMPLES, WORKFLOW), 'utf8');
  const { on, permissions, jobs } = parse(text) as Workflow;
  const steps = Object.values(jobs).flatMap((job) => job.steps);

  test('deploys what is pushed to main, and nothing else', () => {
    expect(on).toEqual({ push: { branches: ['main'] }, pull_request: null });
    expect(Object.keys(jobs)).toEqual(['synth', 'diff', 'deploy']);
    expect(jobs.deploy.if).toBe("github.event_name == 'push'");
    expect(jobs.deploy.environment).toBe('production');
  });

  // test/e2e/pipeline.test.ts runs what is beyond npm's own.
  test('runs the commands that are known to work, and no scripts of packages', () => {
    const install = 'npm ci --ignore-scripts';

    expect(commandsOf(jobs.synth)).toEqual([install, 'npx --no cdk synth --quiet']);
    expect(commandsOf(jobs.diff)).toEqual([install, 'npx --no cdk diff --app cdk.out --method template']);
    expect(commandsOf(jobs.deploy)).toEqual([
      install,
      'npx --no cdk deploy --app cdk.out --all --require-approval never --ci',
    ]);
  });

  test('synthesizes without a token; the jobs that have one run no code of a pull request', () => {
    const withToken = { contents: 'read', 'id-token': 'write' };

    expect(permissions).toEqual({});
    expect([jobs.synth, jobs.diff, jobs.deploy].map((job) => job.permissions)).toEqual([
      { contents: 'read' },
      withToken,
      withToken,
    ]);
    expect([jobs.diff, jobs.deploy].map(({ needs }) => needs)).toEqual(['synth', 'synth']);
    expect(inputsOf(jobs.diff, 'actions/checkout')).toEqual([
      { ref: '${{ github.event.pull_request.base.sha }}', 'persist-credentials': false },
    ]);
    expect(inputsOf(jobs.synth, 'actions/upload-artifact')).toEqual([
      expect.objectContaining({ name: 'cdk.out', path: 'cdk.out' }),
    ]);
    for (const job of [jobs.diff, jobs.deploy]) {
      expect(inputsOf(job, 'actions/download-artifact')).toEqual([{ name: 'cdk.out', path: 'cdk.out' }]);
    }
  });

  test('gives no token to pull requests from forks or of dependabot', () => {
    expect(jobs.diff.if?.split(' && ')).toEqual([
      "github.event_name == 'pull_request'",
      'github.event.pull_request.head.repo.full_name == github.repository',
      "github.event.pull_request.user.login != 'dependabot[bot]'",
    ]);
  });

  test('takes actions by their commit, with the version beside it, each in one version', () => {
    const used = [...text.matchAll(/^ +- uses: (.+)$/gm)].map(([, action = '']) => action);

    expect(used).toHaveLength(steps.filter(({ uses }) => uses !== undefined).length);
    for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    expect(new Set(used).size).toBe(5);
  });

  test('leaves no token of GitHub in the checkout', () => {
    for (const job of Object.values(jobs)) {
      expect(inputsOf(job, 'actions/checkout')).toEqual([expect.objectContaining({ 'persist-credentials': false })]);
    }
  });

  test('has no secret and no key: its jobs take roles, each its own, and synthesis takes none', () => {
    expect(text).not.toMatch(
      /secrets\.|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|aws-access-key-id|aws-secret-access-key/i,
    );
    const rolesOf = (job: Job) =>
      inputsOf(job, 'aws-actions/configure-aws-credentials').map((step) => step?.['role-to-assume']);
    expect([jobs.synth, jobs.diff, jobs.deploy].map(rolesOf)).toEqual([
      [],
      ['${{ vars.AWS_DIFF_ROLE_ARN }}'],
      ['${{ vars.AWS_DEPLOY_ROLE_ARN }}'],
    ]);
  });

  test('lets no two deployments overlap, and breaks none off', () => {
    expect(jobs.deploy.concurrency).toEqual({ group: 'deploy', 'cancel-in-progress': false });
  });

  test('is short', () => {
    expect(text.split('\n').length).toBeLessThanOrEqual(100);
  });
});

// test/e2e/robot.test.ts runs its commands.
describe('the workflow of a robot', () => {
  const text = readFileSync(join(EXAMPLES, ROBOT_WORKFLOW), 'utf8');
  const { on, permissions, jobs } = parse(text) as Pick<Workflow, 'on' | 'permissions'> & {
    readonly jobs: { robot: Job };
  };

  test('takes a role by GitHub’s token, in an environment, one job at a time', () => {
    expect(on).toEqual({ workflow_dispatch: null });
    expect(permissions).toEqual({});
    expect(jobs.robot.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
    expect(jobs.robot.environment).toBe('production');
    expect(jobs.robot.concurrency).toEqual({ group: 'robot', 'cancel-in-progress': false });
    expect(inputsOf(jobs.robot, 'aws-actions/configure-aws-credentials')).toEqual([
      { 'role-to-assume': '${{ vars.JOB_ROLE_ARN }}', 'aws-region': '${{ vars.AWS_REGION }}' },
    ]);
    expect(inputsOf(jobs.robot, 'actions/checkout')).toEqual([{ 'persist-credentials': false }]);
    expect(commandsOf(jobs.robot)[0]).toBe('npm ci --ignore-scripts');
  });

  test('takes the same commits of actions as the other workflow, and has no secret of GitHub', () => {
    const used = [...text.matchAll(/^ +- uses: (.+)$/gm)].map(([, action = '']) => action);

    expect(used).toHaveLength(3);
    for (const action of used) expect(readFileSync(join(EXAMPLES, WORKFLOW), 'utf8')).toContain(`uses: ${action}`);
    expect(text).not.toContain('secrets.');
  });
});

interface Job {
  readonly needs?: string;
  readonly if?: string;
  readonly environment?: string;
  readonly concurrency?: unknown;
  readonly permissions: unknown;
  readonly steps: readonly {
    readonly uses?: string;
    readonly run?: string;
    readonly with?: Readonly<Record<string, unknown>>;
  }[];
}

interface Workflow {
  readonly on: unknown;
  readonly permissions: unknown;
  readonly jobs: { readonly synth: Job; readonly diff: Job; readonly deploy: Job };
}

/** What a job gives to an action, each time that it uses it. */
function inputsOf({ steps }: Job, action: string) {
  return steps.filter(({ uses }) => uses?.startsWith(`${action}@`)).map((step) => step.with);
}

function commandsOf({ steps }: Job): string[] {
  return steps.flatMap(({ run }) => (run === undefined ? [] : [run]));
}

function unindented(code: string): string {
  return code.replaceAll(/^[ \t]+/gm, '');
}
