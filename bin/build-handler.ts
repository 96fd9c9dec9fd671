import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import license, { type Dependency } from 'esbuild-plugin-license';

const OUTPUT_DIRECTORY = join(__dirname, '../dist/handler');

/** Bundles the custom resource's code, with the licences of what is in the bundle beside it. */
async function buildHandler(): Promise<void> {
  rmSync(OUTPUT_DIRECTORY, { recursive: true, force: true });
  await build({
    entryPoints: [join(__dirname, '../lambda/index.ts')],
    outdir: OUTPUT_DIRECTORY,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [
      license({ banner: '', thirdParty: { output: { file: '../THIRD-PARTY-LICENSES.txt', template: noticesOf } } }),
    ],
  });
}

/** Each licence text once, under the packages that come with it. */
function noticesOf(dependencies: Dependency[]): string {
  const packagesByText = new Map<string, string[]>();
  for (const { packageJson, licenseText } of dependencies) {
    const { name, version, license: identifier } = packageJson;
    const text = licenseText.trim() || `${identifier}: the package comes without a copy of the text.`;
    packagesByText.set(text, [...(packagesByText.get(text) ?? []), `${name} ${version} (${identifier})`]);
  }
  const notices = [...packagesByText].map(([text, packages]) => `${packages.join('\n')}\n\n${text}\n`);
  return ['The file index.js contains code of the packages below.\n', ...notices].join(`\n${'-'.repeat(80)}\n\n`);
}

void buildHandler();
