import {
  aws_iam as iam,
  aws_secretsmanager as secretsmanager,
  aws_ssm as ssm,
  CfnDynamicReference,
  CfnDynamicReferenceService,
  type CfnResource,
  Fn,
  Lazy,
  SecretValue,
  type Stack,
  Tags,
  Token,
} from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { PROPERTY_RULES } from '../../lambda/contract/property-rules';
import { MfaEnforcementPolicy, VirtualMfaDevice, type VirtualMfaDeviceProps } from '../../lib';
import { bobWithDevice, devicePropertiesOf, newStack, templateTextOf } from './templates';

const PROBLEM =
  'got a dynamic reference, {{resolve:…}}; allowed: values without one, for it can put a secret into a name, a path or a ' +
  'tag, where anybody can read it. Write the value itself, or read a parameter with ssm.StringParameter.valueForStringParameter.';

const REFERENCES: readonly (readonly [what: string, reference: (stack: Stack) => string])[] = [
  ['a SecretValue', () => SecretValue.secretsManager('BobsSeed', { jsonField: 'seed' }).unsafeUnwrap()],
  [
    'the value of a secret of the stack, of pieces that are joined',
    (stack) => new secretsmanager.Secret(stack, 'Secret').secretValue.unsafeUnwrap(),
  ],
  ['a secure parameter', () => SecretValue.ssmSecure('BobsSeed').unsafeUnwrap()],
  ['a parameter', () => new CfnDynamicReference(CfnDynamicReferenceService.SSM, 'BobsSeed').toString()],
  ['text', () => '{{resolve:secretsmanager:BobsSeed:SecretString:seed}}'],
];

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
    ['name', how === 'text' ? 'user' : 'userName of the user Stack/Bob', (userName) => ({ userName })],
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
    (device.node.defaultChild as CfnResource).addPropertyOverride('RotationId', reference(stack));

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

test.each(Object.entries(PROPERTY_RULES))('the handler takes none in %s, and says so', (_property, rule) => {
  expect(rule.accepts('/{{resolve:secretsmanager:BobsSeed}}/')).toBe(false);
  expect(rule.allowed).toMatch(/no \{\{resolve:$|no colon|any of _\+=,\.@-$/);
});

test('a parameter that CloudFormation reads as a template parameter passes', () => {
  const stack = newStack();
  bobWithDevice({ rotationId: ssm.StringParameter.valueForStringParameter(stack, '/mfa/rotation') }, stack);

  expect(devicePropertiesOf(stack)).toMatchObject({ RotationId: { Ref: expect.any(String) as string } });
});

describe('a token that is not text is refused', () => {
  test('as a number in text, which would be another one at each synthesis', () => {
    const version = Token.asNumber(Fn.ref('Version'));

    expect(() => bobWithDevice({ rotationId: `v${version}` })).toThrow(
      '[Stack/BobMfa] rotationId: got text with a number that is known at deployment alone; allowed: text, and tokens as ' +
        'text. Turn the number into text with Token.asString.',
    );
  });

  test('as a list in text, by the CDK', () => {
    const [list = ''] = Lazy.list({ produce: () => ['a', 'b'] });
    const { stack } = bobWithDevice({ rotationId: list });

    expect(() => templateTextOf(stack)).toThrow('Found an encoded list token string in a scalar string context');
  });
});
