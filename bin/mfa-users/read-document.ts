import { DeclarationError } from './declaration-error';
import { type MfaUsersDocument } from './document';
import { ruleProblems } from './document-rules';
import { isMfaUsersDocument, schemaProblems } from './document-schema';
import { JsonDocument } from './json-document';

/**
 * Reads a document of users.
 *
 * @param file the name that errors begin with
 * @throws DeclarationError with all that is wrong in the document
 */
export function readMfaUsersDocument(file: string, text: string): MfaUsersDocument {
  const json = JsonDocument.parse(file, text, 'Correct it and run the command again.');
  const ofSchema = schemaProblems(json);
  const reported = new Set(ofSchema.map(({ offset }) => offset));
  const problems = [
    ...ofSchema,
    ...ruleProblems(json).filter(({ offset }) => !reported.has(offset)),
    ...json.duplicateKeys('Remove one of them and run the command again.'),
  ];
  if (problems.length > 0 || !isMfaUsersDocument(json.value)) {
    throw DeclarationError.inFile(file, text, problems);
  }
  return json.value;
}
