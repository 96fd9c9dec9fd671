import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';

const EXAMPLES = join(__dirname, '../examples');
const WORKFLOW = 'github-actions.yml';

/** How many devices each example gives to how many users, in all its stacks. */
const EXPECTED: Readonly<Record<string, { readonly users: number; readonly devices: number }>> = {
  'all-users.ts': { users: 4, devices: 3 },
  'break-glass.ts': { users: 1, devices: 1 },
  'one-user.ts': { users: 1, devices: 1 },
  'pipeline.ts': { users: 4, devices: 4 },
};

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
    expect(readdirSync(EXAMPLES).sort()).toEqual([...Object.keys(EXPECTED), WORKFLOW].sort());
  });

  test.each(Object.entries(EXPECTED))('%s synthesizes, and is short', async (file, { users, devices }) => {
    await import(join(EXAMPLES, file));

    const templates = readdirSync(assembly, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.template.json'))
      .map((path) => readFileSync(join(assembly, path), 'utf8'))
      .join('\n');
    expect(templates.match(/"Type": "AWS::IAM::User"/g)).toHaveLength(users);
    expect(templates.match(/"Type": "Custom::IAMVirtualMFADevice"/g)).toHaveLength(devices);
    expect(readFileSync(join(EXAMPLES, file), 'utf8').split('\n').length).toBeLessThanOrEqual(40);
  });
});

describe('the workflow for GitHub Actions', () => {
  const text = readFileSync(join(EXAMPLES, WORKFLOW), 'utf8');
  const { on, permissions, jobs } = parse(text) as Workflow;

  test('deploys what is pushed to main, and nothing else', () => {
    expect(on).toEqual({ push: { branches: ['main'] }, pull_request: null });
    expect(Object.keys(jobs)).toEqual(['diff', 'deploy']);
    expect(jobs.deploy.if).toBe("github.event_name == 'push'");
    expect(commandsOf(jobs.diff)).toEqual(['npm ci', 'npx cdk diff --method template']);
  });

  // test/e2e/pipeline.test.ts runs what is beyond npm's own.
  test('runs the commands that are known to work', () => {
    expect(commandsOf(jobs.deploy)).toEqual(['npm ci', 'npx cdk deploy --all --require-approval never --ci']);
  });

  test('may ask for a token and read the repository, no more', () => {
    expect(permissions).toEqual({ 'id-token': 'write', contents: 'read' });
    for (const job of Object.values(jobs)) expect(job).not.toHaveProperty('permissions');
  });

  test('has no secret and no key: its jobs take roles, each its own', () => {
    expect(text).not.toMatch(
      /secrets\.|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|aws-access-key-id|aws-secret-access-key/i,
    );
    expect(Object.values(jobs).map(rolesOf)).toEqual([
      ['${{ vars.AWS_DIFF_ROLE_ARN }}'],
      ['${{ vars.AWS_DEPLOY_ROLE_ARN }}'],
    ]);
  });

  test('lets no two deployments overlap, and breaks none off', () => {
    expect(jobs.deploy.concurrency).toEqual({ group: 'deploy', 'cancel-in-progress': false });
  });

  test('is short', () => {
    expect(text.split('\n').length).toBeLessThanOrEqual(60);
  });
});

interface Job {
  readonly if: string;
  readonly concurrency?: unknown;
  readonly steps: readonly { readonly run?: string; readonly with?: Readonly<Record<string, unknown>> }[];
}

interface Workflow {
  readonly on: unknown;
  readonly permissions: unknown;
  readonly jobs: { readonly diff: Job; readonly deploy: Job };
}

function commandsOf({ steps }: Job): string[] {
  return steps.flatMap(({ run }) => (run === undefined ? [] : [run]));
}

function rolesOf({ steps }: Job): unknown[] {
  return steps.flatMap((step) => step.with?.['role-to-assume'] ?? []);
}
