import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { authorize, evaluate, evaluateResourcePolicy } from '../src/authorization';
import { isPolicyDocument, type PolicyDocument, type PolicyStatement } from '../src/policy-document';
import type { Principal } from '../src/principal';

const BOB = 'arn:aws:iam::123456789012:user/Bob';
const MFA = 'arn:aws:iam::123456789012:mfa/team/bob';
const REQUEST = { action: 'iam:EnableMFADevice', resource: BOB };

type Context = Parameters<typeof evaluate>[2];

const statement = (parts: Partial<PolicyStatement>): PolicyStatement => ({
  Effect: 'Allow',
  ...(parts.NotAction === undefined ? { Action: '*' } : {}),
  ...(parts.NotResource === undefined ? { Resource: '*' } : {}),
  ...parts,
});
const policy = (...statements: Partial<PolicyStatement>[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements.map(statement),
});
const decide = (parts: Partial<PolicyStatement>, request = REQUEST, context: Context = {}) =>
  evaluate([policy(parts)], request, context);
const allows = (parts: Partial<PolicyStatement>, request = REQUEST, context: Context = {}) =>
  decide(parts, request, context) === 'allowed';

describe('an action', () => {
  it.each([
    ['iam:EnableMFADevice', true],
    ['IAM:enablemfadevice', true],
    ['iam:*', true],
    ['*', true],
    ['iam:*MFADevice', true],
    ['iam:Enable???Device', true],
    ['iam:Enable??Device', false],
    ['iam:EnableMFADevice?', false],
    ['iam:Enable', false],
    ['EnableMFADevice', false],
    ['s3:*', false],
    ['iam.EnableMFADevice', false],
  ])('is covered by %s: %s', (Action, expected) => {
    expect(allows({ Action })).toBe(expected);
    expect(allows({ NotAction: Action })).toBe(!expected);
  });

  it('is covered by one of a list, and by NotAction if none of its list matches', () => {
    expect(allows({ Action: ['s3:*', 'iam:Enable*'] })).toBe(true);
    expect(allows({ Action: [] })).toBe(false);
    expect(allows({ NotAction: ['s3:*', 'sts:*'] })).toBe(true);
    expect(allows({ NotAction: ['s3:*', 'iam:*'] })).toBe(false);
  });

  it('is not covered by a statement that names none', () => {
    expect(evaluate([{ Statement: { Effect: 'Allow', Resource: '*' } }], REQUEST, {})).toBe('denied implicitly');
    expect(evaluate([{ Statement: { Effect: 'Allow', Action: '*' } }], REQUEST, {})).toBe('denied implicitly');
  });
});

describe('a resource', () => {
  it.each([
    [BOB, true],
    ['arn:aws:iam::123456789012:user/*', true],
    ['arn:aws:iam::*:user/Bob', true],
    ['arn:aws:iam::123456789012:user/B?b', true],
    ['arn:aws:iam::123456789012:user/bob', false],
    ['arn:aws:iam::123456789012:user/Bob/*', false],
    ['arn:aws:iam::123456789012:user/', false],
    ['arn:aws:iam::210987654321:user/Bob', false],
    ['arn:aws-cn:iam::123456789012:user/Bob', false],
    ['arn:aws:iam::123456789012:mfa/*', false],
  ])('is covered by %s: %s', (Resource, expected) => {
    expect(allows({ Resource })).toBe(expected);
    expect(allows({ NotResource: Resource })).toBe(!expected);
  });

  it('with a path is covered only by a pattern that spans the path', () => {
    const request = { action: 'iam:CreateVirtualMFADevice', resource: MFA };
    expect(allows({ Resource: 'arn:aws:iam::123456789012:mfa/*' }, request)).toBe(true);
    expect(allows({ Resource: 'arn:aws:iam::123456789012:mfa/bob' }, request)).toBe(false);
  });

  it('that is no particular one is covered by a star alone', () => {
    const request = { action: 'iam:ListVirtualMFADevices', resource: '*' };
    expect(allows({ Resource: '*' }, request)).toBe(true);
    expect(allows({ Resource: 'arn:aws:iam::123456789012:mfa/*' }, request)).toBe(false);
  });
});

describe('a policy variable', () => {
  const self = { Resource: 'arn:aws:iam::123456789012:user/${aws:username}' };

  it('stands for its value', () => {
    expect(allows(self, REQUEST, { 'aws:username': 'Bob' })).toBe(true);
    expect(allows(self, REQUEST, { 'aws:username': 'Eve' })).toBe(false);
    expect(
      allows({ Resource: 'arn:aws:iam::123456789012:user/${AWS:UserName}' }, REQUEST, { 'aws:username': 'Bob' }),
    ).toBe(true);
  });

  it('without a value matches nothing, unless it has a default', () => {
    expect(allows(self)).toBe(false);
    const byDefault = { Resource: "arn:aws:iam::123456789012:user/${aws:PrincipalTag/user, 'Bob'}" };
    expect(allows(byDefault)).toBe(true);
    expect(allows(byDefault, REQUEST, { 'aws:PrincipalTag/user': 'Eve' })).toBe(false);
  });

  it('is a literal value: its stars are no wildcards', () => {
    expect(allows(self, REQUEST, { 'aws:username': '*' })).toBe(false);
    expect(allows(self, { ...REQUEST, resource: 'arn:aws:iam::123456789012:user/*' }, { 'aws:username': '*' })).toBe(
      true,
    );
  });

  it.each(['*', '?', '$'])('writes the literal character %s', (character) => {
    const Resource = `arn:aws:iam::123456789012:user/\${${character}}`;
    expect(allows({ Resource })).toBe(false);
    expect(allows({ Resource }, { ...REQUEST, resource: `arn:aws:iam::123456789012:user/${character}` })).toBe(true);
    expect(allows({ Resource }, { ...REQUEST, resource: 'arn:aws:iam::123456789012:user/B' })).toBe(false);
  });

  it('works in conditions too', () => {
    const Condition = { StringEquals: { 'aws:ResourceTag/owner': '${aws:username}' } };
    const context = { 'aws:username': 'Bob', 'aws:ResourceTag/owner': 'Bob' };
    expect(allows({ Condition }, REQUEST, context)).toBe(true);
    expect(allows({ Condition }, REQUEST, { ...context, 'aws:username': 'Eve' })).toBe(false);
  });

  it('is none in a document of the older version', () => {
    for (const Version of [undefined, '2008-10-17']) {
      const document = { ...policy(self), ...{ Version } } as PolicyDocument;
      expect(evaluate([document], REQUEST, { 'aws:username': 'Bob' })).toBe('denied implicitly');
    }
  });
});

describe('a condition', () => {
  it.each([
    ['StringEquals', 'team', 'team', true],
    ['StringEquals', 'Team', 'team', false],
    ['StringEquals', 't*', 'team', false],
    ['StringEquals', ['a', 'team'], 'team', true],
    ['StringEquals', 'team', undefined, false],
    ['StringNotEquals', 'team', 'team', false],
    ['StringNotEquals', 'other', 'team', true],
    ['StringNotEquals', ['a', 'team'], 'team', false],
    ['StringNotEquals', 'team', undefined, true],
    ['StringEqualsIgnoreCase', 'TEAM', 'team', true],
    ['StringEqualsIgnoreCase', 'tea', 'team', false],
    ['StringNotEqualsIgnoreCase', 'TEAM', 'team', false],
    ['StringLike', 't*', 'team', true],
    ['StringLike', 't?am', 'team', true],
    ['StringLike', 't?', 'team', false],
    ['StringLike', '*', undefined, false],
    ['StringLike', '*', '', true],
    ['StringNotLike', 't*', 'team', false],
    ['StringNotLike', 'x*', 'team', true],
    ['StringNotLike', 't*', undefined, true],
    ['ArnEquals', 'arn:aws:iam::123456789012:user/*', BOB, true],
    ['ArnLike', 'arn:aws:iam::*:user/Bob', BOB, true],
    ['ArnLike', 'arn:aws:iam::*:role/*', BOB, false],
    ['ArnNotEquals', BOB, BOB, false],
    ['ArnNotLike', 'arn:aws:iam::*:role/*', BOB, true],
    ['Bool', 'true', 'true', true],
    ['Bool', true, 'true', true],
    ['Bool', 'false', 'true', false],
    ['Bool', 'false', undefined, false],
    ['BoolIfExists', 'false', undefined, true],
    ['BoolIfExists', 'false', 'true', false],
    ['NumericEquals', '300', '300.0', true],
    ['NumericEquals', 300, '301', false],
    ['NumericNotEquals', '300', '300', false],
    ['NumericLessThan', '300', '299', true],
    ['NumericLessThan', '300', '300', false],
    ['NumericLessThan', '300', undefined, false],
    ['NumericLessThanEquals', '300', '300', true],
    ['NumericGreaterThan', '300', '300', false],
    ['NumericGreaterThan', '9', '10', true],
    ['NumericGreaterThanEquals', '300', '300', true],
    ['NumericLessThanIfExists', '300', undefined, true],
    ['DateLessThan', '2026-01-15T12:00:00Z', '2026-01-15T11:59:59.999Z', true],
    ['DateLessThan', '2026-01-15T12:00:00Z', '2026-01-15T12:00:00.000Z', false],
    ['DateLessThan', '2026-01-15T12:00:00Z', undefined, false],
    ['DateGreaterThan', '2026-01-15T12:00:00Z', '2026-01-15T12:00:01Z', true],
    ['DateGreaterThan', '2026-01-15T12:00:00Z', '2026-01-15T12:00:00Z', false],
    ['StringEqualsIfExists', 'team', undefined, true],
    ['StringEqualsIfExists', 'team', 'other', false],
    ['StringLikeIfExists', 't*', 'other', false],
    ['Null', 'true', undefined, true],
    ['Null', 'true', 'team', false],
    ['Null', 'false', 'team', true],
    ['Null', 'false', undefined, false],
    ['Null', true, undefined, true],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['b', 'c'], true],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c'], false],
    ['ForAnyValue:StringEquals', 'a', undefined, false],
    ['ForAnyValue:StringNotEquals', 'a', ['a', 'b'], true],
    ['ForAnyValue:StringNotEquals', 'a', ['a'], false],
    ['ForAnyValue:StringNotEquals', 'a', undefined, false],
    ['ForAnyValue:StringLike', 't*', ['x', 'team'], true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['b', 'a'], true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['b', 'c'], false],
    ['ForAllValues:StringEquals', 'a', undefined, true],
    ['ForAllValues:StringNotEquals', 'a', ['b', 'c'], true],
    ['ForAllValues:StringNotEquals', 'a', ['a', 'c'], false],
    ['ForAllValues:StringLikeIfExists', 't*', ['team', 'tag'], true],
  ] as const)('%s %j on %j holds: %s', (operator, expected, actual, holds) => {
    const Condition = { [operator]: { 'test:key': expected as string } };
    expect(allows({ Condition }, REQUEST, actual === undefined ? {} : { 'test:key': actual })).toBe(holds);
  });

  it('knows its key in whatever case', () => {
    const Condition = { StringEquals: { 'AWS:resourcetag/Team': 'a' } };
    expect(allows({ Condition }, REQUEST, { 'aws:ResourceTag/team': 'a' })).toBe(true);
  });

  it('holds only if every operator and every key does', () => {
    const both = { StringEquals: { a: '1', b: '2' }, Bool: { c: 'true' } };
    expect(allows({ Condition: both }, REQUEST, { a: '1', b: '2', c: 'true' })).toBe(true);
    expect(allows({ Condition: both }, REQUEST, { a: '1', b: '3', c: 'true' })).toBe(false);
    expect(allows({ Condition: both }, REQUEST, { a: '1', b: '2', c: 'false' })).toBe(false);
  });

  it.each(['IpAddress', 'DateEquals', 'StringEqual', 'ForSomeValues:StringEquals', ''])(
    'with the operator %j fails loudly, with its name',
    (operator) => {
      const decision = () => decide({ Condition: { [operator]: { 'aws:SourceIp': 'x' } } }, REQUEST, {});
      expect(decision).toThrow(`local-aws does not implement the condition operator ${operator}`);
    },
  );
});

describe('a decision', () => {
  it('is a deny wherever one applies, in whichever policy', () => {
    const deny = policy({ Effect: 'Deny', Action: 'iam:Enable*' });
    expect(evaluate([policy({}), deny], REQUEST, {})).toBe('denied explicitly');
    expect(evaluate([deny, policy({})], REQUEST, {})).toBe('denied explicitly');
    expect(evaluate([deny, policy({})], { ...REQUEST, action: 'iam:ListUsers' }, {})).toBe('allowed');
  });

  it('is a silent no where nothing applies', () => {
    expect(evaluate([], REQUEST, {})).toBe('denied implicitly');
    expect(evaluate([policy({ Action: 's3:*' })], REQUEST, {})).toBe('denied implicitly');
  });

  it('takes a deny over any number of allows (for all policies)', () => {
    const patterns = fc.constantFrom('*', 'iam:*', 'iam:EnableMFADevice', 's3:*');
    const statements = fc.array(
      fc.record({ Effect: fc.constantFrom('Allow' as const, 'Deny' as const), Action: patterns }),
    );
    fc.assert(
      fc.property(statements, (generated) => {
        const applying = generated.filter(({ Action }) => Action !== 's3:*').map(({ Effect }) => Effect);
        const expected = applying.includes('Deny')
          ? 'denied explicitly'
          : applying.includes('Allow')
            ? 'allowed'
            : 'denied implicitly';
        expect(
          evaluate(
            generated.map((one) => policy(one)),
            REQUEST,
            {},
          ),
        ).toBe(expected);
      }),
    );
  });
});

describe('a principal', () => {
  const principal = (policies: PolicyDocument[] | undefined, boundary?: PolicyDocument): Principal => ({
    type: 'user',
    arn: BOB,
    principalArn: BOB,
    userId: 'AIDAEXAMPLE',
    name: 'Bob',
    policies: () => policies,
    ...(boundary === undefined ? {} : { boundary: () => boundary }),
  });
  const refusal = `User: ${BOB} is not authorized to perform: iam:EnableMFADevice on resource: ${BOB}`;

  it('without policies of its own to be bound by may do everything', () => {
    expect(() => authorize(principal(undefined), REQUEST)).not.toThrow();
  });

  it.each([
    ['nothing', [], undefined, 'because no identity-based policy allows the iam:EnableMFADevice action'],
    [
      'an explicit deny',
      [policy({}), policy({ Effect: 'Deny' })],
      undefined,
      'with an explicit deny in an identity-based policy',
    ],
    [
      'a boundary that leaves it out',
      [policy({})],
      policy({ Action: 's3:*' }),
      'because no permissions boundary allows the iam:EnableMFADevice action',
    ],
    [
      'a boundary that denies it',
      [policy({})],
      policy({}, { Effect: 'Deny' }),
      'with an explicit deny in a permissions boundary',
    ],
    ['a boundary alone', [], policy({}), 'because no identity-based policy allows the iam:EnableMFADevice action'],
  ])('with %s is refused as AWS words it', (_case, policies, boundary, because) => {
    expect(() => authorize(principal(policies, boundary), REQUEST)).toThrow(
      expect.objectContaining({ code: 'AccessDenied', status: 403, message: `${refusal} ${because}` }) as Error,
    );
  });

  it('whose boundary and whose policies allow a call may make it', () => {
    const own = policy({ Resource: 'arn:aws:iam::123456789012:user/${aws:username}' });
    expect(() => authorize(principal([own], policy({ Action: 'iam:*' })), REQUEST)).not.toThrow();
  });
});

describe('a policy on a resource', () => {
  const request = { action: 'sts:AssumeRole', resource: '*' };
  const evaluated = (Principal: PolicyStatement['Principal'], names: readonly string[] = [BOB]) => {
    const trust: PolicyStatement = { Effect: 'Allow', Action: 'sts:AssumeRole', ...(Principal ? { Principal } : {}) };
    return evaluateResourcePolicy({ Version: '2012-10-17', Statement: trust }, names, request, {});
  };

  it('counts for the principals that it names', () => {
    expect(evaluated({ AWS: BOB })).toBe('allowed');
    expect(evaluated({ AWS: ['arn:aws:iam::123456789012:user/Eve', BOB] })).toBe('allowed');
    expect(evaluated('*')).toBe('allowed');
    expect(evaluated({ AWS: '*' })).toBe('allowed');
  });

  it('does not count for others: a pattern is no name, a service is no user', () => {
    expect(evaluated({ AWS: 'arn:aws:iam::123456789012:user/Eve' })).toBe('denied implicitly');
    expect(evaluated({ AWS: 'arn:aws:iam::123456789012:user/*' })).toBe('denied implicitly');
    expect(evaluated({ Service: 'lambda.amazonaws.com' })).toBe('denied implicitly');
    expect(evaluated(undefined)).toBe('denied implicitly');
  });
});

describe('a policy document', () => {
  it.each([
    [policy({}), true],
    [{ Statement: [] }, true],
    [null, false],
    ['text', false],
    [{}, false],
    [{ Statement: 'text' }, false],
    [{ Statement: null }, false],
    [{ Statement: [null] }, false],
    [{ Statement: { Effect: 'allow', Action: '*' } }, false],
    [{ Statement: { Effect: 'Allow' } }, false],
    [{ Statement: { Effect: 'Allow', Action: '*', NotAction: '*' } }, false],
    [{ Statement: { Effect: 'Allow', Action: '*', Resource: '*', NotResource: '*' } }, false],
  ])('%j has the shape of one: %s', (document, expected) => {
    expect(isPolicyDocument(document)).toBe(expected);
  });
});

describe('wildcards (for all patterns and texts)', () => {
  const characters = fc.constantFrom(...Array.from('aB/:.*?+$^()[]{}|\\-\n "'));
  const texts = fc.string({ unit: characters, maxLength: 12 });
  const like = (pattern: string, actual: string) =>
    evaluate(
      // The older version has no variables: every dollar is one.
      [{ Statement: statement({ Condition: { StringLike: { 'test:key': pattern } } }) }],
      REQUEST,
      { 'test:key': actual },
    ) === 'allowed';

  /** Matching by the definition: a star takes nothing, or one character and goes on. */
  function matches(pattern: string, actual: string): boolean {
    if (pattern === '') return actual === '';
    const rest = pattern.slice(1);
    if (pattern.startsWith('*')) return matches(rest, actual) || (actual !== '' && matches(pattern, actual.slice(1)));
    return (
      actual !== '' &&
      (pattern.startsWith('?') || pattern.charAt(0) === actual.charAt(0)) &&
      matches(rest, actual.slice(1))
    );
  }

  it('match by their definition', () => {
    fc.assert(
      fc.property(texts, texts, (pattern, actual) => {
        expect(like(pattern, actual)).toBe(matches(pattern, actual));
      }),
      { numRuns: 1000 },
    );
  });

  it('match what they were made from', () => {
    const piece = fc.oneof(
      texts.map((text) => ({ pattern: text.replace(/[*?]/g, ''), text: text.replace(/[*?]/g, '') })),
      texts.map((text) => ({ pattern: '*', text })),
      characters.map((text) => ({ pattern: '?', text })),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const pattern = pieces.map((one) => one.pattern).join('');
        // Pieces that join to a policy variable would be read as one.
        fc.pre(!pattern.includes('${'));
        expect(like(pattern, pieces.map(({ text }) => text).join(''))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('are none in a text without them: it matches itself alone', () => {
    const plain = texts.map((text) => text.replace(/[*?]/g, ''));
    fc.assert(
      fc.property(plain, plain, (pattern, actual) => {
        expect(like(pattern, actual)).toBe(pattern === actual);
        expect(like(pattern, pattern)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('are none in the value of a variable', () => {
    fc.assert(
      fc.property(texts, texts, (value, actual) => {
        const Condition = { StringLike: { 'test:key': '${test:value}' } };
        expect(allows({ Condition }, REQUEST, { 'test:key': actual, 'test:value': value })).toBe(value === actual);
      }),
      { numRuns: 500 },
    );
  });
});
