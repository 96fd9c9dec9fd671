import { delimiter, dirname, join } from 'node:path';
import { execa } from 'execa';
import { nodeBinary } from 'local-aws';
import { ownNode } from './own-node';

const VITEST = join(__dirname, '../node_modules/vitest/vitest.mjs');

/** Runs the tests on the machine's own Node or, with `--node24`, on the Node 24 that local-aws installs. */
async function main(args: readonly string[]): Promise<void> {
  const path = process.env['PATH'] ?? '';
  const node = args.includes('--node24') ? nodeBinary() : ownNode(path);
  const { stdout: version } = await execa(node, ['--version']);
  process.stdout.write(`The tests run on Node ${version}.\n`);
  const { exitCode = 1 } = await execa(node, [VITEST, 'run', ...args.filter((arg) => arg !== '--node24')], {
    stdio: 'inherit',
    reject: false,
    env: { PATH: [dirname(node), path].join(delimiter) },
  });
  process.exitCode = exitCode;
}

void main(process.argv.slice(2));
