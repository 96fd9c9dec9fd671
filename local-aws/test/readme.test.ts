import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { readRecordings } from './conformance/recordings';
import { codeAt, STEP } from './strict-account';

const ROOT = resolve(__dirname, '../..');
const README = readFileSync(join(ROOT, 'local-aws/README.md'), 'utf8');

describe('local-aws/README', () => {
  it('makes codes of a seed in a file, and shows the seed to nobody who lists processes', async () => {
    const [definition = ''] = /^codes\(\) \{\n[^]*?^\}$/m.exec(README) ?? [];
    const folder = mkdtempSync(join(tmpdir(), 'local-aws-readme-'));
    const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
    writeFileSync(join(folder, 'carol.seed'), seed);
    const before = Date.now();
    // `set -x` prints every command with its arguments.
    const script = `exec 2>&1; ${definition}\nset -x; codes "$0"`;

    const { stdout: printed } = await execa('bash', ['-c', script, join(folder, 'carol.seed')], { cwd: ROOT });

    rmSync(folder, { recursive: true });
    const moments = [before, Date.now()];
    const possible = moments.map((now) => `${codeAt(seed, now - STEP)} ${codeAt(seed, now)}`);
    expect(possible).toContain(printed.split('\n').at(-1));
    expect(printed).not.toContain(seed);
  });

  it('gives each behavior one of the grounds that it explains', () => {
    const cells = README.split('\n').flatMap((line) => /^\|(.*)\|$/.exec(line)?.[1] ?? []);
    const rows = cells.map((row) => row.split(' | ').map((cell) => cell.trim())).filter(([, ground = '']) => ground);
    expect(rows.length).toBeGreaterThan(60);
    for (const [behavior, ground = ''] of rows) {
      expect([behavior, ground]).toEqual([
        behavior,
        expect.stringMatching(/^\[?(ground$|recorded|documented|reported|inferred|none:|local-aws's own)/),
      ]);
    }
  });

  it('names every file of recorded cases', () => {
    for (const { file } of readRecordings()) expect(README).toContain(`\`${file.replace(/\.json$/, '')}\``);
  });
});
