import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { jsii, name, version } from '../../package.json';

const ROOT = join(__dirname, '../..');
const PACKAGES = join(ROOT, 'dist/packages');
const JAVA = join(PACKAGES, 'java');
/** Without its tools or Maven Central, the package is made as sources alone. */
const isJavaBuilt =
  existsSync(JAVA) && readdirSync(JAVA, { recursive: true }).some((file) => String(file).endsWith('.pom'));
const canSign = isJavaBuilt && ['gpg', 'mvn'].every((tool) => spawnSync(tool, ['--version']).status === 0);

interface Release {
  readonly jobs: Readonly<
    Record<
      string,
      { readonly steps: readonly { readonly run?: string; readonly env?: Readonly<Record<string, string>> }[] }
    >
  >;
}

/** The commands of release.yml as they stand there, with the packages that were made, and nothing that they could publish to. */
describe('the release workflow', () => {
  const { jobs } = parse(readFileSync(join(ROOT, '.github/workflows/release.yml'), 'utf8')) as Release;
  const checkout = mkdtempSync(join(tmpdir(), 'virtual-mfa-release-'));
  /** The step of a job that publishes: its last. */
  const publishing = (job: string) => jobs[job]?.steps.at(-1) ?? {};
  const publish = (job: string, env: NodeJS.ProcessEnv, options = '') =>
    spawnSync('bash', ['-ec', `${publishing(job).run} ${options} 2>&1`], {
      cwd: checkout,
      env: { ...process.env, ...publishing(job).env, ...env },
      encoding: 'utf8',
    });

  beforeAll(() => {
    cpSync(join(ROOT, '.github/publib'), join(checkout, '.github/publib'), { recursive: true });
    symlinkSync(PACKAGES, join(checkout, 'packages'));
    const [install = ''] = jobs['go']?.steps.flatMap(({ run }) => run ?? []) ?? [];
    execFileSync('bash', ['-ec', install], { cwd: checkout, stdio: 'pipe' });
  });
  afterAll(() => rmSync(checkout, { recursive: true, force: true }));

  test('publishes the tarball to npm', () => {
    const { status, stdout } = publish('npm', { npm_config_loglevel: 'notice' }, '--dry-run');

    expect(status, stdout).toBe(0);
    expect(stdout).toContain('Publishing to https://registry.npmjs.org/ with tag latest and public access (dry-run)');
    expect(stdout).toContain(`+ ${name}@${version}`);
  });

  test('pushes the Go module and its tag', () => {
    const { moduleName, packageName } = jsii.targets.go;
    const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: checkout, encoding: 'utf8' });
    git('init', '--quiet', '--bare', '--initial-branch', 'main', 'github.git');
    git('init', '--quiet', '--initial-branch', 'main', 'first');
    const author = ['-c', 'user.name=Owner', '-c', 'user.email=owner@example.com'];
    git('-C', 'first', ...author, 'commit', '--quiet', '--allow-empty', '--message', 'first');
    git('-C', 'first', 'push', '--quiet', '../github.git', 'main');
    // A repository in a folder stands in for the one at GitHub.
    const config = join(checkout, 'gitconfig');
    const repository = `git@${moduleName.replace('/', ':')}.git`;
    writeFileSync(config, `[url "file://${checkout}/github.git"]\n  insteadOf = ${repository}\n`);

    const { status, stdout } = publish('go', { GIT_CONFIG_GLOBAL: config });

    expect(status, stdout).toBe(0);
    expect(git('-C', 'github.git', 'tag').trim()).toBe(`${packageName}/v${version}`);
    expect(git('-C', 'github.git', 'show', `main:${packageName}/go.mod`)).toContain(
      `module ${moduleName}/${packageName}\n`,
    );
    expect(git('-C', 'github.git', 'log', '-1', '--format=%an', 'main').trim()).toBe('github-actions[bot]');
  });

  test.skipIf(!canSign)(
    'signs the jars, and would deploy them to Maven Central (needs gpg, and the Java package, which a JDK, Maven and Maven Central make)',
    () => {
      const home = join(checkout, 'gnupg');
      mkdirSync(home, { mode: 0o700 });
      const gpg = (...args: readonly string[]) =>
        execFileSync(
          'gpg',
          ['--homedir', home, '--batch', '--passphrase', 'test', '--pinentry-mode', 'loopback', ...args],
          {
            encoding: 'utf8',
            stdio: 'pipe',
          },
        );
      gpg('--quick-gen-key', 'Release <release@example.com>', 'rsa2048', 'sign', '1d');

      const { status, stdout } = publish('maven-central', {
        PUBLIB_DRYRUN: 'true',
        MAVEN_USERNAME: 'nobody',
        MAVEN_PASSWORD: 'nothing',
        MAVEN_GPG_PRIVATE_KEY: gpg('--armor', '--export-secret-keys'),
        MAVEN_GPG_PRIVATE_KEY_PASSPHRASE: 'test',
      });
      spawnSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);

      expect(status, stdout).toBe(0);
      const { groupId, artifactId } = jsii.targets.java.maven;
      const path = `${groupId.replaceAll('.', '/')}/${artifactId}/${version}/${artifactId}-${version}`;
      expect(stdout).toContain('secret keys imported: 1');
      for (const file of ['.jar', '-sources.jar', '-javadoc.jar']) expect(stdout).toContain(`${path}${file}`);
      expect(stdout).toContain('-DnexusUrl=https://ossrh-staging-api.central.sonatype.com/');
    },
  );
});
