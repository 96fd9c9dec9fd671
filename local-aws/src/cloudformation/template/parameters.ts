import type { Account } from '../../account';
import { notImplemented } from '../../protocol/aws-error';
import { validationError } from '../errors';
import type { ParameterDeclaration, Template } from './template';

/** A stack's parameter: what was given, and what it stands for. */
export interface ParameterValue {
  readonly key: string;
  /** As given, or the default. */
  readonly value: string;
  /** What `Ref` yields. */
  readonly resolved: string | number | readonly string[];
  /** Whether it is looked up: `AWS::SSM::Parameter::Value<…>`. */
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
  if (!declaration) throw new Error(`The parameter ${key} has no declaration`);
  assertAllowed(key, declaration, value);
  const isLookup = declaration.Type.startsWith('AWS::SSM::Parameter::Value<');
  return {
    key,
    value,
    isLookup,
    resolved: isLookup ? await lookUp(account, declaration.Type, value) : typed(key, declaration.Type, value),
    noEcho: String(declaration.NoEcho) === 'true',
  };
}

function typed(key: string, type: string, value: string): string | number | readonly string[] {
  switch (type) {
    case 'String':
      return value;
    case 'Number':
      if (value.trim() === '' || Number.isNaN(Number(value))) {
        throw validationError(`Parameter '${key}' must be a number.`);
      }
      return value;
    case 'CommaDelimitedList':
    case 'List<String>':
    case 'List<Number>':
      return value === '' ? [] : value.split(',').map((item) => item.trim());
    default:
      throw notImplemented(`the parameter type ${type}`);
  }
}

async function lookUp(account: Account, type: string, name: string): Promise<string | readonly string[]> {
  const { Parameter } = await account.invoke('ssm', 'GetParameter', { Name: name });
  const value = String((Parameter as { Value: unknown }).Value);
  if (type === 'AWS::SSM::Parameter::Value<String>') return value;
  if (
    type === 'AWS::SSM::Parameter::Value<List<String>>' ||
    type === 'AWS::SSM::Parameter::Value<CommaDelimitedList>'
  ) {
    return value.split(',');
  }
  throw notImplemented(`the parameter type ${type}`);
}

function assertAllowed(key: string, declaration: ParameterDeclaration, value: string): void {
  const { AllowedValues, AllowedPattern, ConstraintDescription, MinLength, MaxLength, MinValue, MaxValue } =
    declaration;
  const refuse = (reason: string) => {
    throw validationError(
      ConstraintDescription === undefined
        ? `Parameter '${key}' ${reason}`
        : `Parameter ${key} failed to satisfy constraint: ${ConstraintDescription}`,
    );
  };
  if (AllowedValues && !AllowedValues.map(String).includes(value)) {
    refuse(`must be one of AllowedValues: [${AllowedValues.map(String).join(', ')}]`);
  }
  if (AllowedPattern !== undefined && !new RegExp(`^(?:${AllowedPattern})$`).test(value)) {
    refuse(`must match pattern ${AllowedPattern}`);
  }
  if (MinLength !== undefined && value.length < Number(MinLength))
    refuse(`must contain at least ${MinLength} characters`);
  if (MaxLength !== undefined && value.length > Number(MaxLength))
    refuse(`must contain at most ${MaxLength} characters`);
  if (MinValue !== undefined && Number(value) < Number(MinValue)) refuse(`must be a number not less than ${MinValue}`);
  if (MaxValue !== undefined && Number(value) > Number(MaxValue))
    refuse(`must be a number not greater than ${MaxValue}`);
}
