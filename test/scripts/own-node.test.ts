import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownNode } from '../../scripts/own-node';

describe('the machine’s own Node', () => {
  const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-node-'));
  const folderOf = (name: string) => join(folder, name);
  const packages = [folderOf('node_modules/.bin'), folderOf('node_modules/npm/bin')];

  beforeAll(() => {
    for (const directory of [...packages, folderOf('own'), folderOf('empty')]) {
      mkdirSync(directory, { recursive: true });
      if (!directory.endsWith('empty')) symlinkSync(process.execPath, join(directory, 'node'));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is the first one in PATH that no package has put there', () => {
    const path = [...packages, folderOf('empty'), folderOf('own')].join(delimiter);

    expect(ownNode(path)).toBe(join(folder, 'own/node'));
  });

  test('is the one that runs, where there is no other', () => {
    expect(ownNode(packages.join(delimiter))).toBe(process.execPath);
  });

  test('is no package’s here either, whichever Node npm runs this with', () => {
    expect(ownNode(process.env.PATH ?? '')).not.toContain('node_modules');
  });
});
