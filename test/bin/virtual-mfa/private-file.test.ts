import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { requireUnchangedByOthers } from '../../../bin/virtual-mfa/private-file';

let home = '';
let cache = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'virtual-mfa-home-'));
  cache = join(home, '.aws/virtual-mfa/cache');
  mkdirSync(cache, { recursive: true, mode: 0o700 });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Checks the cache as if another user owned one directory. */
function check(directory: string, uid: number): void {
  requireUnchangedByOthers(cache, home, (path) => {
    const { mode, uid: own } = statSync(path);
    return { mode, uid: path === directory ? uid : own };
  });
}

const ANOTHER = (process.getuid?.() ?? 0) + 1;

test.each([['.aws/virtual-mfa/cache'], ['.aws/virtual-mfa'], ['.aws'], ['.']])(
  'a cache is refused where another user owns %s',
  (folder) => {
    const directory = join(home, folder);

    expect(() => check(directory, ANOTHER)).toThrow(
      `Others could replace sessions in ${directory} (owner uid ${ANOTHER}, mode 0700).`,
    );
  },
);

test('a cache is taken where root owns a parent', () => {
  expect(() => check(join(home, '.aws'), 0)).not.toThrow();
});

test('a cache is taken where everybody may write to a parent that is sticky, and refused where it is not', () => {
  chmodSync(home, 0o1777);
  expect(() => check('', 0)).not.toThrow();

  chmodSync(home, 0o0777);
  expect(() => check('', 0)).toThrow('(owner uid');
});
