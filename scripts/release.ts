import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { entriesOf, released, unreleasedIn } from './release/changelog';
import { type Manifest, publicationsOf } from './release/publications';

/** `npm run` starts this in the folder of package.json. */
const ROOT = process.cwd();
const CHANGELOG = join(ROOT, 'CHANGELOG.md');

/** Prepares a release, and says what its tag will publish. Publishes nothing. */
function prepare(version: string): void {
  const changelog = released(readFileSync(CHANGELOG, 'utf8'), version, new Date().toISOString().slice(0, 10));
  npm('version', version, '--no-git-tag-version', '--allow-same-version', '--ignore-scripts');
  writeFileSync(CHANGELOG, changelog);
  npm('run', '--silent', 'package:all');
  const lines = [
    `The tag v${version} will publish:`,
    ...publicationsOf(manifest(), join(ROOT, 'dist/packages')),
    '',
    'Nothing is published yet. Review the change, then:',
    `  git commit --all --message "release: ${version}"`,
    `  git tag v${version}`,
    `  git push --atomic origin HEAD v${version}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Fails unless a tag is of the version that was prepared. */
function check(tag: string): void {
  const { version } = manifest();
  const changelog = readFileSync(CHANGELOG, 'utf8');
  if (tag !== `v${version}`) throw new Error(`The tag must be v${version}, as package.json has it.`);
  if (entriesOf(changelog, version) === undefined) throw new Error(`CHANGELOG.md must list ${version} with its date.`);
  if (unreleasedIn(changelog) !== '') throw new Error('CHANGELOG.md must have nothing under "Unreleased".');
}

function notes(): void {
  const { version } = manifest();
  const entries = entriesOf(readFileSync(CHANGELOG, 'utf8'), version);
  if (entries === undefined) throw new Error(`CHANGELOG.md does not list ${version} with its date.`);
  process.stdout.write(`${entries}\n`);
}

function manifest(): Manifest {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
}

function npm(...args: readonly string[]): void {
  execaSync('npm', args, { cwd: ROOT, stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' });
}

try {
  const [command, argument = ''] = process.argv.slice(2);
  if (command === 'prepare') prepare(argument);
  else if (command === 'check') check(argument);
  else notes();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
