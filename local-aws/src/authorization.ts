import type { Principal } from './principal';
import { listOf, type OneOrMore, type PolicyDocument, type PolicyStatement } from './policy-document';
import { AwsError, notImplemented } from './protocol/aws-error';

/** What the caller's policies must allow before an action runs. */
export interface AuthorizationRequest {
  /** As in a policy statement: `iam:EnableMFADevice`. */
  readonly action: string;
  /** The resource's ARN, or `*` where AWS knows no narrower one. */
  readonly resource: string;
  /** What a refusal calls the resource, if not by its ARN: `user Bob`. */
  readonly resourceName?: string;
  /** Condition keys of this request, besides the global ones: `aws:RequestTag/team`. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
  /** The policy that lies on the resource itself. */
  readonly resourcePolicy?: PolicyDocument;
}

type Decision = 'allowed' | 'denied explicitly' | 'denied implicitly';

type Context = Readonly<Record<string, string | readonly string[]>>;

/** What each kind of policy says of a request, by the name that a refusal has for it. */
interface Decisions {
  readonly 'identity-based policy': Decision;
  readonly 'permissions boundary': Decision;
  readonly 'session policy': Decision;
  readonly 'resource-based policy': Decision;
}

/**
 * Throws AccessDenied, worded as AWS words it, unless the policies of the caller and of the resource allow the request.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
 */
export function authorize(caller: Principal, request: AuthorizationRequest): void {
  const because = refusalOf(caller, request);
  if (because === undefined) return;
  throw new AwsError(
    'AccessDenied',
    `User: ${caller.arn} is not authorized to perform: ${request.action} on resource: ${request.resourceName ?? request.resource} ${because}`,
    403,
  );
}

/** Whether {@link authorize} would not throw. */
export function isAuthorized(caller: Principal, request: AuthorizationRequest): boolean {
  return refusalOf(caller, request) === undefined;
}

function refusalOf(caller: Principal, request: AuthorizationRequest): string | undefined {
  const decisions = decisionsOn(caller, request);
  const denying = Object.entries(decisions).find(([, decision]) => decision === 'denied explicitly');
  if (denying) {
    const [kind] = denying;
    return `with an explicit deny in ${kind.startsWith('i') ? 'an' : 'a'} ${kind}`;
  }
  const onResource = decisions['resource-based policy'] === 'allowed';
  if (onResource && isNamedBy(request, caller)) return undefined;
  const missing = (['identity-based policy', 'permissions boundary', 'session policy'] as const).find(
    (kind) => decisions[kind] !== 'allowed' && !(onResource && kind === 'identity-based policy'),
  );
  return missing && `because no ${missing} allows the ${request.action} action`;
}

/** Whether the caller's own policies deny the request, which no policy on a resource makes up for. */
export function isDeniedExplicitly(caller: Principal, request: AuthorizationRequest): boolean {
  return Object.values(decisionsOn(caller, request)).includes('denied explicitly');
}

function decisionsOn(caller: Principal, request: AuthorizationRequest): Decisions {
  const policies = caller.policies();
  const context = { ...globalContext(caller), ...request.context };
  const decide = (document: PolicyDocument | undefined) =>
    policies === undefined || document === undefined ? 'allowed' : evaluate([document], request, context);
  return {
    'identity-based policy': policies === undefined ? 'allowed' : evaluate(policies, request, context),
    'permissions boundary': decide(caller.boundary?.()),
    'session policy': decide(caller.sessionPolicy),
    'resource-based policy':
      policies !== undefined && request.resourcePolicy
        ? evaluateResourcePolicy(request.resourcePolicy, [caller.arn, caller.principalArn], request, context)
        : 'denied implicitly',
  };
}

/** Whether the policy on a resource names the caller, a user or a session: that needs no consent of boundary or session policy. */
function isNamedBy({ resourcePolicy, ...request }: AuthorizationRequest, caller: Principal): boolean {
  const context = { ...globalContext(caller), ...request.context };
  const [named, unnamed] = [[caller.arn], []].map(
    (names) => resourcePolicy && evaluateResourcePolicy(resourcePolicy, names, request, context),
  );
  return named === 'allowed' && unnamed !== 'allowed';
}

/** The condition keys that every request has: who makes it, and with which kind of credentials. */
export function globalContext(caller: Principal): Context {
  return {
    'aws:PrincipalArn': caller.principalArn,
    'aws:PrincipalType': caller.type === 'role' ? 'AssumedRole' : 'User',
    'aws:userid': caller.userId,
    ...(caller.type === 'user' && caller.name !== undefined ? { 'aws:username': caller.name } : {}),
    ...(caller.multiFactorAuthPresent === undefined
      ? {}
      : { 'aws:MultiFactorAuthPresent': String(caller.multiFactorAuthPresent) }),
    ...(caller.tokenIssueTime === undefined ? {} : { 'aws:TokenIssueTime': caller.tokenIssueTime.toISOString() }),
    ...(caller.multiFactorAuthAgeSeconds === undefined
      ? {}
      : { 'aws:MultiFactorAuthAge': String(caller.multiFactorAuthAgeSeconds()) }),
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
): Decision {
  const matching = policies.flatMap(({ Version, Statement }) => {
    // Only this version of the policy language has variables; without one, a document is of the older version.
    const variables = Version === '2012-10-17' ? context : undefined;
    return listOf(Statement).filter((statement) => applies(statement, request, context, variables));
  });
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
): Decision {
  const statements = listOf(policy.Statement).filter(({ Principal }) => {
    const { AWS = [], Service = [] } = typeof Principal === 'object' ? Principal : { AWS: Principal };
    const named = [...listOf(AWS), ...listOf(Service)];
    return named.some((name) => name === '*' || principalNames.includes(name));
  });
  // A trust policy names no resource: it lies on it.
  const onItself = statements.map((statement) => ({
    ...(statement.NotResource ? {} : { Resource: '*' }),
    ...statement,
  }));
  const policies = [{ ...policy, Statement: onItself }];
  return evaluate(policies, request, context);
}

function applies(
  statement: PolicyStatement,
  { action, resource }: Pick<AuthorizationRequest, 'action' | 'resource'>,
  context: Context,
  variables: Context | undefined,
): boolean {
  const actionMatches = (pattern: string) => wildcard(pattern.toLowerCase(), undefined).test(action.toLowerCase());
  const resourceMatches = (pattern: string) => wildcard(pattern, variables).test(resource);
  return (
    covers(statement.Action, statement.NotAction, actionMatches) &&
    covers(statement.Resource, statement.NotResource, resourceMatches) &&
    conditionsHold(statement.Condition ?? {}, context, variables)
  );
}

/** An element such as Action, or its opposite. A statement that has neither covers nothing. */
function covers(
  element: OneOrMore<string> | undefined,
  opposite: OneOrMore<string> | undefined,
  matches: (pattern: string) => boolean,
): boolean {
  if (element !== undefined) return listOf(element).some(matches);
  return opposite !== undefined && !listOf(opposite).some(matches);
}

function conditionsHold(
  conditions: NonNullable<PolicyStatement['Condition']>,
  context: Context,
  variables: Context | undefined,
): boolean {
  return Object.entries(conditions).every(([operator, tests]) =>
    Object.entries(tests).every(([key, expected]) => {
      const patterns = listOf(expected).map((value) => ({
        text: withVariables(String(value), variables),
        expression: wildcard(String(value), variables),
      }));
      return conditionHolds(operator, valueOf(context, key), patterns);
    }),
  );
}

/** A condition's value: as text, and for the operators that know wildcards. */
interface Pattern {
  readonly text: string;
  readonly expression: RegExp;
}

type Comparison = (actual: string, pattern: Pattern) => boolean;

const like: Comparison = (actual, { expression }) => expression.test(actual);
const equalIgnoringCase: Comparison = (actual, { text }) => actual.toLowerCase() === text.toLowerCase();

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  StringEquals: (actual, { text }) => actual === text,
  StringEqualsIgnoreCase: equalIgnoringCase,
  StringLike: like,
  ArnEquals: like,
  ArnLike: like,
  Bool: equalIgnoringCase,
  NumericEquals: (actual, { text }) => Number(actual) === Number(text),
  NumericLessThan: (actual, { text }) => Number(actual) < Number(text),
  NumericLessThanEquals: (actual, { text }) => Number(actual) <= Number(text),
  NumericGreaterThan: (actual, { text }) => Number(actual) > Number(text),
  NumericGreaterThanEquals: (actual, { text }) => Number(actual) >= Number(text),
  DateLessThan: (actual, { text }) => Date.parse(actual) < Date.parse(text),
  DateGreaterThan: (actual, { text }) => Date.parse(actual) > Date.parse(text),
};

const NEGATIONS: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
  NumericNotEquals: 'NumericEquals',
};

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
function conditionHolds(
  operator: string,
  actual: readonly string[] | undefined,
  patterns: readonly Pattern[],
): boolean {
  if (operator === 'Null') return patterns.some(({ text }) => text.toLowerCase() === String(actual === undefined));
  const [, quantifier, name, ifExists] = /^(ForAnyValue:|ForAllValues:)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  const negated = NEGATIONS[name ?? ''];
  const comparison = COMPARISONS[negated ?? name ?? ''];
  if (!comparison) throw notImplemented(`the condition operator ${operator}`);
  if (actual === undefined) {
    // A missing key has no value that ForAnyValue could find; otherwise it differs from every value that is denied.
    if (ifExists !== undefined || quantifier === 'ForAllValues:') return true;
    return negated !== undefined && quantifier !== 'ForAnyValue:';
  }
  const matches = (value: string) => patterns.some((pattern) => comparison(value, pattern)) !== (negated !== undefined);
  return quantifier === 'ForAllValues:' ? actual.every(matches) : actual.some(matches);
}

/** Condition keys are not case-sensitive, the tag key in `aws:ResourceTag/key` included. */
function valueOf(context: Context, key: string): readonly string[] | undefined {
  const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase());
  return found && listOf(found[1]);
}

/** Policy variables: `${aws:username}`, with a default value `${aws:username, 'nobody'}`, or a literal character `${*}`. */
const VARIABLE = /\$\{([^},]+)(?:,\s*'([^']*)')?\}/g;

/** Replaces policy variables; one that has no value stays as it is, and matches nothing. */
function withVariables(pattern: string, variables: Context | undefined): string {
  if (variables === undefined) return pattern;
  return pattern.replace(VARIABLE, (variable, key: string, byDefault: string | undefined) => {
    if (key === '*' || key === '?' || key === '$') return key;
    return valueOf(variables, key)?.[0] ?? byDefault ?? variable;
  });
}

/** Most patterns have no variable, and are asked for at every call. */
const withoutVariables = new Map<string, RegExp>();

/** The regular expression of a pattern with `*` and `?`. A variable's value is literal: its own stars are none. */
function wildcard(pattern: string, variables: Context | undefined): RegExp {
  if (variables !== undefined && pattern.includes('${')) return expressionOf(pattern, variables);
  const expression = withoutVariables.get(pattern) ?? expressionOf(pattern, undefined);
  withoutVariables.set(pattern, expression);
  return expression;
}

function expressionOf(pattern: string, variables: Context | undefined): RegExp {
  const source = pattern.replace(new RegExp(`${VARIABLE.source}|[^]`, 'g'), (token) => {
    if (token === '*') return '[^]*';
    if (token === '?') return '[^]';
    return withVariables(token, variables).replace(/[\\^$.|+()[\]{}*?]/g, '\\$&');
  });
  return new RegExp(`^${source}$`);
}
