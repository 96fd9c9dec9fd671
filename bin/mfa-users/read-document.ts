import { DeclarationError, type Problem } from './declaration-error';
import { type MfaUsersDocument } from './document';
import { type DeploymentTarget, ruleProblems, unresolvedTextProblems } from './document-rules';
import { isKeyOfSchema, isMfaUsersDocument, schemaProblems, tooManyUsers } from './document-schema';
import { JsonDocument } from './json-document';

/**
 * Reads a document of users.
 *
 * @param file the name that errors begin with
 * @param target what is known at synthesis of where the users are deployed
 * @throws DeclarationError with all that is wrong in the document
 */
export function readMfaUsersDocument(file: string, text: string, target: DeploymentTarget = {}): MfaUsersDocument {
  const json = JsonDocument.parse(file, text, 'Correct it and run the command again.', isKeyOfSchema);
  const tooMany = tooManyUsers(json);
  const problems = tooMany ? [tooMany] : problemsOf(json, target);
  if (problems.length > 0 || !isMfaUsersDocument(json.value)) {
    throw DeclarationError.inFile(file, text, problems);
  }
  return json.value;
}

/** All problems, of a place only those of the first kind: what a schema says of a dynamic reference would hide it. */
function problemsOf(json: JsonDocument, target: DeploymentTarget): Problem[] {
  const reported = new Set<number>();
  const kinds = [unresolvedTextProblems, schemaProblems, ruleProblems];
  const problems = kinds.flatMap((kind) => {
    const more = kind(json, target).filter(({ offset }) => !reported.has(offset));
    for (const { offset } of more) reported.add(offset);
    return more;
  });
  return [...problems, ...json.duplicateKeys('Remove one of them and run the command again.')];
}
