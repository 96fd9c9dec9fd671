import { AwsError, notImplemented } from './aws-error';

/** Declares one member of an action's input, and how it is read from what came over the wire. */
export interface Member<T> {
  readonly required: boolean;
  /** Returns the value, or throws the message of the violated constraint. */
  read(value: unknown, at: string): T;
}

export type Members = Readonly<Record<string, Member<unknown>>>;
/** The input of an action as its members declare it. */
export type Input<M extends Members> = { readonly [K in keyof M]: M[K] extends Member<infer T> ? T : never };

interface TextConstraints {
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: RegExp;
  readonly oneOf?: readonly string[];
}

function violation(value: unknown, at: string, constraint: string): AwsError {
  const shown =
    value === undefined ? 'Value null' : `Value '${typeof value === 'string' ? value : JSON.stringify(value)}'`;
  return new AwsError(
    'ValidationError',
    `1 validation error detected: ${shown} at '${at}' failed to satisfy constraint: Member must ${constraint}`,
  );
}

/** What cannot be read at all, whatever its constraints. */
function malformed(message: string): AwsError {
  return new AwsError('MalformedInput', message);
}

function readText(value: unknown, at: string, { min, max, pattern, oneOf }: TextConstraints): string {
  if (typeof value !== 'string') throw violation(value, at, 'be a string');
  if (min !== undefined && value.length < min) {
    throw violation(value, at, `have length greater than or equal to ${min}`);
  }
  if (max !== undefined && value.length > max) throw violation(value, at, `have length less than or equal to ${max}`);
  if (pattern && !pattern.test(value)) {
    throw violation(
      value,
      at,
      `satisfy regular expression pattern: ${pattern.source.replace(/(?<![[\\])\^|(?<!\\)\$/g, '')}`,
    );
  }
  if (oneOf && !oneOf.includes(value)) throw violation(value, at, `satisfy enum value set: [${oneOf.join(', ')}]`);
  return value;
}

/** A required string. */
export function text(constraints: TextConstraints = {}): Member<string> {
  return { required: true, read: (value, at) => readText(value, at, constraints) };
}

/** A number; in the query protocol it arrives as text. */
export function integer(min: number, max: number): Member<number> {
  return {
    required: true,
    read: (value, at) => {
      const number = Number(value);
      if (!Number.isInteger(number) || number > Math.max(max, 2 ** 31 - 1)) throw malformed(`${at} is no integer`);
      if (number < min) throw violation(value, at, `have value greater than or equal to ${min}`);
      if (number > max) throw violation(value, at, `have value less than or equal to ${max}`);
      return number;
    },
  };
}

/** A boolean; in the query protocol it arrives as text. */
export function flag(): Member<boolean> {
  return {
    required: true,
    read: (value, at) => {
      if (value === true || value === 'true') return true;
      if (value === false || value === 'false') return false;
      throw violation(value, at, 'be a boolean');
    },
  };
}

/** A structure, with members of its own. */
export function structure<M extends Members>(members: M): Member<Input<M>> {
  return {
    required: true,
    read: (value, at) => {
      if (value === null || typeof value !== 'object' || Array.isArray(value)) {
        throw violation(value, at, 'be a structure');
      }
      return readMembers(members, value as Record<string, unknown>, at);
    },
  };
}

/** A list of one kind of member. */
export function list<T>(item: Member<T>): Member<readonly T[]> {
  return {
    required: true,
    read: (value, at) => {
      // The query protocol writes an empty list as `Name=`.
      if (value === '') return [];
      if (!Array.isArray(value)) throw violation(value, at, 'be a list');
      return value.map((element, index) => item.read(element, `${at}.${index + 1}.member`));
    },
  };
}

/** Anything, as it came. */
export function anything(): Member<unknown> {
  return { required: true, read: (value) => value };
}

/** The same member, but it may be absent. */
export function optional<T>(member: Member<T>): Member<T | undefined> {
  return { required: false, read: (value, at) => member.read(value, at) };
}

/** Reads a whole input by its declaration. A member that is not declared fails loudly: silently ignored is how emulators lie. */
export function readMembers<M extends Members>(
  members: M,
  input: Readonly<Record<string, unknown>>,
  at = '',
): Input<M> {
  const unknown = Object.keys(input).find((name) => !Object.hasOwn(members, name));
  if (unknown) throw notImplemented(`the parameter ${at ? `${at}.` : ''}${unknown}`);
  const read: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(members)) {
    const value = input[name];
    const path = `${at ? `${at}.` : ''}${name.charAt(0).toLowerCase()}${name.slice(1)}`;
    if (value === undefined || value === null) {
      if (member.required) throw violation(undefined, path, 'not be null');
    } else {
      read[name] = member.read(value, path);
    }
  }
  return read as Input<M>;
}
