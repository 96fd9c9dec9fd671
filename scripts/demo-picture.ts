import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { drawTerminal } from './terminal-picture';

const ROOT = join(__dirname, '..');
const COLUMNS = 100;

/** `npm run docs:demo`: runs the demo, and draws what it printed. The device whose seed the picture shows is gone by then. */
async function drawDemo(): Promise<void> {
  const { stdout } = await execa(process.execPath, ['--import', 'tsx', 'bin/demo.ts'], {
    cwd: ROOT,
    env: { NO_COLOR: '', FORCE_COLOR: '1', COLUMNS: String(COLUMNS) },
  });
  writeFileSync(join(ROOT, 'docs/demo.svg'), drawTerminal(`\u001b[1m$ npm run demo\u001b[22m\n${stdout}`, COLUMNS));
}

void drawDemo();
