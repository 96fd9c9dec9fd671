import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jsii } from '../../package.json';
import { entriesOf, released, unreleasedIn } from '../../scripts/release/changelog';

const ROOT = join(__dirname, '../..');
const HEAD = '# Changelog\n\nThe format is Keep a Changelog.\n';
const OLDER = '\n## [1.9.0] - 2026-10-01\n\n### Fixed\n\n- An old defect.\n';
const NEWS = '\n### Added\n\nFor robots:\n\n- One thing.\n\n### Security\n\n- Another.\n';
const CHANGELOG = `${HEAD}\n## [Unreleased]\n${NEWS}${OLDER}`;

describe('CHANGELOG.md', () => {
  const text = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');

  test('can be released', () => {
    expect(unreleasedIn(released(text, '99.0.0', '2099-01-01'))).toBe('');
  });
});

describe('a release', () => {
  test('moves what is unreleased under the version and the date, and changes nothing else', () => {
    const changelog = released(CHANGELOG, '1.10.0', '2026-11-28');

    expect(changelog).toBe(`${HEAD}\n## [Unreleased]\n\n## [1.10.0] - 2026-11-28\n${NEWS}${OLDER}`);
    expect(unreleasedIn(changelog)).toBe('');
    expect(entriesOf(changelog, '1.10.0')).toBe(NEWS.trim());
    expect(entriesOf(changelog, '1.9.0')).toBe('### Fixed\n\n- An old defect.');
    expect(entriesOf(changelog, '1.1.0')).toBeUndefined();
  });

  test.each([
    ['1.9.0', CHANGELOG, 'higher than 1.9.0'],
    ['1.8.12', CHANGELOG, 'higher than 1.9.0'],
    ['v2.0.0', CHANGELOG, 'three numbers'],
    ['', CHANGELOG, 'three numbers'],
    ['2.0.0', `${HEAD}${OLDER}`, 'one heading "## [Unreleased]"'],
    ['2.0.0', `${CHANGELOG}\n## [Unreleased]\n\n- More.\n`, 'one heading "## [Unreleased]"'],
    ['2.0.0', `${HEAD}\n## [Unreleased]\n\n### Added\n${OLDER}`, 'lists nothing'],
    ['2.0.0', CHANGELOG.replace('### Added', '### New'), 'must be Added, Changed, Deprecated'],
    ['2.0.0', CHANGELOG.replace('### Security', '### Added'), 'each at most once'],
  ])('of %j is refused where it makes no sense', (version, changelog, message) => {
    expect(() => released(changelog, version, '2026-11-28')).toThrow(message);
  });
});

describe('the commands of a release', () => {
  /** A repository with packages that take no time to make. */
  const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-release-'));
  const LOCK = {
    name: 'cdk-iam-virtual-mfa',
    version: '0.1.0',
    lockfileVersion: 3,
    packages: { '': { version: '0.1.0' } },
  };
  const command = async (...args: readonly string[]) => {
    const tsx = join(ROOT, 'node_modules/tsx/dist/cli.mjs');
    const options = { cwd: folder, reject: false, stripFinalNewline: false } as const;
    return execa(process.execPath, [tsx, join(ROOT, 'scripts/release.ts'), ...args], options);
  };
  const fileIn = (name: string) => readFileSync(join(folder, name), 'utf8');

  beforeAll(() => {
    mkdirSync(join(folder, 'made/js'), { recursive: true });
    mkdirSync(join(folder, 'made/go/cdkiamvirtualmfa'), { recursive: true });
    writeFileSync(join(folder, 'made/js/package.tgz'), Buffer.alloc(300_000));
    for (const file of ['go.mod', 'main.go', 'main.go.sha1']) {
      writeFileSync(join(folder, 'made/go/cdkiamvirtualmfa', file), Buffer.alloc(10_000));
    }
    const scripts = { 'package:all': "node -e \"fs.cpSync('made', 'dist/packages', { recursive: true })\"" };
    const manifest = { name: 'cdk-iam-virtual-mfa', version: '0.1.0', scripts, jsii };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(LOCK));
    writeFileSync(join(folder, 'CHANGELOG.md'), CHANGELOG);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('refuse the tag of what is not prepared', async () => {
    const { exitCode, stderr } = await command('check', 'v0.1.0');

    expect(exitCode).toBe(1);
    expect(stderr).toBe('CHANGELOG.md must list 0.1.0 with its date.\n');
  });

  test('change nothing when the version makes no sense', async () => {
    const { exitCode, stderr } = await command('prepare', '1.9.0');

    expect(exitCode).toBe(1);
    expect(stderr).toContain('higher than 1.9.0');
    expect(fileIn('CHANGELOG.md')).toBe(CHANGELOG);
    expect(fileIn('package.json')).toContain('"version":"0.1.0"');
  });

  test('prepare it, and say what will be published where', async () => {
    const { exitCode, stdout, stderr } = await command('prepare', '1.10.0');

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const [, date = ''] =
      /^## \[Unreleased\]\n\n## \[1\.10\.0\] - (\S+)\n\n### Added$/m.exec(fileIn('CHANGELOG.md')) ?? [];
    expect(Math.abs(Date.now() - Date.parse(date))).toBeLessThan(2 * 86_400_000);
    expect(JSON.parse(fileIn('package.json'))).toMatchObject({ version: '1.10.0' });
    expect(JSON.parse(fileIn('package-lock.json'))).toMatchObject({
      version: '1.10.0',
      packages: { '': { version: '1.10.0' } },
    });
    expect(stdout).toContain('npm            cdk-iam-virtual-mfa 1.10.0: 300 kB in 1 files\n');
    expect(stdout).toContain('PyPI           cdk-iam-virtual-mfa 1.10.0: was not made here\n');
    expect(stdout).toContain(
      'Maven Central  io.github.cdk-iam-virtual-mfa:cdk-iam-virtual-mfa 1.10.0: was not made here\n',
    );
    expect(stdout).toMatch(/^Go +github\.com\/\S+-go\/cdkiamvirtualmfa v1\.10\.0: 20 kB in 2 files$/m);
    expect(stdout).toContain('git tag v1.10.0');
  });

  test('then take its tag and no other, and print what changed', async () => {
    expect(await command('check', 'v1.10.0')).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await command('check', 'v1.10.1')).stderr).toBe('The tag must be v1.10.0, as package.json has it.\n');
    expect(await command('notes')).toMatchObject({ exitCode: 0, stdout: NEWS.trimStart() });
  });

  test('refuse the tag where something was added after that', async () => {
    writeFileSync(
      join(folder, 'CHANGELOG.md'),
      fileIn('CHANGELOG.md').replace('[Unreleased]\n', '[Unreleased]\n\n- More.\n'),
    );

    expect((await command('check', 'v1.10.0')).stderr).toBe('CHANGELOG.md must have nothing under "Unreleased".\n');
  });
});
