import { type aws_iam as iam, Token } from 'aws-cdk-lib';
import { Construct, type IConstruct } from 'constructs';
import { CONSTRUCT_PROPERTIES } from '../../lambda/contract/properties';
import { holdsDynamicReference, kindOf, PROPERTY_RULES, type PropertyRule } from '../../lambda/contract/property-rules';
import { dynamicReferenceProblem } from './dynamic-references';
import { ValidationError } from './validation-error';

/** @throws ValidationError for what is no IAM user: plain JavaScript has no compiler that refuses it. */
export function validateUser(scope: IConstruct, name: string, user: Partial<iam.IUserRef> | undefined): void {
  if (user?.userRef === undefined) {
    throw new ValidationError(
      scope,
      `${name}: got ${constructInWords(user)}; allowed: an IAM user, such as iam.User. ` +
        "Refer to a user that exists with iam.User.fromUserName(this, 'Bob', 'Bob').",
    );
  }
}

/** @throws ValidationError for what is no IAM group */
export function validateGroup(scope: IConstruct, name: string, group: Partial<iam.IGroupRef> | undefined): void {
  if (group?.groupRef === undefined) {
    throw new ValidationError(
      scope,
      `${name}: got ${constructInWords(group)}; allowed: an IAM group, such as iam.Group. ` +
        "Refer to a group that exists with iam.Group.fromGroupName(this, 'Staff', 'Staff').",
    );
  }
}

/** What was given in the place of a construct: without its value, which may be a secret. */
export function constructInWords(value: unknown): string {
  return Construct.isConstruct(value) ? `the construct ${value.node.path}` : kindOf(value);
}

/** @throws ValidationError for a name or a path that IAM would refuse for a managed policy; tokens pass. */
export function validatePolicy(
  scope: IConstruct,
  managedPolicyName: string | undefined,
  path: string | undefined,
): void {
  // IAM has one rule for the names of policies and of existing users.
  validate(
    scope,
    'managedPolicyName',
    PROPERTY_RULES.UserName,
    managedPolicyName,
    'Choose such a name, or leave it out to have one made.',
  );
  validate(scope, 'path', PROPERTY_RULES.Path, path, 'Write it like /security/, or leave it out for /.');
}

/** @throws ValidationError for a value that IAM, or the handler, would refuse; tokens pass. */
export function validateProperty(
  scope: IConstruct,
  property: keyof typeof PROPERTY_RULES,
  value: string | undefined,
  remedy: string,
): void {
  validate(scope, CONSTRUCT_PROPERTIES[property], PROPERTY_RULES[property], value, remedy);
}

/** @throws ValidationError for text that breaks a rule, or holds a dynamic reference; tokens pass. */
export function validate(
  scope: IConstruct,
  name: string,
  rule: PropertyRule,
  value: string | undefined,
  remedy: string,
): void {
  if (value === undefined) {
    return;
  }
  if (holdsDynamicReference(value)) {
    throw new ValidationError(scope, dynamicReferenceProblem(name));
  }
  if (numbersIn(value).some((number) => Token.isUnresolved(number))) {
    throw new ValidationError(
      scope,
      `${name}: got text with a number that is known only at deployment; allowed: text, and tokens as text. ` +
        'Turn the number into text with Token.asString.',
    );
  }
  if (Token.isUnresolved(value) || rule.accepts(value)) {
    return;
  }
  throw new ValidationError(scope, `${name}: got ${kindOf(value)}; allowed: ${rule.allowed}. ${remedy}`);
}

/** A token that is a number reads like -1.8881545897087626e+289. */
function numbersIn(text: string): number[] {
  return (text.match(/-\d\.\d+e\+\d+/g) ?? []).map(Number);
}

export const ACCOUNT_ID = /^\d{12}$/;
export const REGION = /^[a-z]{2,3}(?:-[a-z]+)+-\d$/;

/** A part of an ARN, if it is what it should be: an ARN may have any text in its place. */
export function shown(part: string, pattern: RegExp): string {
  return pattern.test(part) ? part : kindOf(part);
}
