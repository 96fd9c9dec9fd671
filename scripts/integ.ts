import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { runProbes } from './integ/probe';
import { ProbedAccount } from './integ/probed-account';
import { PROBES } from './integ/probes';
import { systemClock } from '../lambda/contract/clock';

const REPOSITORY = join(__dirname, '..');
const TESTS = 'test/integ';
const SNAPSHOT = 'integ.virtual-mfa-device.ts.snapshot';
const REGION = process.env.AWS_REGION ?? 'us-east-1';

/** What can be done with the integration test, and how integ-runner is told so. */
const RUNNER_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  /** Deploys into the account that the environment has credentials for, and destroys everything again. */
  deploy: ['--force', '--parallel-regions', REGION],
  /** Compares what would be deployed with the committed snapshot; needs no account. */
  verify: [],
  /** Writes the snapshot of what would be deployed; needs no account. */
  snapshot: ['--update-on-failed', '--dry-run'],
};
const MODES = [...Object.keys(RUNNER_OPTIONS), 'probes'];

/**
 * Runs the integration test, and on a real account then the probes of what the product assumes about AWS.
 *
 * @param mode one of MODES
 * @param tarball the packed package; packed anew by default, from what was built last
 * @param project the folder that it is installed in, and that stays; by default a temporary one
 */
async function main([mode = '', tarball, project]: readonly string[]): Promise<void> {
  if (!MODES.includes(mode)) {
    throw new Error(`Got the mode "${mode}"; allowed: ${MODES.join(', ')}. Use npm run integ.`);
  }
  try {
    if (mode !== 'probes') testIn(project, (folder) => runTest(mode, tarball, folder));
  } finally {
    // After a test that failed too: they may tell why.
    if (mode === 'deploy' || mode === 'probes') process.exitCode = await probe();
  }
}

function testIn(given: string | undefined, test: (project: string) => void): void {
  const project = given ?? mkdtempSync(join(tmpdir(), 'virtual-mfa-integ-'));
  try {
    test(project);
  } finally {
    if (given === undefined) rmSync(project, { recursive: true, force: true });
  }
}

/** Runs integ-runner in a project of its own, away from the repository: what it uses has to be in the package. */
function runTest(mode: string, tarball: string | undefined, project: string): void {
  cpSync(join(REPOSITORY, TESTS), project, { recursive: true });
  // A changed snapshot would count as a failed test; what changed, git shows.
  if (mode === 'snapshot') rmSync(join(project, SNAPSHOT), { recursive: true, force: true });
  npm(['ci', '--silent', '--prefer-offline'], project);
  npm(['install', '--silent', '--no-save', tarball ?? packInto(project)], project);
  const app = ['--language', 'typescript', '--app', 'node --import tsx {filePath}'];
  const tests = ['--directory', '.', '--test-regex', String.raw`^integ\..*\.ts$`];
  const runner = ['integ-runner', ...tests, ...app, ...(RUNNER_OPTIONS[mode] ?? [])];
  execFileSync('npx', runner, { cwd: project, stdio: 'inherit' });
  if (mode === 'snapshot') {
    const target = join(REPOSITORY, TESTS, SNAPSHOT);
    rmSync(target, { recursive: true, force: true });
    cpSync(join(project, SNAPSHOT), target, { recursive: true, filter: (path) => !isAsset(path) });
  }
}

/** npm needs no AWS account, and runs no code of the packages that it installs. */
function npm(args: readonly string[], cwd: string): string {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_')));
  const stdio = ['inherit', 'pipe', 'inherit'] as const;
  return execFileSync('npm', [...args, '--ignore-scripts'], { cwd, env, encoding: 'utf8', stdio: [...stdio] });
}

function packInto(directory: string): string {
  return join(directory, npm(['pack', '--silent', '--pack-destination', directory], REPOSITORY).trim());
}

/** The functions' code is built from what the repository has, and integ-runner does not compare it. */
function isAsset(path: string): boolean {
  return basename(path).startsWith('asset.');
}

/** @returns the exit code */
async function probe(): Promise<number> {
  const accountFor = async () => ProbedAccount.connect({ region: REGION }, systemClock);
  return runProbes(PROBES, accountFor, (line) => void process.stdout.write(`${line}\n`));
}

void main(process.argv.slice(2));
