import { AwsError, notImplemented } from '../protocol/aws-error';
import { list, type Member, optional, structure, text } from '../protocol/members';
import type { Secret } from './secret';

/** What each key looks at, and whether upper and lower case are the same to it. */
const ATTRIBUTES = {
  description: { of: ({ description = '' }: Secret) => [description], ignoresCase: true },
  name: { of: ({ name }: Secret) => [name], ignoresCase: false },
  'tag-key': { of: ({ tags }: Secret) => [...tags.keys()], ignoresCase: false },
  'tag-value': { of: ({ tags }: Secret) => [...tags.values()], ignoresCase: false },
} as const;
type Key = keyof typeof ATTRIBUTES;

/** AWS does not say what a word is, nor what passes for a secret that has neither replicas nor an owning service. */
const KEYS_WITHOUT_DOCUMENTED_MEANING = ['primary-region', 'owning-service', 'all'];

interface SecretFilter {
  readonly Key: Key;
  readonly Values: readonly string[];
}

const key = text({ oneOf: [...Object.keys(ATTRIBUTES), ...KEYS_WITHOUT_DOCUMENTED_MEANING] });
const values = atMostTen(list(text({ max: 512, pattern: /^!?[a-zA-Z0-9 :_@/+=.!-]*$/ })));
const members = structure({ Key: optional(key), Values: optional(values) });

const filter: Member<SecretFilter> = {
  required: true,
  read: (value, at) => {
    const { Key, Values = [] } = members.read(value, at);
    // The API reference requires neither of the two, but no filter works without them.
    if (Key === undefined) throw new AwsError('InvalidParameterException', 'Invalid filter key');
    if (Values.length === 0) {
      throw new AwsError('InvalidParameterException', `Invalid filter values for key: ${Key}`);
    }
    if (!isImplemented(Key)) throw notImplemented(`the filter key ${Key} of ListSecrets`);
    return { Key, Values };
  },
};

/**
 * The filters of ListSecrets.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Filter.html
 */
export const filters = atMostTen(list(filter));

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

function atMostTen<T>(member: Member<readonly T[]>): Member<readonly T[]> {
  return {
    required: true,
    read: (value, at) => {
      const items = member.read(value, at);
      if (items.length > 10) {
        throw new AwsError(
          'ValidationError',
          `1 validation error detected: Value '${JSON.stringify(value)}' at '${at}' failed to satisfy constraint: Member must have length less than or equal to 10`,
        );
      }
      return items;
    },
  };
}
