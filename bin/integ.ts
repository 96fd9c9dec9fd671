import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const REPOSITORY = join(__dirname, '..');
const TESTS = 'test/integ';
const SNAPSHOT = 'integ.virtual-mfa-device.ts.snapshot';

/** What can be done with the integration test, and how integ-runner is told so. */
const MODES: Readonly<Record<string, readonly string[]>> = {
  /** Deploys into the account that the environment has credentials for, and destroys everything again. */
  deploy: ['--force', '--parallel-regions', process.env.AWS_REGION ?? 'us-east-1'],
  /** Compares what would be deployed with the committed snapshot; needs no account. */
  verify: [],
  /** Writes the snapshot of what would be deployed; needs no account. */
  snapshot: ['--update-on-failed', '--dry-run'],
};

/**
 * Runs the integration test in a project of its own, away from the repository: what it uses has to be in the package.
 *
 * @param mode one of MODES
 * @param tarball the packed package; packed anew by default, from what was built last
 */
function main([mode = '', tarball]: readonly string[]): void {
  const options = MODES[mode];
  if (options === undefined) {
    throw new Error(`Got the mode "${mode}"; allowed: ${Object.keys(MODES).join(', ')}. Use npm run integ.`);
  }
  const project = mkdtempSync(join(tmpdir(), 'virtual-mfa-integ-'));
  const run = (command: string, ...args: readonly string[]) =>
    execFileSync(command, args, { cwd: project, stdio: 'inherit' });
  try {
    cpSync(join(REPOSITORY, TESTS), project, { recursive: true });
    // A changed snapshot would count as a failed test; what changed, git shows.
    if (mode === 'snapshot') rmSync(join(project, SNAPSHOT), { recursive: true, force: true });
    run('npm', 'ci', '--silent', '--prefer-offline');
    run('npm', 'install', '--silent', '--no-save', tarball ?? packInto(project));
    const app = ['--language', 'typescript', '--app', 'node --import tsx {filePath}'];
    run('npx', 'integ-runner', '--directory', '.', ...app, '--test-regex', String.raw`^integ\..*\.ts$`, ...options);
    if (mode === 'snapshot') {
      const target = join(REPOSITORY, TESTS, SNAPSHOT);
      rmSync(target, { recursive: true, force: true });
      cpSync(join(project, SNAPSHOT), target, { recursive: true, filter: (path) => !isAsset(path) });
    }
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

function packInto(directory: string): string {
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', directory];
  return join(directory, execFileSync('npm', args, { cwd: REPOSITORY, encoding: 'utf8' }).trim());
}

/** The functions' code is built from what the repository has, and integ-runner does not compare it. */
function isAsset(path: string): boolean {
  return basename(path).startsWith('asset.');
}

main(process.argv.slice(2));
