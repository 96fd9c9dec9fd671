import { type TagManager, Token } from 'aws-cdk-lib';
import { DYNAMIC_REFERENCE, OWN_TAG_KEYS, OWN_TAG_PREFIX } from '../../lambda/contract';

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules */
const MAX_TAGS = 50;
const OWN_TAGS = OWN_TAG_KEYS.length;
const RESERVED_PREFIXES = ['aws:', OWN_TAG_PREFIX];
const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u;
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;
const CHARACTERS = 'letters, digits, spaces and any of _.:/=+-@';

/** What keeps IAM from taking these tags on a device. Called after aspects have set the tags. */
export function tagProblems(tags: TagManager): string[] {
  const entries = Object.entries(tags.tagValues());
  return [
    ...entries.flatMap(([key]) => keyProblems(key)),
    ...entries.flatMap(([key, value]) => valueProblems(key, value)),
    ...countProblems(entries.length),
  ];
}

/** The handler checks tokens, and a dynamic reference gets a message of its own, which does not repeat it. */
function isCheckedElsewhere(text: string): boolean {
  return Token.isUnresolved(text) || text.includes(DYNAMIC_REFERENCE);
}

function keyProblems(key: string): string[] {
  if (isCheckedElsewhere(key)) {
    return [];
  }
  if (RESERVED_PREFIXES.some((prefix) => key.toLowerCase().startsWith(prefix))) {
    return [
      `tag key "${key}" begins with a reserved prefix; allowed: any but ${RESERVED_PREFIXES.join(' and ')}. ` +
        'Name the tag differently, or exclude the device with excludeResourceTypes.',
    ];
  }
  return TAG_KEY.test(key)
    ? []
    : [`tag key "${key}" is not one that IAM takes; allowed: 1 to 128 characters, ${CHARACTERS}. Change the key.`];
}

function valueProblems(key: string, value: string): string[] {
  return isCheckedElsewhere(value) || TAG_VALUE.test(value)
    ? []
    : [`tag "${key}" has the value "${value}"; allowed: up to 256 characters, ${CHARACTERS}. Change the value.`];
}

function countProblems(count: number): string[] {
  const allowed = MAX_TAGS - OWN_TAGS;
  return count <= allowed
    ? []
    : [
        `got ${count} tags; allowed: ${allowed}, for IAM takes ${MAX_TAGS} and ${OWN_TAGS} mark the owner. Remove some.`,
      ];
}
