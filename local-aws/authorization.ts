import type { Principal } from './principal';
import { AwsError, notImplemented } from './protocol/aws-error';
import type { AuthorizationRequest } from './service';

type OneOrMore<T> = T | readonly T[];

/** An IAM policy document. */
export interface PolicyDocument {
  readonly Version?: string;
  readonly Statement: OneOrMore<PolicyStatement>;
}

/** A policy statement. Identity policies have no principal, policies that lie on a resource do. */
export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: '*' | { readonly AWS?: OneOrMore<string>; readonly Service?: OneOrMore<string> };
  readonly Action?: OneOrMore<string>;
  readonly NotAction?: OneOrMore<string>;
  readonly Resource?: OneOrMore<string>;
  readonly NotResource?: OneOrMore<string>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, OneOrMore<string | boolean>>>>>;
}

type Context = Readonly<Record<string, string | readonly string[]>>;

/** Throws AccessDenied, worded as AWS words it, unless the caller's identity policies allow the request. */
export function authorize(caller: Principal, request: AuthorizationRequest): void {
  const policies = caller.policies();
  if (policies === undefined) return;
  const context = { ...globalContext(caller), ...request.context };
  const boundary = caller.boundary?.();
  const decision = evaluate(policies, request, context);
  const bounded = boundary === undefined ? 'allowed' : evaluate([boundary], request, context);
  if (decision === 'allowed' && bounded === 'allowed') return;
  const because = [decision, bounded].includes('denied explicitly')
    ? 'with an explicit deny in an identity-based policy'
    : `because no ${decision === 'allowed' ? 'permissions boundary' : 'identity-based policy'} allows the ${request.action} action`;
  throw new AwsError(
    'AccessDenied',
    `User: ${caller.arn} is not authorized to perform: ${request.action} on resource: ${request.resource} ${because}`,
    403,
  );
}

function globalContext(caller: Principal): Context {
  return {
    'aws:PrincipalArn': caller.principalArn,
    'aws:PrincipalType': caller.type === 'role' ? 'AssumedRole' : 'User',
    'aws:userid': caller.userId,
    ...(caller.type === 'user' && caller.name !== undefined ? { 'aws:username': caller.name } : {}),
    ...(caller.multiFactorAuthPresent === undefined
      ? {}
      : { 'aws:MultiFactorAuthPresent': String(caller.multiFactorAuthPresent) }),
  };
}

/**
 * IAM's evaluation logic for identity policies of one account: an explicit deny wins, then any allow, else denied.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export function evaluate(
  policies: readonly PolicyDocument[],
  request: Pick<AuthorizationRequest, 'action' | 'resource'>,
  context: Context,
): 'allowed' | 'denied explicitly' | 'denied implicitly' {
  const matching = policies
    .flatMap((policy) => listOf(policy.Statement))
    .filter((statement) => applies(statement, request, context));
  if (matching.some(({ Effect }) => Effect === 'Deny')) return 'denied explicitly';
  return matching.some(({ Effect }) => Effect === 'Allow') ? 'allowed' : 'denied implicitly';
}

/**
 * Evaluates a policy that lies on a resource (a trust policy, a key policy) for a caller who is known by any of these
 * principal names. Statements for other principals do not count.
 */
export function evaluateResourcePolicy(
  policy: PolicyDocument,
  principalNames: readonly string[],
  request: Pick<AuthorizationRequest, 'action' | 'resource'>,
  context: Context,
): ReturnType<typeof evaluate> {
  const statements = listOf(policy.Statement).filter(({ Principal }) => {
    const named = typeof Principal === 'string' ? [Principal] : listOf(Principal?.AWS ?? []);
    return named.some((name) => name === '*' || principalNames.includes(name));
  });
  // A trust policy names no resource: it lies on it.
  const policies = [{ Statement: statements.map((statement) => ({ Resource: '*', ...statement })) }];
  return evaluate(policies, request, context);
}

function applies(
  statement: PolicyStatement,
  { action, resource }: Pick<AuthorizationRequest, 'action' | 'resource'>,
  context: Context,
): boolean {
  const actionMatches = (pattern: string) => wildcard(pattern.toLowerCase()).test(action.toLowerCase());
  const resourceMatches = (pattern: string) => wildcard(withVariables(pattern, context)).test(resource);
  const actions = statement.Action
    ? listOf(statement.Action).some(actionMatches)
    : !listOf(statement.NotAction ?? []).some(actionMatches);
  const resources = statement.Resource
    ? listOf(statement.Resource).some(resourceMatches)
    : !listOf(statement.NotResource ?? []).some(resourceMatches);
  return actions && resources && conditionsHold(statement.Condition ?? {}, context);
}

function conditionsHold(conditions: NonNullable<PolicyStatement['Condition']>, context: Context): boolean {
  return Object.entries(conditions).every(([operator, tests]) =>
    Object.entries(tests).every(([key, expected]) => {
      const patterns = listOf(expected).map((value) => withVariables(String(value), context));
      return conditionHolds(operator, valueOf(context, key), patterns);
    }),
  );
}

type Comparison = (actual: string, pattern: string) => boolean;

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  StringEquals: (actual, pattern) => actual === pattern,
  StringEqualsIgnoreCase: (actual, pattern) => actual.toLowerCase() === pattern.toLowerCase(),
  StringLike: (actual, pattern) => wildcard(pattern).test(actual),
  ArnEquals: (actual, pattern) => wildcard(pattern).test(actual),
  ArnLike: (actual, pattern) => wildcard(pattern).test(actual),
  Bool: (actual, pattern) => actual.toLowerCase() === pattern.toLowerCase(),
  NumericLessThan: (actual, pattern) => Number(actual) < Number(pattern),
  NumericGreaterThan: (actual, pattern) => Number(actual) > Number(pattern),
};

const NEGATIONS: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
};

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
function conditionHolds(operator: string, actual: readonly string[] | undefined, patterns: readonly string[]): boolean {
  if (operator === 'Null') return patterns.includes(String(actual === undefined));
  const [, quantifier, name, ifExists] = /^(ForAnyValue:|ForAllValues:)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  const negated = NEGATIONS[name ?? ''];
  const comparison = COMPARISONS[negated ?? name ?? ''];
  if (!comparison) throw notImplemented(`the condition operator ${operator}`);
  // A missing key fails every comparison but the negated ones, the IfExists ones and ForAllValues.
  if (actual === undefined) return ifExists !== undefined || negated !== undefined || quantifier === 'ForAllValues:';
  const matches = (value: string) => patterns.some((pattern) => comparison(value, pattern)) !== (negated !== undefined);
  return quantifier === 'ForAllValues:' ? actual.every(matches) : actual.some(matches);
}

/** Condition keys are not case-sensitive, the tag key in `aws:ResourceTag/key` included. */
function valueOf(context: Context, key: string): readonly string[] | undefined {
  const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase());
  return found && listOf(found[1]);
}

/** Replaces policy variables such as `${aws:username}`; a pattern with an unknown variable matches nothing. */
function withVariables(pattern: string, context: Context): string {
  return pattern.replace(/\$\{([^}]+)\}/g, (variable, key: string) => {
    if (key === '*' || key === '?' || key === '$') return key;
    return valueOf(context, key)?.[0] ?? variable;
  });
}

function wildcard(pattern: string): RegExp {
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  return new RegExp(`^${source}$`);
}

function listOf<T>(value: OneOrMore<T>): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
