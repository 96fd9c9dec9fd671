import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENROLLMENT_TAG, LOGICAL_ID_TAG, STACK_ID_TAG } from '../../lambda/contract/own-tags';
import { CONSTRUCT_PROPERTIES, type EnrollmentEvent } from '../../lambda/contract/properties';
import { readEnrollmentRequest } from '../../lambda/device/enrollment-request';
import { Failure } from '../../lambda/failure';

const STACK_ID = 'arn:aws:cloudformation:us-east-1:123456789012:stack/users/8f5c2a10-aaaa-bbbb-cccc-0123456789ab';
const SECRET_ARN = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:seed-AbCdEf';

function eventWith(
  properties: Readonly<Record<string, unknown>> = {},
  event: Partial<EnrollmentEvent> = {},
): EnrollmentEvent {
  return {
    StackId: STACK_ID,
    LogicalResourceId: 'BobMfa',
    ResourceProperties: { UserName: 'bob', SeedSecretArn: SECRET_ARN, ...properties },
    ...event,
  };
}

function failureOf(event: EnrollmentEvent): Failure {
  try {
    readEnrollmentRequest(event);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('The request was accepted');
}

const friendly = fc.stringMatching(/^[\w+=,.@-]+$/);
const anyUserName = friendly.map((name) => name.slice(0, 128));
const anyPath = fc
  .array(fc.stringMatching(/^[a-zA-Z0-9._-]{1,12}$/), { maxLength: 3 })
  .map((parts) => (parts.length === 0 ? '/' : `/${parts.join('/')}/`));
const anyRotationId = fc.stringMatching(/^[ -~]{1,64}$/);
const anyProperties = fc.record({ UserName: anyUserName, Path: anyPath, RotationId: anyRotationId });

describe('the device name', () => {
  it('is the user name and a short hash, unless one is given', () => {
    expect(readEnrollmentRequest(eventWith()).virtualMfaDeviceName).toMatch(/^bob-[0-9a-f]{10}$/);
    expect(readEnrollmentRequest(eventWith({ VirtualMFADeviceName: 'phone' })).virtualMfaDeviceName).toBe('phone');
  });

  it('is the same each time, and depends on nothing but stack, resource, user, path and rotation', () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        const name = readEnrollmentRequest(eventWith(properties)).virtualMfaDeviceName;
        const again = eventWith({
          ...properties,
          Issuer: 'Elsewhere',
          Tags: [{ Key: 'team', Value: 'blue' }],
          SeedSecretArn: `${SECRET_ARN}-other`,
          ServiceTimeout: '1700',
        });
        expect(readEnrollmentRequest(again).virtualMfaDeviceName).toBe(name);
      }),
    );
  });

  it.each<[string, EnrollmentEvent]>([
    ['the stack', eventWith({}, { StackId: STACK_ID.replace('8f5c2a10', '8f5c2a11') })],
    ['the logical id', eventWith({}, { LogicalResourceId: 'BobMfa2' })],
    ['the path', eventWith({ Path: '/robots/' })],
    ['the rotation id', eventWith({ RotationId: '2' })],
    ['the user', eventWith({ UserName: 'Bob' })],
  ])('changes with %s', (_what, event) => {
    const name = readEnrollmentRequest(eventWith()).virtualMfaDeviceName;
    expect(readEnrollmentRequest(event).virtualMfaDeviceName).not.toBe(name);
  });

  it('does not confuse parts that read the same one after the other', () => {
    const one = readEnrollmentRequest(eventWith({ Path: '/a/', RotationId: 'b' }));
    const other = readEnrollmentRequest(eventWith({ Path: '/a/b/' }));
    expect(one.virtualMfaDeviceName.slice(-10)).not.toBe(other.virtualMfaDeviceName.slice(-10));
  });

  it('keeps the limits of IAM for any user, path and rotation', () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        const request = readEnrollmentRequest(eventWith(properties));
        expect(request.virtualMfaDeviceName).toMatch(/^[\w+=,.@-]{1,226}$/);
        expect(request.serialNumber).toMatch(/^[\w+=/:,.@-]{9,256}$/);
        expect(request.serialNumber).toBe(
          `arn:aws:iam::123456789012:mfa${properties.Path}${request.virtualMfaDeviceName}`,
        );
      }),
    );
  });
});

describe('partition and account', () => {
  it.each([
    ['aws-cn', 'arn:aws-cn:cloudformation:cn-north-1:210987654321:stack/users/1'],
    ['aws-us-gov', 'arn:aws-us-gov:cloudformation:us-gov-west-1:210987654321:stack/users/1'],
  ])('come from the id of the stack: %s', (partition, stackId) => {
    const request = readEnrollmentRequest(eventWith({}, { StackId: stackId }));

    expect(request.accountId).toBe('210987654321');
    expect(request.serialNumber.startsWith(`arn:${partition}:iam::210987654321:mfa/bob-`)).toBe(true);
  });
});

describe('a property that is left out', () => {
  it('has its default', () => {
    expect(readEnrollmentRequest(eventWith())).toMatchObject({ path: '/', issuer: 'Amazon Web Services' });
    const tags = readEnrollmentRequest(eventWith()).tags;
    expect(tags.map(({ Key }) => Key)).toEqual([STACK_ID_TAG, LOGICAL_ID_TAG, ENROLLMENT_TAG]);
  });

  it('makes the same device as its default written out, where the default is the path', () => {
    expect(readEnrollmentRequest(eventWith({ Path: '/' })).serialNumber).toBe(
      readEnrollmentRequest(eventWith()).serialNumber,
    );
  });

  it.each(['UserName', 'SeedSecretArn'] as const)('is refused as absent, where it is %s', (name) => {
    const failure = failureOf(eventWith({ [name]: undefined }));
    expect(failure.message).toContain(
      `The property ${CONSTRUCT_PROPERTIES[name]} is not valid: got nothing; allowed: `,
    );
  });
});

describe('a property that is not allowed', () => {
  it.each<[keyof typeof CONSTRUCT_PROPERTIES, unknown, string]>([
    ['UserName', '', '1 to 128 characters'],
    ['UserName', 'a'.repeat(129), '1 to 128 characters'],
    ['UserName', 'bob marley', 'letters, digits'],
    ['UserName', 'bob/eve', 'letters, digits'],
    ['UserName', 'bob\n', 'letters, digits'],
    ['UserName', 'böb', 'letters, digits'],
    ['UserName', 7, 'letters, digits'],
    ['UserName', null, 'letters, digits'],
    ['VirtualMFADeviceName', '', '1 to 226 characters'],
    ['VirtualMFADeviceName', 'a'.repeat(227), '1 to 226 characters'],
    ['VirtualMFADeviceName', 'my phone', 'letters, digits'],
    ['VirtualMFADeviceName', ['phone'], 'letters, digits'],
    ['Path', '', 'beginning and ending with /'],
    ['Path', 'robots', 'beginning and ending with /'],
    ['Path', '/robots', 'beginning and ending with /'],
    ['Path', 'robots/', 'beginning and ending with /'],
    ['Path', '/ro bots/', 'U+0021 to U+007E'],
    ['Path', '/röbots/', 'U+0021 to U+007E'],
    ['Path', '/ro\u007fbots/', 'U+0021 to U+007E'],
    ['Path', `/${'a'.repeat(511)}/`, '1 to 512 characters'],
    ['Issuer', '', '1 to 128 characters'],
    ['Issuer', 'a'.repeat(129), '1 to 128 characters'],
    ['Issuer', 'Wonder:Land', 'no colon'],
    ['Issuer', 'Wonder\tLand', 'no control characters'],
    ['RotationId', '', '1 to 256 characters'],
    ['RotationId', 'a'.repeat(257), '1 to 256 characters'],
    ['RotationId', 'a\u0000b', 'no control characters'],
    ['SeedSecretArn', 'hunter2', 'the ARN of a Secrets Manager secret'],
    ['SeedSecretArn', 'arn:aws:ssm:us-east-1:123456789012:parameter/seed', 'the ARN of a Secrets Manager secret'],
    [
      'SeedSecretArn',
      `arn:aws:secretsmanager:us-east-1:123456789012:secret:${'s'.repeat(520)}`,
      'the ARN of a Secrets Manager secret',
    ],
    ['SeedSecretArn', 1, 'the ARN of a Secrets Manager secret'],
    ['Tags', 'team=blue', 'a list of up to 45 {Key, Value}'],
    ['Tags', [{ Key: 'team' }], 'a list of up to 45 {Key, Value}'],
    ['Tags', [{ Key: 'team', Value: 7 }], 'a list of up to 45 {Key, Value}'],
    ['Tags', [{ Key: 'team', Value: 'v'.repeat(257) }], 'a value has up to 256 characters'],
    ['Tags', Array.from({ length: 46 }, (_, index) => ({ Key: `k${index}`, Value: '' })), 'a list of up to 45'],
    ['Tags', [null], 'a list of up to 45 {Key, Value}'],
    ['Tags', [{ Key: STACK_ID_TAG, Value: 'another' }], 'does not begin with aws: or cdk-iam-virtual-mfa:'],
    [
      'Tags',
      [{ Key: STACK_ID_TAG.toUpperCase(), Value: 'another' }],
      'does not begin with aws: or cdk-iam-virtual-mfa:',
    ],
    [
      'Tags',
      [{ Key: 'team', Value: '{{resolve:secretsmanager:Seed}}' }],
      'a value has up to 256 characters, letters, digits',
    ],
    [
      'Tags',
      [{ Key: '{{resolve:secretsmanager:Seed}}', Value: 'blue' }],
      'a key has 1 to 128 characters, letters, digits',
    ],
    ['Path', '/{{resolve:secretsmanager:Seed}}/', 'no {{resolve:'],
    ['RotationId', '{{resolve:secretsmanager:Seed}}', 'no {{resolve:'],
  ])('is refused with its name and what is allowed, and is not repeated: %s = %j', (name, got, allowed) => {
    const { message } = failureOf(eventWith({ [name]: got }));

    expect(message).toContain(`The property ${CONSTRUCT_PROPERTIES[name]} is not valid: got `);
    if (got !== '' && got !== null) expect(message).not.toContain(typeof got === 'string' ? got : JSON.stringify(got));
    expect(message).toContain('allowed: ');
    expect(message).toContain(allowed);
    expect(message).toContain('nothing was created or changed');
  });

  it('is refused where path and name are too long together, though each alone is not', () => {
    const path = `/${'p'.repeat(120)}/`;
    const name = 'n'.repeat(120);

    const { message } = failureOf(eventWith({ Path: path, VirtualMFADeviceName: name }));

    const { length } = `arn:aws:iam::123456789012:mfa${path}${name}`;
    expect(message).toContain(`serial number would have ${length} characters; IAM allows 256`);
    expect(message).not.toContain(path);
  });

  it('is not refused at its limit', () => {
    expect(() =>
      readEnrollmentRequest(
        eventWith({ UserName: 'u'.repeat(128), Issuer: 'i'.repeat(128), RotationId: 'r'.repeat(256) }),
      ),
    ).not.toThrow();
    const name = 'n'.repeat(256 - 'arn:aws:iam::123456789012:mfa/'.length);
    expect(readEnrollmentRequest(eventWith({ VirtualMFADeviceName: name })).serialNumber).toHaveLength(256);
  });

  it('never throws anything but a Failure, whatever the template holds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), fc.jsonValue(), (rest, Tags, Path) => {
        try {
          readEnrollmentRequest(eventWith({ ...rest, Tags, Path }));
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
        }
      }),
    );
  });
});

describe('tags', () => {
  it('are the marks first, then those of the properties in their order', () => {
    const Tags = [
      { Key: 'team', Value: 'blue' },
      { Key: 'empty', Value: '' },
    ];

    const request = readEnrollmentRequest(eventWith({ Tags }));

    expect(request.tags.slice(0, 3)).toEqual(request.ownershipTags);
    expect(request.tags.slice(3)).toEqual(Tags);
    expect(request.ownershipTags).toContainEqual({ Key: STACK_ID_TAG, Value: STACK_ID });
    expect(request.ownershipTags).toContainEqual({ Key: LOGICAL_ID_TAG, Value: 'BobMfa' });
  });

  it('tell enrolments apart by user, path and rotation, not by issuer, name or tags', () => {
    const enrolmentOf = (properties: Readonly<Record<string, unknown>>) =>
      readEnrollmentRequest(eventWith(properties)).ownershipTags.find(({ Key }) => Key === ENROLLMENT_TAG)?.Value;

    const enrolment = enrolmentOf({});

    expect(enrolmentOf({ Issuer: 'Elsewhere', VirtualMFADeviceName: 'phone', Tags: [] })).toBe(enrolment);
    expect(enrolmentOf({ UserName: 'eve' })).not.toBe(enrolment);
    expect(enrolmentOf({ Path: '/robots/' })).not.toBe(enrolment);
    expect(enrolmentOf({ RotationId: '2' })).not.toBe(enrolment);
  });
});
