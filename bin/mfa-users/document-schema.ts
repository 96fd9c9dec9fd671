import { Ajv, type ErrorObject } from 'ajv';
import { MFA_USERS_SCHEMA } from './schema';
import { inWords, type Problem } from './declaration-error';
import { type MfaUsersDocument } from './document';
import { type JsonDocument, type JsonPath, pathInWords } from './json-document';
import { nearestOf } from './nearest-key';

/** The part of the schema that a value breaks. */
interface BrokenSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  /** Also what editors show, in place of "does not match the pattern". */
  readonly errorMessage?: string;
}

const ajv = new Ajv({ allErrors: true, verbose: true });
ajv.addKeyword('errorMessage');
const validate = ajv.compile<MfaUsersDocument>(MFA_USERS_SCHEMA);

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
        message: `Users: got ${inWords(users)}; ${errorMessage}. Correct it and run the command again.`,
      };
}

/** Where a document breaks the schema, and how; a value that breaks several rules has the last one only. */
export function schemaProblems(json: JsonDocument): Problem[] {
  validate(json.value);
  const problems = new Map<string, Problem>();
  // "if" only says that "then" was broken, which says so itself.
  for (const error of (validate.errors ?? []).filter(({ keyword }) => keyword !== 'if')) {
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
    return { offset: json.offsetOfKey(path, unknown), message: unknownKey(path, unknown, Object.keys(properties)) };
  }
  const [got, remedy] =
    missing === undefined
      ? [inWords(error.data), 'Correct it and run the command again.']
      : [`no ${missing}`, 'Add the key and run the command again.'];
  // A number may look like what is allowed.
  const isNoText = error.keyword === 'type' && error.schema === 'string';
  const rule = isNoText ? errorMessage?.replace('allowed:', 'allowed: text in double quotes,') : errorMessage;
  return { offset: json.offsetOf(path), message: `${pathInWords(path)}: got ${got}; ${rule}. ${remedy}` };
}

function unknownKey(path: JsonPath, key: string, allowed: readonly string[]): string {
  const nearest = nearestOf(allowed, key);
  const meant = nearest === undefined ? '' : `Did you mean ${nearest}? `;
  return (
    `${pathInWords(path)}: got the unknown key ${inWords(key)}; allowed: ${allowed.join(', ')}. ` +
    `${meant}Correct or remove the key and run the command again.`
  );
}

/** Of a JSON pointer (RFC 6901), with an index where the document has a list. */
function pathOf(json: JsonDocument, pointer: string): JsonPath {
  const segments = pointer.split('/').slice(1);
  return json.pathOf(segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~')));
}
