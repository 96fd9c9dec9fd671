import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { name, version } from '../../package.json';

const REPOSITORY = resolve(__dirname, '../..');
/** What npm publishes, as jsii-pacmak names it. */
const BUILT = join(REPOSITORY, `dist/packages/js/${name}@${version}.jsii.tgz`);
/** A copy of the repository, deeper than it. */
const COPY = mkdtempSync(join(tmpdir(), 'virtual-mfa-copy-'));
afterAll(() => rmSync(COPY, { recursive: true, force: true }));

test('the package has the same bytes when it is built in another folder and time zone', async () => {
  const again = await buildAgain();

  expect(digestsIn(again)).toEqual(digestsIn(BUILT));
  expect(digestOf(readFileSync(again))).toBe(digestOf(readFileSync(BUILT)));
});

/** Builds and packs a copy of the repository as `npm publish` does; the copy borrows the installed dependencies. */
async function buildAgain(): Promise<string> {
  const folder = join(COPY, 'some/where/else');
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  // Git also lists what was deleted, and is not committed yet.
  for (const file of listed.split('\0').filter((path) => path !== '' && existsSync(join(REPOSITORY, path)))) {
    cpSync(join(REPOSITORY, file), join(folder, file));
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  await promisify(execFile)('npm', ['pack', '--silent', '--pack-destination', COPY], {
    cwd: folder,
    env: { ...process.env, TZ: 'Pacific/Auckland' },
  });
  return join(COPY, `${name}-${version}.tgz`);
}

/** The digest of each file in a tarball: tells which one differs. */
function digestsIn(file: string): Readonly<Record<string, string>> {
  const contents = (path: string) => execFileSync('tar', ['-xOf', file, path], { maxBuffer: 10_000_000 });
  const paths = execFileSync('tar', ['-tf', file], { encoding: 'utf8' }).trim().split('\n');
  return Object.fromEntries(paths.map((path) => [path, digestOf(contents(path))]));
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
