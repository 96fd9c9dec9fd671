import { notImplemented, validationError } from '../../protocol/aws-error';
import { isRecord } from '../../protocol/json';

/** What a template's functions can ask for. */
export interface Scope {
  /** The value of a parameter, a pseudo parameter or a resource; {@link NO_VALUE} for `AWS::NoValue`. */
  ref(name: string): unknown;
  getAtt(logicalId: string, attribute: string): unknown;
  condition(name: string): boolean;
  /** The mapping of this name. */
  mapping(name: string): unknown;
  importValue(name: string): unknown;
  readonly region: string;
}

/** What a change set shows for a value that only its execution will tell; functions of it are not known either. */
export const KNOWN_AFTER_APPLY = '{{changeSet:KNOWN_AFTER_APPLY}}';

/** What `Ref: AWS::NoValue` stands for: the property, or the element of a list, is not there. */
export const NO_VALUE = Symbol('AWS::NoValue');

/**
 * Evaluates every intrinsic function in a value; a function that is not known fails loudly.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
 */
export function evaluate(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((item) => evaluate(item, scope)).filter((item) => item !== NO_VALUE);
  if (!isRecord(value)) return value;
  const call = functionCall(value);
  if (call) return evaluateFunction(call.name, call.argument, scope);
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member]) => [key, evaluate(member, scope)] as const)
      .filter(([, member]) => member !== NO_VALUE),
  );
}

/** Evaluates a condition: `Fn::Equals`, `Fn::And`, `{ Condition: name }` and their like. */
export function evaluateCondition(value: unknown, scope: Scope): boolean {
  if (isRecord(value) && typeof value.Condition === 'string') return scope.condition(value.Condition);
  const result = evaluate(value, scope);
  if (result === true || result === 'true') return true;
  if (result === false || result === 'false') return false;
  throw validationError(`Template error: ${JSON.stringify(value)} is no condition`);
}

/** The function that an object with one key stands for. */
export function functionCall(value: Record<string, unknown>): { name: string; argument: unknown } | undefined {
  const keys = Object.keys(value);
  const name = keys.find((key) => key === 'Ref' || key.startsWith('Fn::'));
  if (name === undefined || (name === 'Ref' && keys.length > 1)) return undefined;
  if (keys.length > 1) throw validationError(`Template format error: ${name} stands beside ${keys.join(', ')}`);
  return { name, argument: value[name] };
}

/** The names in `${…}` of an Fn::Sub text, without those that `${!…}` writes literally. */
export function substitutions(text: string): readonly string[] {
  return [...text.matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name = '']) => name.trim());
}

function evaluateFunction(name: string, argument: unknown, scope: Scope): unknown {
  switch (name) {
    case 'Ref':
      return scope.ref(textOf(name, argument));
    case 'Fn::GetAtt':
      return getAtt(argument, scope);
    case 'Fn::Sub':
      return sub(argument, scope);
    case 'Fn::Join':
      return join(evaluate(argument, scope));
    case 'Fn::Select':
      return select(evaluate(argument, scope));
    case 'Fn::Split':
      return split(evaluate(argument, scope));
    case 'Fn::If':
      return branch(argument, scope);
    case 'Fn::Equals': {
      const [left, right] = listOf(name, evaluate(argument, scope), 2);
      return String(left) === String(right);
    }
    case 'Fn::And':
      return listOf(name, argument).every((condition) => evaluateCondition(condition, scope));
    case 'Fn::Or':
      return listOf(name, argument).some((condition) => evaluateCondition(condition, scope));
    case 'Fn::Not':
      return !evaluateCondition(listOf(name, argument, 1)[0], scope);
    case 'Fn::Contains': {
      const [values, value] = listOf(name, evaluate(argument, scope), 2);
      return listOf(name, values).map(String).includes(String(value));
    }
    case 'Fn::FindInMap':
      return findInMap(evaluate(argument, scope), scope);
    case 'Fn::ImportValue':
      return scope.importValue(textOf(name, evaluate(argument, scope)));
    case 'Fn::Base64':
      return Buffer.from(textOf(name, evaluate(argument, scope))).toString('base64');
    case 'Fn::GetAZs':
      return ['a', 'b', 'c'].map((zone) => `${textOf(name, evaluate(argument, scope)) || scope.region}${zone}`);
    default:
      throw notImplemented(`the intrinsic function ${name}`);
  }
}

/** Splits `Logical.Attribute.Nested` at its first dot. */
export function attributeReference(argument: unknown): [logicalId: string, attribute: unknown] {
  if (typeof argument === 'string') {
    const dot = argument.indexOf('.');
    return [argument.slice(0, dot), argument.slice(dot + 1)];
  }
  const [logicalId, attribute] = listOf('Fn::GetAtt', argument, 2);
  return [textOf('Fn::GetAtt', logicalId), attribute];
}

function getAtt(argument: unknown, scope: Scope): unknown {
  const [logicalId, attribute] = attributeReference(argument);
  return scope.getAtt(logicalId, textOf('Fn::GetAtt', evaluate(attribute, scope)));
}

function sub(argument: unknown, scope: Scope): string {
  const [text, own] = typeof argument === 'string' ? [argument, {}] : listOf('Fn::Sub', argument, 2);
  if (!isRecord(own))
    throw validationError("Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments.");
  const variables = evaluate(own, scope) as Record<string, unknown>;
  return textOf('Fn::Sub', text).replaceAll(/\$\{([^}]+)\}/g, (_whole, inner: string) => {
    const name = inner.trim();
    if (name.startsWith('!')) return `\${${name.slice(1)}}`;
    if (name in variables) return scalarText('Fn::Sub', variables[name]);
    return scalarText('Fn::Sub', name.includes('.') ? getAtt(name, scope) : scope.ref(name));
  });
}

function join(argument: unknown): string {
  const [delimiter, values] = listOf('Fn::Join', argument, 2);
  if (values === KNOWN_AFTER_APPLY) return KNOWN_AFTER_APPLY;
  return listOf('Fn::Join', values)
    .map((value) => scalarText('Fn::Join', value))
    .join(textOf('Fn::Join', delimiter));
}

function select(argument: unknown): unknown {
  const [index, values] = listOf('Fn::Select', argument, 2);
  if (values === KNOWN_AFTER_APPLY) return KNOWN_AFTER_APPLY;
  const list = listOf('Fn::Select', values);
  const selected = list[Number(index)];
  if (selected === undefined)
    throw validationError(`Template error: Fn::Select cannot select nonexistent value at index ${String(index)}`);
  return selected;
}

function split(argument: unknown): string | string[] {
  const [delimiter, value] = listOf('Fn::Split', argument, 2);
  const text = textOf('Fn::Split', value);
  return text.includes(KNOWN_AFTER_APPLY) ? KNOWN_AFTER_APPLY : text.split(textOf('Fn::Split', delimiter));
}

function branch(argument: unknown, scope: Scope): unknown {
  const [condition, whenTrue, whenFalse] = listOf('Fn::If', argument, 3);
  return evaluate(scope.condition(textOf('Fn::If', condition)) ? whenTrue : whenFalse, scope);
}

function findInMap(argument: unknown, scope: Scope): unknown {
  const [map, top, second] = listOf('Fn::FindInMap', argument, 3).map((key) => scalarText('Fn::FindInMap', key));
  const first = scope.mapping(map ?? '');
  const middle = isRecord(first) ? first[top ?? ''] : undefined;
  const found = isRecord(middle) ? middle[second ?? ''] : undefined;
  if (found === undefined) {
    throw validationError(
      `Template error: Unable to get mapping for ${String(map)}::${String(top)}::${String(second)}`,
    );
  }
  return found;
}

function listOf(name: string, value: unknown, length?: number): readonly unknown[] {
  if (Array.isArray(value) && (length === undefined || value.length === length)) return value;
  throw validationError(
    `Template error: every ${name} object requires a list${length === undefined ? '' : ` of ${length}`}`,
  );
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw validationError(`Template error: ${name} requires a string, and got ${JSON.stringify(value)}`);
}

function scalarText(name: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw validationError(`Template error: ${name} requires strings, and got ${JSON.stringify(value)}`);
}
