import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The first Node in PATH that no package has put there: npm puts node_modules/.bin first, and local-aws's Node 24 is in it. npm's own
 * variable is no help, because that Node may have started npm.
 */
export function ownNode(path: string): string {
  const folders = path.split(delimiter).filter((folder) => !/[\\/]node_modules[\\/]/.test(folder));
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? process.execPath;
}
