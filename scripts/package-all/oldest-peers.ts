import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { peerDependencies } from '../../package.json';

/** The oldest versions of its peers that this package takes. */
export const OLDEST_PEERS = Object.fromEntries(
  Object.entries(peerDependencies).map(([peer, range]) => [peer, range.replace('^', '')]),
) as Readonly<Record<keyof typeof peerDependencies, string>>;

/** Installs packages with the oldest peers that this package takes, in a folder that becomes a project of its own. */
export async function installWithOldestPeers(folder: string, ...packages: readonly string[]): Promise<void> {
  const peers = Object.entries(OLDEST_PEERS).map(([peer, version]) => `${peer}@${version}`);
  writeFileSync(join(folder, 'package.json'), '{}');
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--save-exact'];
  await execa('npm', ['install', ...options, ...packages, ...peers], { cwd: folder });
}
