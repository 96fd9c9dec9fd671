import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import recommendedFlags from 'aws-cdk-lib/recommended-feature-flags.json';
import { afterAll, describe, expect, test } from 'vitest';
import cdkJson from '../../cdk.json';

const OUTPUT_DIRECTORY = mkdtempSync(join(tmpdir(), 'virtual-mfa-app-'));
afterAll(() => rmSync(OUTPUT_DIRECTORY, { recursive: true, force: true }));

interface AppTemplate {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties?: Record<string, unknown> }>
  >;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>;
}

/** Runs the app as the CDK CLI does: the command of cdk.json, with its context and what `-c` gives. */
function environmentFor(context: Record<string, string>): NodeJS.ProcessEnv {
  return {
    ...process.env,
    CDK_OUTDIR: OUTPUT_DIRECTORY,
    CDK_CONTEXT_JSON: JSON.stringify({ ...cdkJson.context, ...context }),
  };
}

function synth(context: Record<string, string> = {}): AppTemplate {
  execFileSync(cdkJson.app, { shell: true, env: environmentFor(context), stdio: 'pipe' });
  return JSON.parse(readFileSync(join(OUTPUT_DIRECTORY, 'VirtualMfaStack.template.json'), 'utf8')) as AppTemplate;
}

function errorOf(context: Record<string, string>): string {
  const { status, stderr } = spawnSync(cdkJson.app, { shell: true, env: environmentFor(context), encoding: 'utf8' });
  expect(status).not.toBe(0);
  return stderr;
}

function propertiesOf(template: AppTemplate, type: string): (Record<string, unknown> | undefined)[] {
  return Object.values(template.Resources)
    .filter(({ Type }) => Type === type)
    .map(({ Properties }) => Properties);
}

describe('the app behind cdk.json', () => {
  test('declares Bob and his device, and gives out where they are, not the seed', () => {
    const template = synth();

    expect(propertiesOf(template, 'AWS::IAM::User')).toEqual([{ UserName: 'Bob' }]);
    expect(propertiesOf(template, 'Custom::IAMVirtualMFADevice')).toHaveLength(1);
    expect(Object.keys(template.Outputs).sort()).toEqual(['BobSeedSecretArn', 'BobSerialNumber']);
    expect(JSON.stringify(template)).not.toContain('resolve:secretsmanager');
  });

  test('declares the users of the context, and rotates their devices by it', () => {
    const template = synth({ users: 'Bob, Alice', rotationId: '2', stackName: 'mfa' });

    expect(propertiesOf(template, 'AWS::IAM::User')).toEqual([{ UserName: 'Bob' }, { UserName: 'Alice' }]);
    expect(propertiesOf(template, 'Custom::IAMVirtualMFADevice')).toEqual([
      expect.objectContaining({ RotationId: '2' }),
      expect.objectContaining({ RotationId: '2' }),
    ]);
    const manifest = readFileSync(join(OUTPUT_DIRECTORY, 'manifest.json'), 'utf8');
    expect(manifest).toContain('"stackName": "mfa"');
  });

  test.each([
    ['', 'got the name ""; allowed: 1 to 64 characters, letters, digits and any of _+=.@-.'],
    ['Bob Smith', 'got the name "Bob Smith"'],
    ['Bob,bob', 'got "bob" twice; allowed: each user once, for IAM ignores the case of names. Remove one.'],
  ])('refuses the users "%s"', (users, message) => {
    expect(errorOf({ users })).toContain(`Context users: ${message}`);
  });

  test('runs under the feature flags that the CDK recommends', () => {
    expect(cdkJson.context).toEqual(recommendedFlags);
  });
});
