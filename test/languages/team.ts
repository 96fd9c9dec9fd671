import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, test, vi } from 'vitest';
import { name, version } from '../../package.json';
import { type Language, whyNot } from '../../scripts/package-all/languages';
import { OLDEST_PEERS } from '../../scripts/package-all/oldest-peers';

export const ROOT = join(__dirname, '../..');
export const PACKAGES = join(ROOT, 'dist/packages');

/** The oldest aws-cdk-lib that the package takes. */
export const OLDEST = OLDEST_PEERS['aws-cdk-lib'];

/** What npm publishes. */
export const TARBALL = readFileSync(join(PACKAGES, `js/${name}@${version}.jsii.tgz`));

/** The tests of a language; where its tools are missing, a skipped one that says so. */
export function describeIn(language: Language, tests: () => void): void {
  describe(`in ${language.name}`, async () => {
    const reason = await whyNot(language);
    if (reason === undefined) tests();
    else test.skip(reason);
  });
}

/** A copy of a language's example, in which its tools can leave what they want. */
export class Team {
  readonly folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-team-'));

  constructor({ target }: Language) {
    cpSync(join(ROOT, 'examples', target), this.folder, { recursive: true });
  }

  async run(command: string, ...args: readonly string[]): Promise<string> {
    const { stdout } = await execa(command, args, { cwd: this.folder });
    return stdout;
  }

  /** The template that a command synthesizes for its only stack. */
  async templateFrom(command: string, ...args: readonly string[]): Promise<unknown> {
    const assembly = mkdtempSync(join(this.folder, 'cdk.out-'));
    await execa(command, args, { cwd: this.folder, env: { CDK_OUTDIR: assembly, CDK_VALIDATION: 'false' } });
    return templateIn(assembly);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What an example in TypeScript synthesizes. */
export async function templateOfTypeScript(example = 'team.ts'): Promise<unknown> {
  const assembly = mkdtempSync(join(tmpdir(), 'virtual-mfa-team-'));
  vi.stubEnv('CDK_OUTDIR', assembly);
  try {
    await import(join(ROOT, 'examples', example));
    return templateIn(assembly);
  } finally {
    vi.unstubAllEnvs();
    rmSync(assembly, { recursive: true, force: true });
  }
}

function templateIn(assembly: string): unknown {
  const [template = ''] = readdirSync(assembly).filter((file) => file.endsWith('.template.json'));
  return JSON.parse(readFileSync(join(assembly, template), 'utf8'));
}
