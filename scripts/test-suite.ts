import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { nodeBinary } from 'local-aws';

const VITEST = join(__dirname, '../node_modules/vitest/vitest.mjs');

/**
 * Runs the tests on the Node that runs npm or, with `--node24`, on the Node 24 that local-aws installs. A plain `vitest` would always
 * run on the second: npm puts node_modules/.bin first in PATH, and that package has its `node` there.
 */
function main(args: readonly string[]): void {
  const own = process.env['npm_node_execpath'] ?? process.execPath;
  const node = args.includes('--node24') ? nodeBinary() : own;
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  process.stdout.write(`The tests run on Node ${version}.\n`);
  const { status } = spawnSync(node, [VITEST, 'run', ...args.filter((arg) => arg !== '--node24')], {
    stdio: 'inherit',
    env: { ...process.env, PATH: [dirname(node), process.env['PATH']].join(delimiter) },
  });
  process.exitCode = status ?? 1;
}

main(process.argv.slice(2));
