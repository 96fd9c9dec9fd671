import { type TagManager, Token } from 'aws-cdk-lib';
import { OWN_TAG_KEYS } from '../../lambda/contract/own-tags';
import { holdsDynamicReference, kindOf, TAG_RULES } from '../../lambda/contract/property-rules';

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
  return Token.isUnresolved(text) || holdsDynamicReference(text);
}

function keyProblems(key: string): string[] {
  if (isCheckedElsewhere(key)) {
    return [];
  }
  if (TAG_RULES.reservedPrefixes.some((prefix) => key.toLowerCase().startsWith(prefix))) {
    return [
      `tags: got a key of ${key.length} characters with a reserved prefix; allowed: any but ${TAG_RULES.reservedPrefixes.join(' and ')}. ` +
        'Name the tag differently, or exclude the device with excludeResourceTypes.',
    ];
  }
  return TAG_RULES.Key.accepts(key)
    ? []
    : [`tags: got ${kindOf(key)} as a key; allowed: ${TAG_RULES.Key.allowed}. Change the key.`];
}

function valueProblems(key: string, value: string): string[] {
  return isCheckedElsewhere(value) || TAG_RULES.Value.accepts(value)
    ? []
    : [`${tagInWords(key)}: got ${kindOf(value)}; allowed: ${TAG_RULES.Value.allowed}. Change the value.`];
}

/** A key that keeps its rule is shown in the console too. */
function tagInWords(key: string): string {
  return TAG_RULES.Key.accepts(key) ? `tag "${key}"` : `tag with ${kindOf(key)} as a key`;
}

function countProblems(count: number): string[] {
  const own = OWN_TAG_KEYS.length;
  const allowed = TAG_RULES.maxCount - own;
  return count <= allowed
    ? []
    : [
        `tags: got ${count} of them; allowed: ${allowed}, because IAM allows ${TAG_RULES.maxCount} and ${own} mark the owner. Remove some.`,
      ];
}
