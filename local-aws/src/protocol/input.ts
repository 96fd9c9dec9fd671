import { AwsError, notImplemented } from './aws-error';
import { isRecord } from './json';
import type { ServiceSpec, Shape } from './spec';

/** What reading an input takes to know of its service. */
export interface InputRules {
  readonly spec: ServiceSpec;
  /** Whether an error repeats the value that it refuses. */
  readonly echoesValues?: boolean;
  /** The sentence with which the service refuses a value that does not fit its pattern, if it has one of its own. */
  readonly patternSentence?: (member: string, pattern: string) => string | undefined;
}

type Values = Readonly<Record<string, unknown>>;

/**
 * Reads an action's input as AWS's model declares it, and refuses what breaks its constraints. A parameter that the action does
 * not take fails loudly: silently ignored is how emulators lie.
 *
 * @param options.scalarsAsText whether numbers and booleans pass for texts, as in CloudFormation's templates
 */
export function readInput(
  rules: InputRules,
  action: string,
  takes: readonly string[],
  input: Values,
  { scalarsAsText = false }: { readonly scalarsAsText?: boolean } = {},
): Values {
  const declared = rules.spec[action]?.input;
  if (!declared) throw notImplemented(`${action}: the spec has no such action`);
  const unknown = Object.keys(input).find((name) => !takes.includes(name));
  if (unknown !== undefined) throw notImplemented(`the parameter ${unknown}`);
  const reader = new Reader(rules, scalarsAsText);
  const read = reader.members(declared, input, '');
  const { violations } = reader;
  if (violations.length === 0) return read;
  throw new AwsError(
    'ValidationError',
    `${violations.length} validation error${violations.length > 1 ? 's' : ''} detected: ${violations.join('; ')}`,
  );
}

class Reader {
  readonly violations: string[] = [];

  constructor(
    private readonly rules: InputRules,
    private readonly scalarsAsText: boolean,
  ) {}

  members(declared: Readonly<Record<string, Shape>>, input: Values, at: string): Values {
    const unknown = Object.keys(input).find((name) => !Object.hasOwn(declared, name));
    if (unknown !== undefined) throw notImplemented(`the parameter ${at}${unknown}`);
    const read: Record<string, unknown> = {};
    for (const [name, shape] of Object.entries(declared)) {
      const path = `${at}${name.charAt(0).toLowerCase()}${name.slice(1)}`;
      const value = input[name] ?? undefined;
      if (value !== undefined) read[name] = this.#value(shape, value, path);
      else if (shape.required) this.#violation('Value', path, 'not be null', shape.sensitive ? undefined : 'null');
    }
    return read;
  }

  #value(shape: Shape, value: unknown, path: string): unknown {
    switch (shape.type) {
      case 'string': {
        const isScalar = typeof value === 'number' || typeof value === 'boolean';
        const text = this.scalarsAsText && isScalar ? String(value) : value;
        if (typeof text !== 'string') throw malformed(path, 'a string');
        this.#check(shape, text, path, text.length, 'length');
        return text;
      }
      case 'integer':
      case 'long': {
        const number = Number(value);
        const largest = shape.type === 'long' ? Number.MAX_SAFE_INTEGER : 2 ** 31 - 1;
        if (!Number.isInteger(number) || Math.abs(number) > largest) throw malformed(path, 'an integer');
        this.#check(shape, String(value), path, number, 'value');
        return number;
      }
      case 'boolean':
        if (!['true', 'false'].includes(String(value))) throw malformed(path, 'a boolean');
        return String(value) === 'true';
      case 'list': {
        // The query protocol writes an empty list as `Name=`.
        const list: unknown = value === '' ? [] : value;
        if (!Array.isArray(list)) throw malformed(path, 'a list');
        this.#check(shape, JSON.stringify(list), path, list.length, 'length');
        const { member } = shape;
        return member ? list.map((item, index) => this.#value(member, item, `${path}.${index + 1}.member`)) : list;
      }
      case 'structure':
        if (!isRecord(value)) throw malformed(path, 'a structure');
        return this.members(shape.members ?? {}, value, `${path}.`);
      case 'map':
        if (!isRecord(value)) throw malformed(path, 'a map');
        return value;
      case 'blob':
      case 'timestamp':
        throw notImplemented(`the parameter ${path}`);
    }
  }

  #check({ min, max, pattern, enum: values, sensitive }: Shape, value: string, path: string, size: number, of: string) {
    const shown = sensitive || !this.rules.echoesValues ? undefined : `'${value}'`;
    const refuse = (constraint: string) => this.#violation('Value', path, constraint, shown);
    if (min !== undefined && size < min) refuse(`have ${of} greater than or equal to ${min}`);
    if (max !== undefined && size > max) refuse(`have ${of} less than or equal to ${max}`);
    if (values && !values.includes(value)) refuse(`satisfy enum value set: [${values.join(', ')}]`);
    if (pattern !== undefined && !expressionOf(pattern).test(value)) {
      const sentence = this.rules.patternSentence?.(path, pattern);
      if (sentence !== undefined) throw new AwsError('ValidationError', sentence);
      refuse(`satisfy regular expression pattern: ${pattern}`);
    }
  }

  #violation(what: string, path: string, constraint: string, shown: string | undefined): void {
    const value = shown === undefined ? what : `${what} ${shown}`;
    this.violations.push(`${value} at '${path}' failed to satisfy constraint: Member must ${constraint}`);
  }
}

const expressions = new Map<string, RegExp>();

function expressionOf(pattern: string): RegExp {
  // Only patterns with classes of Unicode need the flag, and it forbids some of the escapes in the others.
  const flags = pattern.includes('\\p{') ? 'u' : '';
  const expression = expressions.get(pattern) ?? new RegExp(`^(?:${pattern})$`, flags);
  expressions.set(pattern, expression);
  return expression;
}

/** What cannot be read at all, whatever its constraints. */
function malformed(path: string, expected: string): AwsError {
  return new AwsError('MalformedInput', `${path} is not ${expected}`);
}
