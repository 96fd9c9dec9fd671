import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { nodeBinary } from 'local-aws';
import { ownNode } from './own-node';

const VITEST = join(__dirname, '../node_modules/vitest/vitest.mjs');

/** Runs the tests on the machine's own Node or, with `--node24`, on the Node 24 that local-aws installs. */
function main(args: readonly string[]): void {
  const path = process.env['PATH'] ?? '';
  const node = args.includes('--node24') ? nodeBinary() : ownNode(path);
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  process.stdout.write(`The tests run on Node ${version}.\n`);
  const { status } = spawnSync(node, [VITEST, 'run', ...args.filter((arg) => arg !== '--node24')], {
    stdio: 'inherit',
    env: { ...process.env, PATH: [dirname(node), path].join(delimiter) },
  });
  process.exitCode = status ?? 1;
}

main(process.argv.slice(2));
