import { AwsError } from '../protocol/aws-error';
import type { Call } from '../service';
import type { Secret } from './secret';

const TAGS_PER_SECRET = 50;

/** Of any characters, unlike IAM's: a user's name may have a comma. */
export interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** Tags as a map. A key without a value has the empty one. */
export function tagMapOf(tags: readonly Tag[]): Map<string, string> {
  return new Map(tags.map(({ Key = '', Value = '' }) => [Key, Value]));
}

/** Sets tags of a secret. Their keys are case sensitive; those that begin with aws: are for AWS's own services. */
export function tagSecret(secret: Secret, added: readonly Tag[], { source }: Pick<Call, 'source'>): void {
  const merged = new Map([...secret.tags, ...tagMapOf(added)]);
  const own = [...merged.keys()].filter((key) => !key.startsWith('aws:'));
  if (own.length > TAGS_PER_SECRET) {
    throw new AwsError(
      'LimitExceededException',
      `A secret can have ${TAGS_PER_SECRET} tags, and this request makes ${own.length}.`,
    );
  }
  if (source !== 'cloudformation') assertNotReserved([...tagMapOf(added).keys()]);
  for (const [key, value] of merged) secret.tags.set(key, value);
  secret.wasTagged = true;
}

/** Throws for a key that only AWS's own services may set and remove. */
export function assertNotReserved(keys: readonly string[]): void {
  const reserved = keys.find((key) => /^aws:/i.test(key));
  if (reserved === undefined) return;
  throw new AwsError('InvalidParameterException', `Tag keys that begin with aws: are reserved: ${reserved}`);
}
