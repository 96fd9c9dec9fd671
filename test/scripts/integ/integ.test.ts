import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = resolve(__dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-fake-npm-'));
const calls = join(folder, 'calls');

beforeAll(() => {
  for (const name of ['npm', 'integ-runner']) {
    const command = join(folder, name);
    writeFileSync(command, `#!/bin/sh\necho "${name} $* key=$AWS_ACCESS_KEY_ID region=$AWS_REGION" >> ${calls}\n`);
    chmodSync(command, 0o755);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function integ(...args: readonly string[]) {
  const env = {
    PATH: [folder, process.env.PATH].join(delimiter),
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_REGION: 'eu-central-1',
  };
  return execa(process.execPath, ['--import', 'tsx', 'scripts/integ.ts', ...args], { cwd: ROOT, env, reject: false });
}

test('npm run integ gives npm no credentials, and lets no package run a script; the runner gets the credentials', async () => {
  const { exitCode, stderr } = await integ('verify', 'packed.tgz');
  const called = readFileSync(calls, 'utf8').trim().split('\n');

  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  expect(called).toEqual([
    'npm ci --silent --prefer-offline --ignore-scripts key= region=',
    'npm install --silent --no-save packed.tgz --ignore-scripts key= region=',
    expect.stringMatching(/^integ-runner .* key=AKIDEXAMPLE region=eu-central-1$/),
  ]);
});

test('npm run integ refuses a mode that it does not know, and names those that it knows', async () => {
  const { exitCode, stderr } = await integ('deplyo');

  expect(exitCode).toBe(1);
  expect(stderr).toContain('Got the mode "deplyo"; allowed: deploy, verify, snapshot, probes.');
});
