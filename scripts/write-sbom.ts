import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { BUNDLES, contentsOf } from './bundle';

const ROOT = join(__dirname, '..');
const OUTFILE = join(ROOT, 'dist/sbom.cdx.json');

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
}

/**
 * Writes the bill of materials of the published package: its bundles, and the packages whose code is in them. It has no date and no
 * random serial number, because two builds of one commit are the same.
 *
 * @see https://cyclonedx.org/docs/1.6/json/
 */
function writeSbom(): void {
  const self = component(Enums.ComponentType.Library, manifestIn(ROOT));
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: self }) });
  const packages = new Map<string, Models.Component>();
  for (const outfile of BUNDLES) {
    const bundle = new Models.Component(Enums.ComponentType.File, outfile, { bomRef: outfile });
    const digest = createHash('sha256').update(readFileSync(join(ROOT, outfile)));
    bundle.hashes.set(Enums.HashAlgorithm['SHA-256'], digest.digest('hex'));
    self.dependencies.add(bundle.bomRef);
    for (const folder of new Set(contentsOf(outfile).flatMap(packageFolder))) {
      const found = packages.get(folder) ?? component(Enums.ComponentType.Library, manifestIn(join(ROOT, folder)));
      packages.set(folder, found);
      bundle.dependencies.add(found.bomRef);
    }
    bom.components.add(bundle);
  }
  for (const found of packages.values()) bom.components.add(found);
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  writeFileSync(OUTFILE, `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`);
}

function component(type: Enums.ComponentType, { name = '', version = '', license = '' }: Manifest): Models.Component {
  const [group, local] = name.startsWith('@') ? (name.split('/') as [string, string]) : [undefined, name];
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  // Throws where a package has another licence than one of SPDX's list: somebody must look at that.
  const licenses = new Models.LicenseRepository([new Models.SpdxLicense(license)]);
  return new Models.Component(type, local, { ...(group && { group }), version, licenses, purl, bomRef: purl });
}

/** The folder of the package that a file is of, if it is of one. A package may have further package.json files, without a name. */
function packageFolder(file: string): string[] {
  if (!file.includes('node_modules/')) return [];
  for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) {
    if (existsSync(join(ROOT, folder, 'package.json')) && manifestIn(join(ROOT, folder)).name !== undefined) {
      return [folder];
    }
  }
  throw new Error(`${file} is of no package`);
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

writeSbom();
