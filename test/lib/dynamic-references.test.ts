import {
  aws_iam as iam,
  aws_kms as kms,
  aws_secretsmanager as secretsmanager,
  aws_ssm as ssm,
  CfnDynamicReference,
  CfnDynamicReferenceService,
  CfnMapping,
  CfnParameter,
  type CfnResource,
  Fn,
  Lazy,
  SecretValue,
  type Stack,
  Tags,
  Token,
} from 'aws-cdk-lib';
import { type IConstruct } from 'constructs';
import { describe, expect, test } from 'vitest';
import { PROPERTY_RULES } from '../../lambda/contract/property-rules';
import { MfaEnforcementPolicy, VirtualMfaDevice, type VirtualMfaDeviceProps } from '../../lib';
import { bobWithDevice, devicePropertiesOf, newStack, templateTextOf } from './templates';

const PROBLEM =
  'got a dynamic reference, {{resolve:…}}, or a part of one; allowed: values without one, because it can put a secret into a name, ' +
  'a path, a tag or a policy, where anybody can read it. Write the value itself, or read a parameter with ' +
  'ssm.StringParameter.valueForStringParameter.';

const REFERENCES: readonly (readonly [what: string, reference: (stack: Stack) => string])[] = [
  ['a SecretValue', () => SecretValue.secretsManager('BobsSeed', { jsonField: 'seed' }).unsafeUnwrap()],
  [
    'the value of a secret of the stack, of pieces that are joined',
    (stack) => new secretsmanager.Secret(stack, 'Secret').secretValue.unsafeUnwrap(),
  ],
  ['a secure parameter', () => SecretValue.ssmSecure('BobsSeed').unsafeUnwrap()],
  ['a parameter', () => new CfnDynamicReference(CfnDynamicReferenceService.SSM, 'BobsSeed').toString()],
  ['text', () => '{{resolve:secretsmanager:BobsSeed:SecretString:seed}}'],
  ['text with spaces', () => '{{ resolve : ssm:BobsSeed}}'],
  ['text in capitals', () => '{{RESOLVE:ssm:BobsSeed}}'],
  ['pieces that Fn::Join puts together', () => Fn.join(':', ['{{resolve', Fn.ref('AWS::Region'), 'BobsSeed}}'])],
  ['pieces with a brace at each edge', () => Fn.join('', ['a{', Fn.ref('AWS::Region'), '{resolve'])],
  ['a word that Fn::Sub puts in', () => Fn.sub('{{${R}:ssm:BobsSeed}}', { R: 'resolve' })],
  ['a word after what Fn::Sub puts in', () => Fn.sub('${AWS::Region}resolve:ssm:BobsSeed}}')],
  ['a piece that Fn::Select chooses', () => Fn.select(0, Fn.split('|', Fn.sub('{{resolve|${AWS::Region}')))],
  [
    'the default of a parameter',
    (stack) => new CfnParameter(stack, 'Reference', { default: '{{resolve:ssm:BobsSeed}}' }).valueAsString,
  ],
  [
    'a piece that is the default of a parameter',
    (stack) => {
      new CfnParameter(stack, 'Braces', { default: '{{' });
      return Fn.sub('${Braces}${AWS::Region}');
    },
  ],
  [
    'a value of a mapping',
    (stack) => {
      const mapping = { eu: { seed: '{{resolve:ssm:BobsSeed}}' } };
      return new CfnMapping(stack, 'References', { mapping }).findInMap(Fn.ref('AWS::Region'), 'seed');
    },
  ],
];
/** Texts that are refused as soon as they are given. */
const isText = (how: string) => how.startsWith('text');

const PROVIDER = 'Stack/Custom::IAMVirtualMFADeviceProvider';
const ONLY_SECRETS = { includeResourceTypes: ['AWS::SecretsManager::Secret'] };

function override({ node }: IConstruct, property: string, text: string): void {
  (node.defaultChild as CfnResource).addPropertyOverride(property, text);
}

/** What synthesis throws; a message never repeats the reference. */
function problemsOf(synthesize: () => unknown): string {
  try {
    synthesize();
  } catch (error) {
    expect(String(error)).not.toContain('BobsSeed');
    return String(error);
  }
  return 'none';
}

describe.each(REFERENCES)('a dynamic reference, as %s, is refused', (how, reference) => {
  test.each<[property: keyof VirtualMfaDeviceProps, props: (text: string) => Omit<VirtualMfaDeviceProps, 'user'>]>([
    ['virtualMfaDeviceName', (text) => ({ virtualMfaDeviceName: text })],
    ['path', (text) => ({ path: `/${text}/` })],
    ['issuer', (text) => ({ issuer: text })],
    ['rotationId', (text) => ({ rotationId: `after ${text}` })],
  ])('as %s', (property, props) => {
    const stack = newStack();

    expect(
      problemsOf(() => {
        bobWithDevice(props(reference(stack)), stack);
        templateTextOf(stack);
      }),
    ).toContain(`[Stack/BobMfa] ${property}: ${PROBLEM}`);
  });

  test('as the name of an imported user', () => {
    const stack = newStack();

    expect(
      problemsOf(() => {
        const user = iam.User.fromUserName(stack, 'Bob', reference(stack));
        new VirtualMfaDevice(stack, 'BobMfa', { user });
        templateTextOf(stack);
      }),
    ).toContain(`[Stack/BobMfa] user: ${PROBLEM}`);
  });

  test.each<[what: string, problem: string, props: (text: string) => iam.CfnUserProps]>([
    // Text is refused at once, in the words for a user who is imported.
    ['name', isText(how) ? 'user' : 'userName of the user Stack/Bob', (userName) => ({ userName })],
    ['path', 'path of the user Stack/Bob', (text) => ({ path: `/${text}/` })],
  ])('as the %s of a declared user', (_property, problem, props) => {
    const stack = newStack();

    expect(
      problemsOf(() => {
        const user = new iam.CfnUser(stack, 'Bob', props(reference(stack)));
        new VirtualMfaDevice(stack, 'BobMfa', { user });
        templateTextOf(stack);
      }),
    ).toContain(`[Stack/BobMfa] ${problem}: ${PROBLEM}`);
  });

  test.each<[how: string, user: (stack: Stack, arn: string) => iam.IUser]>([
    ['the ARN', (stack, arn) => iam.User.fromUserArn(stack, 'Bob', arn)],
    ['an attribute', (stack, userArn) => iam.User.fromUserAttributes(stack, 'Bob', { userArn })],
  ])('in %s of an imported user, where it would be in a policy', (_how, importedFrom) => {
    const stack = newStack();

    const problems = problemsOf(() => {
      const user = importedFrom(stack, `arn:aws:iam::123456789012:user/${reference(stack)}/bob`);
      new VirtualMfaDevice(stack, 'BobMfa', { user });
      templateTextOf(stack);
    });

    expect(problems).toContain(`[Stack/BobMfa] user: ${PROBLEM}`);
    if (!isText(how)) {
      expect(problems).toContain(
        `[${PROVIDER}/UserPolicies] PolicyDocument of ${PROVIDER}/UserPolicies/Users0/Resource: `,
      );
    }
  });

  test('in the ARN of a key, where it would be in a policy', () => {
    const stack = newStack();
    const keyArn = `arn:aws:kms:eu-west-1:123456789012:key/${reference(stack)}`;
    bobWithDevice({ encryptionKey: kms.Key.fromKeyArn(stack, 'Key', keyArn) }, stack);

    const problems = problemsOf(() => templateTextOf(stack));

    expect(problems).toContain(`[Stack/BobMfa] encryptionKey: ${PROBLEM}`);
    expect(problems).toContain(`[${PROVIDER}/SeedKeys] PolicyDocument of ${PROVIDER}/SeedKeys/Policy: `);
  });

  test.each<[what: string, property: string, add: (device: VirtualMfaDevice, text: string) => void]>([
    ['a tag', 'Tags', ({ seedSecret }, text) => Tags.of(seedSecret).add('Team', text)],
    ['a tag that the device has not', 'Tags', (device, text) => Tags.of(device).add('Team', text, ONLY_SECRETS)],
    ['the description', 'Description', ({ seedSecret }, text) => override(seedSecret, 'Description', text)],
    ['a property that this library does not set', 'Name', ({ seedSecret }, text) => override(seedSecret, 'Name', text)],
  ])('as %s of the secret', (_what, property, add) => {
    const { stack, device } = bobWithDevice();
    add(device, reference(stack));

    expect(problemsOf(() => templateTextOf(stack))).toContain(
      `[Stack/BobMfa] ${property} of Stack/BobMfa/Seed/Resource: ${PROBLEM}`,
    );
  });

  test.each([['SeedSecretArn'], ['Unknown'], ['Unknown.Below.0']])('as an override of %s', (property) => {
    const { stack, device } = bobWithDevice();
    override(device, property, reference(stack));

    expect(problemsOf(() => templateTextOf(stack))).toContain(
      `[Stack/BobMfa] ${property.split('.')[0] ?? ''}: ${PROBLEM}`,
    );
  });

  test.each<[what: string, add: (stack: Stack, text: string) => void]>([
    ['the value of a tag', (stack, text) => Tags.of(stack).add('Team', text)],
    ['the key of a tag', (stack, text) => Tags.of(stack).add(text, 'Security')],
  ])('as %s', (_tag, add) => {
    const { stack } = bobWithDevice();
    add(stack, reference(stack));

    expect(problemsOf(() => templateTextOf(stack))).toContain(`[Stack/BobMfa] tags: ${PROBLEM}`);
  });

  test('as what an override puts into the template', () => {
    const { stack, device } = bobWithDevice();
    override(device, 'RotationId', reference(stack));

    expect(problemsOf(() => templateTextOf(stack))).toContain(`[Stack/BobMfa] rotationId: ${PROBLEM}`);
  });

  test.each<[property: string, props: (text: string) => ConstructorParameters<typeof MfaEnforcementPolicy>[2]]>([
    ['managedPolicyName', (managedPolicyName) => ({ managedPolicyName })],
    ['path', (text) => ({ path: `/${text}/` })],
  ])('as %s of an enforcement policy', (property, props) => {
    const stack = newStack();

    expect(
      problemsOf(() => {
        new MfaEnforcementPolicy(stack, 'Policy', props(reference(stack)));
        templateTextOf(stack);
      }),
    ).toContain(`[Stack/Policy] ${property}: ${PROBLEM}`);
  });
});

test('a policy that enforces MFA takes none in what others add to it', () => {
  const stack = newStack();
  const policy = new MfaEnforcementPolicy(stack, 'Policy');
  policy.addStatements(
    new iam.PolicyStatement({
      actions: ['iam:GetUser'],
      resources: [SecretValue.ssmSecure('BobsSeed').unsafeUnwrap()],
    }),
  );

  expect(problemsOf(() => templateTextOf(stack))).toContain(
    `[Stack/Policy] PolicyDocument of Stack/Policy/Resource: ${PROBLEM}`,
  );
});

test.each(Object.entries(PROPERTY_RULES))('the handler takes none in %s, and says so', (_property, rule) => {
  for (const text of ['/{{resolve:secretsmanager:BobsSeed}}/', '/{{Resolve:ssm:x}}/', '{{ resolve :x']) {
    expect(rule.accepts(text)).toBe(false);
  }
  expect(rule.allowed).toMatch(/no \{\{resolve:$|no colon|any of _\+=,\.@-$/);
});

test('a parameter that CloudFormation reads as a template parameter passes', () => {
  const stack = newStack();
  bobWithDevice({ rotationId: ssm.StringParameter.valueForStringParameter(stack, '/mfa/rotation') }, stack);

  expect(devicePropertiesOf(stack)).toMatchObject({ RotationId: { Ref: expect.any(String) as string } });
});

test.each<[what: string, text: (stack: Stack) => string]>([
  ['a brace', () => 'a {b} c'],
  ['two braces around something else', () => '{{2026}} resolve'],
  ['a token between words', (stack) => `release-${stack.region}-resolved`],
  ['the default of a parameter', (stack) => new CfnParameter(stack, 'P', { default: 'after {1}' }).valueAsString],
  ['a condition', () => Fn.conditionIf('Condition', '2026', '2027').toString()],
])('text that only looks like one passes: %s', (_what, text) => {
  const stack = newStack();
  bobWithDevice({ rotationId: text(stack) }, stack);

  expect(() => templateTextOf(stack)).not.toThrow(/resolve:/);
});

describe('a token that is not text is refused', () => {
  test('as a number in text, which would be another one at each synthesis', () => {
    const version = Token.asNumber(Fn.ref('Version'));

    expect(() => bobWithDevice({ rotationId: `v${version}` })).toThrow(
      '[Stack/BobMfa] rotationId: got text with a number that is known only at deployment; allowed: text, and tokens as ' +
        'text. Turn the number into text with Token.asString.',
    );
  });

  test('as a list in text, by the CDK', () => {
    const [list = ''] = Lazy.list({ produce: () => ['a', 'b'] });
    const { stack } = bobWithDevice({ rotationId: list });

    expect(() => templateTextOf(stack)).toThrow('Found an encoded list token string in a scalar string context');
  });
});
