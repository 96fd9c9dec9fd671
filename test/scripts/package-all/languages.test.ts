import { afterEach, expect, test, vi } from 'vitest';
import { type Language, whyNot } from '../../../scripts/package-all/languages';

const NODE: Language = {
  name: 'JavaScript',
  target: 'js',
  tools: 'Node 20 or newer',
  checks: [[process.execPath, ['--version'], /^v\d\d\./]],
};
const WITHOUT: Language = { ...NODE, checks: [...NODE.checks, ['no-such-command', ['--version'], /./]] };
const TOO_OLD: Language = { ...NODE, checks: [[process.execPath, ['--version'], /^v\d\d\d\./]] };

afterEach(() => vi.unstubAllEnvs());

test('a language whose tools are there is not left out', async () => {
  expect(await whyNot(NODE)).toBeUndefined();
});

test.each([
  ['is missing', WITHOUT, 'no-such-command --version'],
  ['is too old', TOO_OLD, `${process.execPath} --version`],
])('a language is left out with its reason, if one of its tools %s', async (_how, language, command) => {
  expect(await whyNot(language)).toBe(`JavaScript needs Node 20 or newer; \`${command}\` did not find them`);
});

test('a language that the environment requires cannot be left out', async () => {
  vi.stubEnv('REQUIRED_LANGUAGES', 'python,js');

  await expect(whyNot(TOO_OLD)).rejects.toThrow('JavaScript needs Node 20 or newer');
  expect(await whyNot({ ...TOO_OLD, target: 'java' })).toContain('did not find them');
});
