import { AwsError, notImplemented } from '../protocol/aws-error';
import type { Secret } from './secret';

/** What each key looks at, and whether upper and lower case are the same to it. */
const ATTRIBUTES = {
  description: { of: ({ description = '' }: Secret) => [description], ignoresCase: true },
  name: { of: ({ name }: Secret) => [name], ignoresCase: false },
  'tag-key': { of: ({ tags }: Secret) => [...tags.keys()], ignoresCase: false },
  'tag-value': { of: ({ tags }: Secret) => [...tags.values()], ignoresCase: false },
} as const;
type Key = keyof typeof ATTRIBUTES;

/** A filter of ListSecrets, as read from a request. */
export interface SecretFilter {
  readonly Key: Key;
  readonly Values: readonly string[];
}

/**
 * Reads a filter of ListSecrets. AWS does not say what a word is, nor what passes for a secret that has neither replicas nor an
 * owning service: the filters that need it are not there.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Filter.html
 */
export function readFilter({
  Key,
  Values = [],
}: {
  readonly Key?: string | undefined;
  readonly Values?: readonly string[] | undefined;
}): SecretFilter {
  // The API reference requires neither of the two, but no filter works without them.
  if (Key === undefined) throw new AwsError('InvalidParameterException', 'Invalid filter key');
  if (Values.length === 0) throw new AwsError('InvalidParameterException', `Invalid filter values for key: ${Key}`);
  if (!isImplemented(Key)) throw notImplemented(`the filter key ${Key} of ListSecrets`);
  return { Key, Values };
}

/** Whether a secret passes every filter; it passes one by any of its values. */
export function passes(secret: Secret, all: readonly SecretFilter[]): boolean {
  return all.every(({ Key, Values }) => Values.some((value) => matches(secret, Key, value)));
}

function matches(secret: Secret, Key: Key, value: string): boolean {
  const { of, ignoresCase } = ATTRIBUTES[Key];
  const cased = (written: string) => (ignoresCase ? written.toLowerCase() : written);
  const negated = value.startsWith('!');
  const prefix = cased(negated ? value.slice(1) : value);
  return of(secret).some((attribute) => cased(attribute).startsWith(prefix)) !== negated;
}

function isImplemented(Key: string): Key is Key {
  return Object.hasOwn(ATTRIBUTES, Key);
}
