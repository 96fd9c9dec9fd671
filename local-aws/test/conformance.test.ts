import { afterAll, describe, expect, test } from 'vitest';
import { readRecordings } from './conformance/recordings';
import { replay } from './conformance/replay';

/** Calls whose answers were recorded on real AWS accounts, made again here: each data file names its source. */
describe('local-aws answers as AWS was recorded to answer', () => {
  const recordings = readRecordings();
  let cases = 0;
  afterAll(() => {
    process.stdout.write(`${cases} recorded cases replayed, from ${recordings.length} data files\n`);
  });

  describe.each(recordings)('$file', ({ scenarios, refusals, source }) => {
    test.each(scenarios)('$name', async (scenario) => {
      expect(scenario.source ?? source).toMatch(/^https:\/\/github\.com\//);

      for (const values of scenario.each ?? [{}]) {
        const replayed = await replay(scenario, refusals, values);

        cases += replayed.filter(({ isCase }) => isCase).length;
        const numbered = (what: 'outcome' | 'recorded') =>
          replayed.map((step, index) => ({ step: `${index + 1} ${step.name}`, answered: step[what] }));
        expect(numbered('outcome')).toEqual(numbered('recorded'));
      }
    });
  });
});
