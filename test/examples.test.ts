import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const EXAMPLES = join(__dirname, '../examples');

/** How many devices each example gives to how many users, in all its stacks. */
const EXPECTED: Readonly<Record<string, { readonly users: number; readonly devices: number }>> = {
  'all-users.ts': { users: 4, devices: 3 },
  'break-glass.ts': { users: 1, devices: 1 },
  'one-user.ts': { users: 1, devices: 1 },
  'pipeline.ts': { users: 4, devices: 4 },
};

describe('the examples', () => {
  let assembly = '';
  beforeEach(() => {
    assembly = mkdtempSync(join(tmpdir(), 'virtual-mfa-example-'));
    vi.stubEnv('CDK_OUTDIR', assembly);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(assembly, { recursive: true, force: true });
  });

  test('are these', () => {
    expect(readdirSync(EXAMPLES)).toEqual(Object.keys(EXPECTED));
  });

  test.each(Object.entries(EXPECTED))('%s synthesizes, and is short', async (file, { users, devices }) => {
    await import(join(EXAMPLES, file));

    const templates = readdirSync(assembly, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.template.json'))
      .map((path) => readFileSync(join(assembly, path), 'utf8'))
      .join('\n');
    expect(templates.match(/"Type": "AWS::IAM::User"/g)).toHaveLength(users);
    expect(templates.match(/"Type": "Custom::IAMVirtualMFADevice"/g)).toHaveLength(devices);
    expect(readFileSync(join(EXAMPLES, file), 'utf8').split('\n').length).toBeLessThanOrEqual(40);
  });
});
