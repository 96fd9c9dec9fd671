import { join } from 'node:path';
import { execa } from 'execa';

/** Maven's downloads, and no package of this repository from before. */
export const MAVEN_REPOSITORY = join(__dirname, '../../node_modules/.cache/maven');

/** A language that has a package. */
export interface Language {
  readonly name: string;
  /** Its name in jsii. */
  readonly target: string;
  /** What builds its package, and runs an app with it. */
  readonly tools: string;
  /** Commands, and what each prints where the tools are there. The last one asks the registry. */
  readonly checks: readonly (readonly [command: string, args: readonly string[], printed: RegExp])[];
}

export const PYTHON: Language = {
  name: 'Python',
  target: 'python',
  tools: 'Python 3.10 or newer with venv, and PyPI',
  checks: [
    ['python3', ['-c', 'import ensurepip, sys, venv; print(sys.version_info >= (3, 10))'], /^True$/m],
    ['python3', ['-m', 'pip', 'index', 'versions', 'jsii'], /^jsii /m],
  ],
};

export const JAVA: Language = {
  name: 'Java',
  target: 'java',
  tools: 'JDK 11 or newer, Maven, and Maven Central',
  checks: [
    ['javac', ['-version'], /^javac (?:1[1-9]|[2-9]\d)/m],
    [
      'mvn',
      [
        ...['--batch-mode', `-Dmaven.repo.local=${MAVEN_REPOSITORY}`, 'dependency:get'],
        ...['-Dartifact=software.amazon.jsii:jsii-runtime:1.140.0:pom', '-Dtransitive=false'],
      ],
      /BUILD SUCCESS/,
    ],
  ],
};

export const GO: Language = {
  name: 'Go',
  target: 'go',
  tools: 'Go 1.26 or newer, and a module proxy',
  checks: [
    ['go', ['env', 'GOVERSION'], /^go1\.(?:2[6-9]|[3-9]\d)/],
    ['go', ['list', '-m', 'github.com/aws/jsii-runtime-go@latest'], /^github\.com/],
  ],
};

export const DOTNET: Language = {
  name: '.NET',
  target: 'dotnet',
  tools: '.NET SDK 6 or newer, and NuGet',
  checks: [
    ['dotnet', ['--version'], /^(?:[6-9]|\d\d)\./],
    ['dotnet', ['package', 'search', 'Amazon.JSII.Runtime', '--exact-match'], /Amazon\.JSII\.Runtime/],
  ],
};

/**
 * Tells why a language's package cannot be built here; undefined, if it can.
 *
 * @throws if it cannot and the environment requires it, so that no release and no CI leaves a language out by mistake
 */
export async function whyNot({ name, target, tools, checks }: Language): Promise<string | undefined> {
  for (const [command, args, printed] of checks) {
    const { failed, stdout } = await execa(command, args, { reject: false });
    if (!failed && printed.test(stdout)) continue;
    const reason = `${name} needs ${tools}; \`${command} ${args.join(' ')}\` did not find them`;
    if (process.env.REQUIRED_LANGUAGES?.split(',').includes(target)) throw new Error(reason);
    return reason;
  }
  return undefined;
}
