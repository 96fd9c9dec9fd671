import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(__dirname, '..');

test('no comment keeps the linter or the compiler from looking', () => {
  const files = ['bin', 'examples', 'lambda', 'lib', 'local-aws', 'scripts', 'test']
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    )
    .filter((file) => /\.[cm]?[jt]s$/.test(file) && !file.includes('node_modules'));

  expect(files).toContain('lib/virtual-mfa-device.ts');
  const comment = /(?:oxlint|eslint)-disable|@ts-(?:ignore|nocheck)/;
  expect(files.filter((file) => comment.test(readFileSync(join(ROOT, file), 'utf8')))).toEqual([]);
});
