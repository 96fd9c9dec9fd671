import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import { name as packageName } from '../package.json';
import { DOTNET, GO, JAVA, type Language, MAVEN_REPOSITORY, PYTHON, whyNot } from './package-all/languages';
import { installWithOldestPeers } from './package-all/oldest-peers';

const ROOT = join(__dirname, '..');
const PACKAGES = join(ROOT, 'dist/packages');
const GO_SOURCES = join(PACKAGES, 'go/cdkiamvirtualmfa');
const PACK = 'npm pack --ignore-scripts';
const IN_ROOT = { cwd: ROOT, preferLocal: true };

/** The languages whose packages are compiled; Go takes sources. */
const COMPILED = [PYTHON, JAVA, DOTNET];

/** The file that a language's registry takes. */
const ARTIFACTS: Readonly<Record<string, RegExp>> = {
  js: /\.tgz$/,
  python: /\.whl$/,
  java: /\d\.jar$/,
  dotnet: /\.nupkg$/,
};

/** Makes the packages of all languages around the tarball that npm publishes, from what was built last. */
async function main(): Promise<void> {
  const project = mkdtempSync(join(tmpdir(), 'virtual-mfa-packages-'));
  try {
    rmSync(PACKAGES, { recursive: true, force: true });
    const examples = join(project, 'examples.json');
    const [installed, reasons] = await Promise.all([
      installedIn(project),
      Promise.all(COMPILED.map(whyNot)),
      execa('jsii-rosetta', ['extract', '--strict', '--cache-to', examples], IN_ROOT),
    ]);
    const translated = ['--rosetta-tablet', examples, '--rosetta-unknown-snippets', 'fail'];
    const sources = [installed, '--outdir', PACKAGES, '--pack-command', PACK, ...translated];
    const pacmak = async (targets: readonly string[], ...options: readonly string[]) =>
      execa('jsii-pacmak', [...sources, '--targets', ...targets, ...options], IN_ROOT);

    const leftOut = COMPILED.filter((_, index) => reasons[index] !== undefined);
    await pacmak(['js', GO.target, ...targetsOf(leftOut)], '--code-only');
    requireOnlyPeers(join(GO_SOURCES, 'go.mod'));
    // jsii-rosetta's Go does not compile. The README itself has lines in Go that the tests run.
    copyFileSync(join(ROOT, 'README.md'), join(GO_SOURCES, 'README.md'));
    const compiled = targetsOf(COMPILED.filter((language) => !leftOut.includes(language)));
    if (compiled.length > 0) await pacmak(compiled, '--maven-local-repository', MAVEN_REPOSITORY);
    const notes = reasons
      .filter((reason) => reason !== undefined)
      .map((reason) => `Sources only, not compiled: ${reason}.`);
    process.stdout.write([...sizes(), ...notes, ''].join('\n'));
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

/**
 * Installs the packed package with the oldest peers that it takes. The sources for Go and .NET repeat what the package inherits
 * from its peers: made with newer ones, they would name what the oldest do not have, and would not compile with them.
 *
 * @returns the folder of the installed package
 */
async function installedIn(project: string): Promise<string> {
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', project];
  const { stdout: tarball } = await execa('npm', pack, IN_ROOT);
  await installWithOldestPeers(project, join(project, tarball));
  return join(project, 'node_modules', packageName);
}

/** jsii-pacmak also requires the peers' dependencies, in the versions that npm has just installed: newer ones than the peers do. */
function requireOnlyPeers(goMod: string): void {
  writeFileSync(goMod, readFileSync(goMod, 'utf8').replaceAll(/^.* \/\/ indirect\n/gm, ''));
}

function targetsOf(languages: readonly Language[]): string[] {
  return languages.map(({ target }) => target);
}

/** The size of what each registry takes: a file, or for sources their folder. */
function sizes(): string[] {
  return readdirSync(PACKAGES).map((target) => {
    const files = filesIn(join(PACKAGES, target));
    const artifact = files.find((file) => ARTIFACTS[target]?.test(file));
    const bytes = (artifact === undefined ? files : [artifact]).reduce((sum, file) => sum + statSync(file).size, 0);
    return `${`${(bytes / 1000).toFixed(0)} kB`.padStart(8)}  ${relative(ROOT, artifact ?? join(PACKAGES, target))}`;
  });
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

void main();
