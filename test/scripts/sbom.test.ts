import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import type { Metafile } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { version } from '../../package.json';

const DIST = join(__dirname, '../../dist');

interface Component {
  readonly type: string;
  readonly group?: string;
  readonly name: string;
  readonly version?: string;
  readonly 'bom-ref': string;
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly { readonly license: { readonly id: string } }[];
}

interface Sbom {
  readonly metadata: { readonly component: Component; readonly timestamp?: string };
  readonly serialNumber?: string;
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/** Each bundle, with the licences that the build puts beside it. */
const BUNDLES = [
  ['dist/handler/index.js', 'THIRD-PARTY-LICENSES.txt'],
  ['dist/code-function/index.js', 'code-function.THIRD-PARTY-LICENSES.txt'],
  ['dist/bin/virtual-mfa.js', 'bin/virtual-mfa.THIRD-PARTY-LICENSES.txt'],
  ['dist/bin/virtual-mfa-program.js', 'bin/virtual-mfa-program.THIRD-PARTY-LICENSES.txt'],
  ['dist/bin/virtual-mfa-app.js', 'bin/virtual-mfa-app.THIRD-PARTY-LICENSES.txt'],
] as const;

const text = readFileSync(join(DIST, 'sbom.cdx.json'), 'utf8');
const sbom = JSON.parse(text) as Sbom;
const dependenciesOf = (ref: string) => sbom.dependencies.find((entry) => entry.ref === ref)?.dependsOn ?? [];
const packages = sbom.components.filter(({ type }) => type === 'library');

describe('the bill of materials', () => {
  test('is what CycloneDX’s schema wants', async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);

    expect(await validator.validate(text)).toBeNull();
    expect(await validator.validate(text.replace('"bomFormat": "CycloneDX"', '"bomFormat": "other"'))).not.toBeNull();
  });

  test('is of this version, and lists its bundles', () => {
    const { component } = sbom.metadata;

    expect(component).toMatchObject({ name: 'cdk-iam-virtual-mfa', version });
    expect(dependenciesOf(component['bom-ref'])).toEqual(BUNDLES.map(([bundle]) => bundle).sort());
  });

  test('says nothing that differs from one build to the next', () => {
    expect(sbom.metadata).not.toHaveProperty('timestamp');
    expect(sbom).not.toHaveProperty('serialNumber');
    expect(text).not.toContain(join(__dirname, '../..'));
  });

  test.each(BUNDLES)('has the digest of %s', (bundle) => {
    const content = createHash('sha256')
      .update(readFileSync(join(DIST, '..', bundle)))
      .digest('hex');

    expect(sbom.components.find(({ name }) => name === bundle)?.hashes).toEqual([{ alg: 'SHA-256', content }]);
  });

  test.each(BUNDLES)('has every package whose code is in %s, and no other', (bundle) => {
    const { outputs } = JSON.parse(readFileSync(join(DIST, `metafiles/${bundle}.json`), 'utf8')) as Metafile;
    const inside = Object.entries(outputs[bundle]?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
    const names = inside.flatMap(
      ([file]) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(file)?.[1] ?? [],
    );
    const listed = dependenciesOf(bundle).map((purl) => /^pkg:npm\/(.+)@[^@]+$/.exec(purl)?.[1]?.replace('%40', '@'));

    expect(inside.length).toBeGreaterThan(0);
    expect(listed.sort()).toEqual([...new Set(names)].sort());
  });

  // The notices may have more: they also name what esbuild read, and then left out.
  test.each(BUNDLES)('has nothing in %s whose licence is not beside the bundle', (bundle, file) => {
    const notices = readFileSync(join(DIST, file), 'utf8').split('\n');

    for (const ref of dependenciesOf(bundle)) {
      const found = packages.find(({ purl }) => purl === ref);
      const name = found?.group === undefined ? found?.name : `${found.group}/${found.name}`;
      expect(notices).toContain(`${name} ${found?.version} (${found?.licenses?.[0]?.license.id})`);
    }
  });

  test('has no package that no bundle contains', () => {
    const used = new Set(BUNDLES.flatMap(([bundle]) => dependenciesOf(bundle)));

    expect(packages.map((component) => component['bom-ref']).filter((ref) => !used.has(ref))).toEqual([]);
  });
});
