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
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { jsii, name, version } from '../../package.json';
import { isInstalled } from '../../local-aws/test/programs';

const ROOT = join(__dirname, '../..');
const PACKAGES = join(ROOT, 'dist/packages');
const JAVA = join(PACKAGES, 'java');
/** Without its tools or Maven Central, the package is made as sources alone. */
const isJavaBuilt =
  existsSync(JAVA) && readdirSync(JAVA, { recursive: true }).some((file) => String(file).endsWith('.pom'));
const canSign = isJavaBuilt && ['gpg', 'mvn'].every(isInstalled);

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
  const publish = async (job: string, env: NodeJS.ProcessEnv, options = '') =>
    execa('bash', ['-ec', `${publishing(job).run} ${options} 2>&1`], {
      cwd: checkout,
      stdin: 'ignore',
      env: { ...publishing(job).env, ...env },
      reject: false,
    });

  beforeAll(async () => {
    cpSync(join(ROOT, '.github/publib'), join(checkout, '.github/publib'), { recursive: true });
    symlinkSync(PACKAGES, join(checkout, 'packages'));
    const [install = ''] = jobs['go']?.steps.flatMap(({ run }) => run ?? []) ?? [];
    await execa('bash', ['-ec', install], { cwd: checkout, stdin: 'ignore' });
  });
  afterAll(() => rmSync(checkout, { recursive: true, force: true }));

  test('publishes the tarball to npm', async () => {
    const { exitCode, stdout } = await publish('npm', { npm_config_loglevel: 'notice' }, '--dry-run');

    expect(exitCode, stdout).toBe(0);
    expect(stdout).toContain('Publishing to https://registry.npmjs.org/ with tag latest and public access (dry-run)');
    expect(stdout).toContain(`+ ${name}@${version}`);
  });

  test('pushes the Go module and its tag', async () => {
    const { moduleName, packageName } = jsii.targets.go;
    const git = async (...args: readonly string[]) => (await execa('git', args, { cwd: checkout })).stdout;
    await git('init', '--quiet', '--bare', '--initial-branch', 'main', 'github.git');
    await git('init', '--quiet', '--initial-branch', 'main', 'first');
    const author = ['-c', 'user.name=Owner', '-c', 'user.email=owner@example.com'];
    await git('-C', 'first', ...author, 'commit', '--quiet', '--allow-empty', '--message', 'first');
    await git('-C', 'first', 'push', '--quiet', '../github.git', 'main');
    // A repository in a folder stands in for the one at GitHub.
    const config = join(checkout, 'gitconfig');
    const repository = `git@${moduleName.replace('/', ':')}.git`;
    writeFileSync(config, `[url "file://${checkout}/github.git"]\n  insteadOf = ${repository}\n`);

    const { exitCode, stdout } = await publish('go', { GIT_CONFIG_GLOBAL: config });

    expect(exitCode, stdout).toBe(0);
    expect(await git('-C', 'github.git', 'tag')).toBe(`${packageName}/v${version}`);
    expect(await git('-C', 'github.git', 'show', `main:${packageName}/go.mod`)).toContain(
      `module ${moduleName}/${packageName}\n`,
    );
    expect(await git('-C', 'github.git', 'log', '-1', '--format=%an', 'main')).toBe('github-actions[bot]');
  });

  test.skipIf(!canSign)(
    'signs the jars, and would deploy them to Maven Central (needs gpg, and the Java package, which a JDK, Maven and Maven Central make)',
    async () => {
      const home = join(checkout, 'gnupg');
      mkdirSync(home, { mode: 0o700 });
      const unattended = ['--homedir', home, '--batch', '--passphrase', 'test', '--pinentry-mode', 'loopback'];
      const gpg = async (...args: readonly string[]) =>
        (await execa('gpg', [...unattended, ...args], { stdin: 'ignore' })).stdout;
      await gpg('--quick-gen-key', 'Release <release@example.com>', 'rsa2048', 'sign', '1d');

      const { exitCode, stdout } = await publish('maven-central', {
        PUBLIB_DRYRUN: 'true',
        MAVEN_USERNAME: 'nobody',
        MAVEN_PASSWORD: 'nothing',
        MAVEN_GPG_PRIVATE_KEY: await gpg('--armor', '--export-secret-keys'),
        MAVEN_GPG_PRIVATE_KEY_PASSPHRASE: 'test',
      });
      await execa('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);

      expect(exitCode, stdout).toBe(0);
      const { groupId, artifactId } = jsii.targets.java.maven;
      const path = `${groupId.replaceAll('.', '/')}/${artifactId}/${version}/${artifactId}-${version}`;
      expect(stdout).toContain('secret keys imported: 1');
      for (const file of ['.jar', '-sources.jar', '-javadoc.jar']) expect(stdout).toContain(`${path}${file}`);
      expect(stdout).toContain('-DnexusUrl=https://ossrh-staging-api.central.sonatype.com/');
    },
  );
});
