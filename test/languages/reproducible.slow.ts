import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
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

  expect(await digestsIn(again)).toEqual(await digestsIn(BUILT));
  expect(digestOf(readFileSync(again))).toBe(digestOf(readFileSync(BUILT)));
});

/** Builds and packs a copy of the repository as `npm publish` does; the copy borrows the installed dependencies. */
async function buildAgain(): Promise<string> {
  const folder = join(COPY, 'some/where/else');
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const { stdout: listed } = await execa('git', list, { cwd: REPOSITORY });
  // Git also lists what was deleted, and is not committed yet.
  for (const file of listed.split('\0').filter((path) => path !== '' && existsSync(join(REPOSITORY, path)))) {
    cpSync(join(REPOSITORY, file), join(folder, file));
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  const pack = ['pack', '--silent', '--pack-destination', COPY];
  await execa('npm', pack, { cwd: folder, env: { TZ: 'Pacific/Auckland' } });
  return join(COPY, `${name}-${version}.tgz`);
}

/** The digest of each file in a tarball: tells which one differs. */
async function digestsIn(file: string): Promise<Readonly<Record<string, string>>> {
  const { stdout: paths } = await execa('tar', ['-tf', file], { lines: true });
  const digests: Record<string, string> = {};
  for (const path of paths) {
    const options = { encoding: 'buffer', stripFinalNewline: false } as const;
    const { stdout: contents } = await execa('tar', ['-xOf', file, path], options);
    digests[path] = digestOf(contents);
  }
  return digests;
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
