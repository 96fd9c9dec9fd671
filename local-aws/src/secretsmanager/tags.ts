import { AwsError } from '../protocol/aws-error';
import { list, structure, text } from '../protocol/members';
import type { Call } from '../service';
import type { Secret } from './secret';

/**
 * Of any characters, unlike IAM's: a user's name may have a comma.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Tag.html
 */
export const tagKey = text({ min: 1, max: 128 });
export const tags = list(structure({ Key: tagKey, Value: text({ max: 256 }) }));

const TAGS_PER_SECRET = 50;

interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** Sets tags of a secret. Their keys are case sensitive; those that begin with aws: are for AWS's own services. */
export function tagSecret(secret: Secret, added: readonly Tag[], { source }: Pick<Call, 'source'>): void {
  const merged = new Map([...secret.tags, ...added.map(({ Key, Value }) => [Key, Value] as const)]);
  const own = [...merged.keys()].filter((key) => !key.startsWith('aws:'));
  if (own.length > TAGS_PER_SECRET) {
    throw new AwsError(
      'LimitExceededException',
      `A secret can have ${TAGS_PER_SECRET} tags, and this request makes ${own.length}.`,
    );
  }
  if (source !== 'cloudformation') assertNotReserved(added.map(({ Key }) => Key));
  for (const [key, value] of merged) secret.tags.set(key, value);
  secret.wasTagged = true;
}

/** Throws for a key that only AWS's own services may set and remove. */
export function assertNotReserved(keys: readonly string[]): void {
  const reserved = keys.find((key) => /^aws:/i.test(key));
  if (reserved === undefined) return;
  throw new AwsError('InvalidParameterException', `Tag keys that begin with aws: are reserved: ${reserved}`);
}
