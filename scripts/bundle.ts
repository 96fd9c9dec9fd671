import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build, type BuildOptions, type Metafile, type OnResolveResult, type Plugin } from 'esbuild';
import license, { type Dependency } from 'esbuild-plugin-license';

const ROOT = join(__dirname, '..');

/**
 * ES modules first, which esbuild leaves unused code out of. By default it takes a package's CommonJS form for Node, whole: the
 * handler's bundle would have 614 kB in place of 265.
 */
export const MODULES_FIRST = ['module', 'main'];

/** The bundles of the published package. */
export const BUNDLES = [
  'dist/handler/index.js',
  'dist/code-function/index.js',
  'dist/bin/virtual-mfa.js',
  'dist/bin/virtual-mfa-program.js',
  'dist/bin/virtual-mfa-app.js',
] as const;
type Outfile = (typeof BUNDLES)[number];

/** One bundle of the published package. */
export interface Bundle extends Pick<BuildOptions, 'target' | 'external' | 'mainFields' | 'plugins' | 'supported'> {
  /** Path of the entry point and of the output, below the repository's root. */
  readonly entryPoint: string;
  readonly outfile: Outfile;
  /** Path of the licences of what is in the bundle, below the repository's root. */
  readonly notices: string;
}

/** Bundles code that runs on Node, with the licences of what is in the bundle. */
export async function bundle({ entryPoint, outfile, notices, plugins = [], ...options }: Bundle): Promise<void> {
  const output = join(ROOT, outfile);
  rmSync(output, { force: true });
  const { metafile } = await build({
    ...options,
    absWorkingDir: ROOT,
    metafile: true,
    entryPoints: [join(ROOT, entryPoint)],
    outfile: output,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [
      ...plugins,
      license({
        banner: '',
        thirdParty: { output: { file: join(ROOT, notices), template: (found) => noticesOf(outfile, found) } },
      }),
    ],
  });
  const kept = metafileOf(outfile);
  mkdirSync(dirname(kept), { recursive: true });
  writeFileSync(kept, JSON.stringify(metafile));
}

/** The files whose code is in a bundle: what is left unused is not. */
export function contentsOf(outfile: Outfile): readonly string[] {
  const { outputs } = JSON.parse(readFileSync(metafileOf(outfile), 'utf8')) as Metafile;
  const inputs = Object.entries(outputs[outfile]?.inputs ?? {});
  return inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
}

/** Beside the package, where no build but the bundle's own writes it. */
function metafileOf(outfile: Outfile): string {
  return join(ROOT, 'dist/metafiles', `${outfile}.json`);
}

/** Takes a module in place of those whose names a pattern matches. */
export function inPlaceOf(filter: RegExp, module: OnResolveResult): Plugin {
  return { name: 'in-place-of', setup: (builder) => builder.onResolve({ filter }, () => module) };
}

/** Each licence text once, under the packages that come with it. */
function noticesOf(outfile: string, dependencies: Dependency[]): string {
  const packagesByText = new Map<string, string[]>();
  for (const { packageJson, licenseText } of dependencies) {
    const { name, version, license: identifier } = packageJson;
    const text = licenseText.trim() || `${identifier}: the package comes without a copy of the text.`;
    packagesByText.set(text, [...(packagesByText.get(text) ?? []), `${name} ${version} (${identifier})`]);
  }
  const notices = [...packagesByText].map(([text, packages]) => `${packages.join('\n')}\n\n${text}\n`);
  return [`The file ${outfile} contains code of the packages below.\n`, ...notices].join(`\n${'-'.repeat(80)}\n\n`);
}
