import { transformSync } from 'esbuild';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { decide } from '../../lambda/device/decide';
import * as ownTags from '../../lambda/contract/own-tags';
import * as ownership from '../../lambda/device/ownership';
import * as serialNumber from '../../lambda/contract/serial-number';
import * as storedSeed from '../../lambda/contract/stored-seed';
import * as failure from '../../lambda/failure';
import { isMutantOf, type Mutant, MUTANTS } from './mutants';
import { walk } from './walk';
import { ENDS, WORLDS } from './worlds';

const SOURCE = readFileSync(join(__dirname, '../../lambda/device/decide.ts'), 'utf8');
const MODULES: Readonly<Record<string, unknown>> = {
  '../failure': failure,
  './ownership': ownership,
  '../contract/own-tags': ownTags,
  '../contract/serial-number': serialNumber,
  '../contract/stored-seed': storedSeed,
};

/** A module as esbuild writes it. */
interface CommonJsModule {
  exports: { readonly decide?: unknown };
}
type Load = (module: CommonJsModule, exports: object, require: (name: string) => unknown) => void;

describe('the walk notices', { timeout: 30 * 60_000 }, () => {
  it.each(MUTANTS)('where it is not so that $rule', async (mutant) => {
    await expect(walkThroughAll(decideOf(mutant))).rejects.toThrow();
  });

  it('nothing where all rules hold', async () => {
    await expect(
      walkThroughAll(decideOf({ rule: 'none', search: '/**\n * The next', replace: '/**\n * The next' })),
    ).resolves.toBe(undefined);
  });
});

/** Does what walk.test.ts does, until something is wrong. */
async function walkThroughAll(decideStep: typeof decide): Promise<void> {
  for (const world of WORLDS) {
    const { ends } = await walk(world, decideStep, { moves: 0, isCalm: true });
    if ([...ends].join() !== world.calm) throw new Error(`${world.name} ends with ${[...ends].join()}`);
  }
  const ends = new Set<string>();
  for (const world of WORLDS) (await walk(world, decideStep)).ends.forEach((end) => ends.add(end));
  const different = [...new Set([...ends, ...ENDS])].filter((end) => !ends.has(end) || !ENDS.includes(end));
  if (different.length > 0) throw new Error(`Never, or wrongly, ends with ${different.join()}`);
}

function decideOf(mutant: Mutant): typeof decide {
  const { search, replace } = mutant;
  if (!isMutantOf(SOURCE, mutant)) throw new TypeError(`decide.ts does not hold once: ${search}`);
  const { code } = transformSync(
    SOURCE.replace(search, () => replace),
    { loader: 'ts', format: 'cjs' },
  );
  const module: CommonJsModule = { exports: {} };
  const load = runInThisContext(`(module, exports, require) => {${code}\n}`) as Load;
  load(module, module.exports, (name) => MODULES[name]);
  return module.exports.decide as typeof decide;
}
