import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decide } from '../../lambda/device/decide';
import { isMutantOf, MUTANTS } from './mutants';
import { walk } from './walk';
import { ENDS, WORLDS } from './worlds';

/** `WALK_MOVES=2 npx vitest run test/lambda/walk.test.ts` looks further, for minutes. */
const MOVES = Number(process.env.WALK_MOVES ?? 1);
const LIMIT_MILLISECONDS = 30 * 60_000;

describe('whatever others do and AWS answers', { timeout: LIMIT_MILLISECONDS }, () => {
  let states = 0;
  const ends = new Set<string>();
  const began = process.cpuUsage();
  const { stackTraceLimit } = Error;
  // Runs fail a million times here, and nobody reads the stack traces.
  beforeAll(() => (Error.stackTraceLimit = 0));
  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit;
    const { user, system } = process.cpuUsage(began);
    process.stdout.write(`walk: ${states} states in ${((user + system) / 1e6).toFixed(1)} CPU seconds\n`);
  });

  it.each(WORLDS)('$name touches nothing that is not its own, and comes to a good end', async (world) => {
    const walked = await walk(world, decide, { moves: world.moves ?? MOVES });
    states += walked.states;
    walked.ends.forEach((end) => ends.add(end));
    expect(walked.states).toBeGreaterThan(1);
  });

  it('runs end in each way that they can, and in no other', () => {
    expect([...ends].sort()).toEqual([...ENDS].sort());
  });

  it.each(WORLDS)('$name ends as it should where nobody disturbs it', async (world) => {
    const { ends: calmEnds } = await walk(world, decide, { moves: 0, isCalm: true });
    expect([...calmEnds]).toEqual([world.calm]);
  });
});

// To try them all takes minutes: npm run mutants.
it('each mutant breaks one rule of decide.ts as it is', () => {
  const source = readFileSync(join(__dirname, '../../lambda/device/decide.ts'), 'utf8');
  expect(MUTANTS.filter((mutant) => !isMutantOf(source, mutant))).toEqual([]);
});
