import { Ajv, type ErrorObject } from 'ajv';
import { kindOf } from '../../lambda/contract/property-rules';
import { MFA_USERS_SCHEMA } from './schema';
import { type Problem, quoted } from './declaration-error';
import { type MfaUsersDocument } from './document';
import { type JsonDocument, type JsonPath } from './json-document';
import { nearestOf } from './nearest-key';

/** The part of the schema that a value breaks. */
interface BrokenSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  /** Also what editors show, in place of "does not match the pattern". */
  readonly errorMessage?: string;
}

interface SchemaWithKeys {
  readonly type: string;
  readonly properties?: Readonly<Record<string, SchemaWithKeys>>;
  readonly items?: SchemaWithKeys;
}

const ajv = new Ajv({ allErrors: true, verbose: true });
ajv.addKeyword('errorMessage');
const validate = ajv.compile<MfaUsersDocument>(MFA_USERS_SCHEMA);

/** Whether the schema has such a key, in whichever object. */
export function isKeyOfSchema(key: string): boolean {
  return KEYS.has(key);
}

const KEYS: ReadonlySet<string> = new Set(keysBelow(MFA_USERS_SCHEMA));

function keysBelow({ properties = {}, items }: SchemaWithKeys): string[] {
  const below = Object.values(properties).flatMap(keysBelow);
  return [...Object.keys(properties), ...below, ...(items === undefined ? [] : keysBelow(items))];
}

/** Whether the schema takes the document. */
export function isMfaUsersDocument(value: unknown): value is MfaUsersDocument {
  return validate(value);
}

/** A document with more users than an account can have: to list what is wrong with each would take long, and help nobody. */
export function tooManyUsers(json: JsonDocument): Problem | undefined {
  const { Users: users } = (json.value ?? {}) as { readonly Users?: unknown };
  const { maxItems, errorMessage } = MFA_USERS_SCHEMA.properties.Users;
  return !Array.isArray(users) || users.length <= maxItems
    ? undefined
    : {
        offset: json.offsetOf(['Users']),
        message: `Users: got ${kindOf(users)}; ${errorMessage}. Correct it and run the command again.`,
      };
}

/** Where a document breaks the schema, and how; a value that breaks several rules has the last one only. */
export function schemaProblems(json: JsonDocument): Problem[] {
  validate(json.value);
  const problems = new Map<string, Problem>();
  for (const error of validate.errors ?? []) {
    const { additionalProperty, missingProperty } = error.params as Record<string, string | undefined>;
    problems.set(
      JSON.stringify([error.instancePath, additionalProperty ?? missingProperty]),
      problemOf(json, error, additionalProperty, missingProperty),
    );
  }
  return [...problems.values()];
}

function problemOf(json: JsonDocument, error: ErrorObject, unknown?: string, missing?: string): Problem {
  const path = pathOf(json, error.instancePath);
  const { properties = {}, errorMessage } = error.parentSchema as BrokenSchema;
  if (unknown !== undefined) {
    return {
      offset: json.offsetOfKey(path, unknown),
      message: `${json.inWords(path)}: ${unknownKey(unknown, Object.keys(properties))}`,
    };
  }
  const [got, remedy] =
    missing === undefined
      ? [kindOf(error.data), 'Correct it and run the command again.']
      : [`no ${missing}`, 'Add the key and run the command again.'];
  // A number may look like what is allowed.
  const isNoText = error.keyword === 'type' && error.schema === 'string';
  const rule = isNoText ? errorMessage?.replace('allowed:', 'allowed: text in double quotes,') : errorMessage;
  return { offset: json.offsetOf(path), message: `${json.inWords(path)}: got ${got}; ${rule}. ${remedy}` };
}

/** A key that is nearly a known one is no secret. */
function unknownKey(key: string, allowed: readonly string[]): string {
  const meant = nearestOf(allowed, key);
  const got = meant === undefined ? `an unknown key, ${kindOf(key)}` : `the unknown key ${quoted(key)}`;
  return (
    `got ${got}; allowed: ${allowed.join(', ')}. ${meant === undefined ? '' : `Did you mean ${meant}? `}` +
    'Correct or remove the key and run the command again.'
  );
}

/** Of a JSON pointer (RFC 6901), with an index where the document has a list. */
function pathOf(json: JsonDocument, pointer: string): JsonPath {
  const segments = pointer.split('/').slice(1);
  return json.pathOf(segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~')));
}
