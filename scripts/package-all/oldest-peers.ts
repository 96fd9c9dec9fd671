import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { peerDependencies } from '../../package.json';

/** Installs packages with the oldest peers that this package takes, in a folder that becomes a project of its own. */
export async function installWithOldestPeers(folder: string, ...packages: readonly string[]): Promise<void> {
  const peers = Object.entries(peerDependencies).map(([peer, range]) => `${peer}@${range.replace('^', '')}`);
  writeFileSync(join(folder, 'package.json'), '{}');
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--save-exact'];
  await execa('npm', ['install', ...options, ...packages, ...peers], { cwd: folder });
}
