import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
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
    if (mode !== 'probes') await testIn(project, async (folder) => runTest(mode, tarball, folder));
  } finally {
    // After a test that failed too: they may tell why.
    if (mode === 'deploy' || mode === 'probes') process.exitCode = await probe();
  }
}

async function testIn(given: string | undefined, test: (project: string) => Promise<void>): Promise<void> {
  const project = given ?? mkdtempSync(join(tmpdir(), 'virtual-mfa-integ-'));
  try {
    await test(project);
  } finally {
    if (given === undefined) rmSync(project, { recursive: true, force: true });
  }
}

/** Runs integ-runner in a project of its own, away from the repository: what it uses has to be in the package. */
async function runTest(mode: string, tarball: string | undefined, project: string): Promise<void> {
  cpSync(join(REPOSITORY, TESTS), project, { recursive: true });
  // A changed snapshot would count as a failed test; what changed, git shows.
  if (mode === 'snapshot') rmSync(join(project, SNAPSHOT), { recursive: true, force: true });
  await npm(['ci', '--silent', '--prefer-offline'], project);
  await npm(['install', '--silent', '--no-save', tarball ?? (await packInto(project))], project);
  const app = ['--language', 'typescript', '--app', 'node --import tsx {filePath}'];
  const tests = ['--directory', '.', '--test-regex', String.raw`^integ\..*\.ts$`];
  const options = [...tests, ...app, ...(RUNNER_OPTIONS[mode] ?? [])];
  await execa('integ-runner', options, { cwd: project, preferLocal: true, stdio: 'inherit' });
  if (mode === 'snapshot') {
    const target = join(REPOSITORY, TESTS, SNAPSHOT);
    rmSync(target, { recursive: true, force: true });
    cpSync(join(project, SNAPSHOT), target, { recursive: true, filter: (path) => !isAsset(path) });
  }
}

/** npm needs no AWS account, and runs no code of the packages that it installs. */
async function npm(args: readonly string[], cwd: string): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_')));
  const streams = { stdin: 'inherit', stderr: 'inherit' } as const;
  const { stdout } = await execa('npm', [...args, '--ignore-scripts'], { cwd, env, extendEnv: false, ...streams });
  return stdout;
}

async function packInto(directory: string): Promise<string> {
  return join(directory, await npm(['pack', '--silent', '--pack-destination', directory], REPOSITORY));
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
