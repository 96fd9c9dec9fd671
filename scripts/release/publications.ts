import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What package.json tells of the packages. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly jsii: {
    readonly targets: {
      readonly python: { readonly distName: string };
      readonly java: { readonly maven: { readonly groupId: string; readonly artifactId: string } };
      readonly go: { readonly moduleName: string; readonly packageName: string };
    };
  };
}

/** Says what the release workflow publishes, from the packages that `npm run package:all` made: a line for each registry. */
export function publicationsOf({ name, version, jsii: { targets } }: Manifest, packages: string): string[] {
  const { groupId, artifactId } = targets.java.maven;
  const registries = [
    ['npm', `${name} ${version}`, 'js'],
    ['PyPI', `${targets.python.distName} ${version}`, 'python'],
    ['Maven Central', `${groupId}:${artifactId} ${version}`, 'java'],
    ['Go', `${targets.go.moduleName}/${targets.go.packageName} v${version}`, 'go'],
  ] as const;
  return registries.map(([registry, title, folder]) => {
    const sizes = sizesIn(join(packages, folder));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const what = sizes.length === 0 ? 'was not made here' : `${(total / 1000).toFixed(0)} kB in ${sizes.length} files`;
    return `${registry.padEnd(13)}  ${title}: ${what}`;
  });
}

/** The sizes of what a registry takes: neither checksums, nor what a local Maven repository has beside the version. */
function sizesIn(folder: string): number[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && !/\.(?:md5|sha1)$|^maven-metadata/.test(entry.name))
    .map((entry) => statSync(join(entry.parentPath, entry.name)).size);
}
