import type { Account } from '../../account';
import { notImplemented, validationError } from '../../protocol/aws-error';
import type { ParameterDeclaration, Template } from './template';

/** A stack's parameter: what was given, and what it stands for. */
export interface ParameterValue {
  readonly key: string;
  /** As given, or the default. */
  readonly value: string;
  /** What `Ref` yields. */
  readonly resolved: string;
  /** Whether it is looked up: `AWS::SSM::Parameter::Value<String>`. */
  readonly isLookup: boolean;
  readonly noEcho: boolean;
}

export interface GivenParameter {
  readonly ParameterKey?: string | undefined;
  readonly ParameterValue?: string | undefined;
  readonly UsePreviousValue?: boolean | undefined;
}

/** Gives every parameter of a template its value, and refuses what CloudFormation refuses. */
export async function parameterValues(
  account: Account,
  template: Template,
  given: readonly GivenParameter[],
  previous: readonly ParameterValue[],
): Promise<readonly ParameterValue[]> {
  const unknown = given.filter(({ ParameterKey = '' }) => !(ParameterKey in template.parameters));
  if (unknown.length > 0) {
    throw validationError(
      `Parameters: [${unknown.map(({ ParameterKey }) => ParameterKey).join(', ')}] do not exist in the template`,
    );
  }
  const texts = new Map<string, string>();
  for (const [key, declaration] of Object.entries(template.parameters)) {
    const text = textFor(key, declaration, given, previous);
    if (text !== undefined) texts.set(key, text);
  }
  const missing = Object.keys(template.parameters).filter((key) => !texts.has(key));
  if (missing.length > 0) throw validationError(`Parameters: [${missing.join(', ')}] must have values`);
  return Promise.all([...texts].map(([key, value]) => valueOf(account, key, template.parameters[key], value)));
}

function textFor(
  key: string,
  { Default }: ParameterDeclaration,
  given: readonly GivenParameter[],
  previous: readonly ParameterValue[],
): string | undefined {
  const parameter = given.find(({ ParameterKey }) => ParameterKey === key);
  if (parameter?.UsePreviousValue) {
    const before = previous.find((candidate) => candidate.key === key);
    if (!before)
      throw validationError(
        `Invalid input for parameter key ${key}. Cannot specify usePreviousValue as true for a parameter key not in the previous template`,
      );
    return before.value;
  }
  return parameter?.ParameterValue ?? (Default === undefined ? undefined : String(Default));
}

async function valueOf(
  account: Account,
  key: string,
  declaration: ParameterDeclaration | undefined,
  value: string,
): Promise<ParameterValue> {
  const { Type = '', NoEcho, Default: _default, Description: _description, ...constraints } = declaration ?? {};
  const [constraint] = Object.keys(constraints);
  if (constraint !== undefined) throw notImplemented(`the attribute ${constraint} of the parameter ${key}`);
  const isLookup = Type === 'AWS::SSM::Parameter::Value<String>';
  if (Type !== 'String' && !isLookup) throw notImplemented(`the parameter type ${Type}`);
  return {
    key,
    value,
    isLookup,
    resolved: isLookup ? await lookUp(account, value) : value,
    noEcho: String(NoEcho) === 'true',
  };
}

async function lookUp(account: Account, name: string): Promise<string> {
  const { Parameter } = await account.invoke('ssm', 'GetParameter', { Name: name });
  return String((Parameter as { Value: unknown }).Value);
}
