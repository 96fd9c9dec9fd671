import { join } from 'node:path';
import { App, aws_iam as iam, aws_kms as kms, aws_sns as sns, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import recommendedFlags from 'aws-cdk-lib/recommended-feature-flags.json';
import { AwsSolutionsChecks } from 'cdk-nag';
import { execa } from 'execa';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { MfaEnforcementPolicy, VirtualMfa, VirtualMfaDevice, VirtualMfaWatch } from '../../lib';
import { isInstalled } from '../../local-aws/test/programs';
import { actionsOf, roleStatementsOf, statementsOf, userPoliciesOf } from './templates';

const ENVIRONMENTS: readonly (readonly [where: string, props: StackProps, context: Record<string, unknown>])[] = [
  ['anywhere, without feature flags', {}, {}],
  ['anywhere, with all recommended flags', {}, recommendedFlags],
  [
    'in a region of China, with all recommended flags',
    { env: { account: '123456789012', region: 'cn-north-1' } },
    recommendedFlags,
  ],
];

/** What IAM can bind to no condition, and which by itself changes nothing that is anybody's. */
const WITH_NOTHING_NARROWER = [
  'iam:ListMFADeviceTags',
  'iam:ListVirtualMFADevices',
  'iam:GetAccountPasswordPolicy',
  'iam:CreateVirtualMFADevice',
];

/** A stack with everything that the library makes. */
function everything(props: StackProps, context: Record<string, unknown>): { app: App; stack: Stack } {
  const app = new App({ context });
  const stack = new Stack(app, 'Stack', props);
  const bob = new iam.User(stack, 'Bob');
  const encryptionKey = new kms.Key(stack, 'Key', { enableKeyRotation: true });
  new VirtualMfaDevice(stack, 'BobMfa', { user: bob, encryptionKey, issuer: 'Example Corp', rotationId: '2026-01' });
  const alice = new iam.User(stack, 'Alice');
  alice.with(new VirtualMfa());
  new MfaEnforcementPolicy(stack, 'SelfEnrolled', { users: [bob] });
  new MfaEnforcementPolicy(stack, 'Declared', { users: [alice], selfEnrollment: false });
  const alarmTopic = new sns.Topic(stack, 'Alarms', { enforceSSL: true, masterKey: encryptionKey });
  new VirtualMfaWatch(stack, 'Watch', { repair: true, recreate: true, alarmTopic });
  return { app, stack };
}

afterEach(() => vi.unstubAllEnvs());

describe.each(ENVIRONMENTS)('%s', (_where, props, context) => {
  test('CDK’s own rules and cdk-nag have nothing to say that is not acknowledged with its reason', () => {
    vi.stubEnv('CDK_VALIDATION', 'true');
    const { app } = everything(props, context);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

    expect(() => app.synth()).not.toThrow();
  });

  test('cdk-nag still speaks of what is not the library’s', () => {
    const { app, stack } = everything(props, context);
    const statement = new iam.PolicyStatement({ actions: ['s3:GetObject'], resources: ['*'] });
    new iam.User(stack, 'Mallory').addToPolicy(statement);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

    expect(() => app.synth()).toThrow('Stack/Mallory/DefaultPolicy/Resource');
  });

  test('a wildcard stands for no action, and for a resource only where a condition or nothing but reading narrows it', () => {
    const { stack } = everything(props, context);
    const statements = [...roleStatementsOf(stack), ...Object.values(userPoliciesOf(stack)).flatMap(statementsOf)];
    const allowing = statements.filter(({ Effect }) => Effect === 'Allow');

    expect(actionsOf(allowing).filter((action) => action.includes('*'))).toEqual([]);
    const unbounded = allowing.filter(
      ({ Resource, Condition }) => Condition === undefined && /(?:^"|:\w+\/|:)\*"/.test(JSON.stringify(Resource)),
    );
    expect(new Set(actionsOf(unbounded))).toEqual(new Set(WITH_NOTHING_NARROWER));
  });
});

describe.skipIf(!isInstalled('cfn-lint'))('cfn-lint, where it is installed,', () => {
  let templates: readonly string[];
  let findings: readonly { readonly Filename: string }[];

  beforeAll(async () => {
    templates = ENVIRONMENTS.map(([, props, context]) => {
      const { app, stack } = everything(props, context);
      return join(app.synth().directory, stack.templateFile);
    });
    // It takes more than a second to start. W3005, a dependency that is implied by a reference too: CDK's own Function has one on its role.
    const options = ['--format', 'json', '--ignore-checks', 'W3005', '--'];
    const { stdout } = await execa('cfn-lint', [...options, ...templates], { stdin: 'ignore', reject: false });
    findings = JSON.parse(stdout) as typeof findings;
  });

  test.each(ENVIRONMENTS.map(([where], index) => [where, index] as const))('is content %s', (_where, index) => {
    expect(findings.filter(({ Filename }) => Filename === templates[index])).toEqual([]);
  });
});
