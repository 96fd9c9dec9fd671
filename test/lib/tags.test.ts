import { CfnParameter, type Stack, TagManager, Tags } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import {
  bobWithDevice,
  DEVICE_TYPE,
  devicePropertiesOf,
  LOGICAL_ID_TAG,
  newStack,
  onlyResourceOf,
  ownerTagsOf,
  STACK_ID_TAG,
  templateTextOf,
  USER_NAME_TAG,
} from './templates';

function ownerTagsIn(stack: Stack): readonly unknown[] {
  return ownerTagsOf(onlyResourceOf(stack, DEVICE_TYPE)[0], { Ref: onlyResourceOf(stack, 'AWS::IAM::User')[0] });
}

describe('tags', () => {
  test('reach the device and its secret, from the device and from any scope above it', () => {
    const { stack, device } = bobWithDevice();
    Tags.of(device).add('Team', 'Security');
    Tags.of(stack).add('Cost', '4711');

    expect(devicePropertiesOf(stack).Tags).toEqual([
      { Key: 'Cost', Value: '4711' },
      { Key: 'Team', Value: 'Security' },
    ]);
    expect(onlyResourceOf(stack, 'AWS::SecretsManager::Secret')[1].Properties.Tags).toEqual([
      ...ownerTagsIn(stack),
      { Key: 'Cost', Value: '4711' },
      { Key: 'Team', Value: 'Security' },
    ]);
  });

  test('are left out where there are none', () => {
    expect(devicePropertiesOf(bobWithDevice().stack)).not.toHaveProperty('Tags');
  });

  test('can be removed, and be kept from the device by its resource type', () => {
    const { stack, device } = bobWithDevice();
    Tags.of(stack).add('Team', 'Security');
    Tags.of(stack).add('Cost', '4711', { excludeResourceTypes: [DEVICE_TYPE] });
    Tags.of(device).remove('Team');

    expect(devicePropertiesOf(stack)).not.toHaveProperty('Tags');
  });

  test('are managed as of any taggable resource', () => {
    const { device } = bobWithDevice();

    expect(TagManager.of(device)).toBe(device.cdkTagManager);
  });

  test('that differ by case alone are two, for a device and for its secret', () => {
    const { stack, device } = bobWithDevice();
    Tags.of(device).add('Team', 'Security');
    Tags.of(device).add('team', 'platform');

    const both = [
      { Key: 'team', Value: 'platform' },
      { Key: 'Team', Value: 'Security' },
    ];
    expect(devicePropertiesOf(stack).Tags).toEqual(both);
    expect(onlyResourceOf(stack, 'AWS::SecretsManager::Secret')[1].Properties.Tags).toEqual([
      ...ownerTagsIn(stack),
      ...both,
    ]);
  });

  test('with tokens pass', () => {
    const stack = newStack();
    const { device } = bobWithDevice({}, stack);
    Tags.of(device).add('Team', new CfnParameter(stack, 'Team').valueAsString);

    expect(devicePropertiesOf(stack).Tags).toEqual([{ Key: 'Team', Value: { Ref: 'Team' } }]);
  });

  test.each<[what: string, tags: Record<string, string>, problem: string]>([
    [
      'of our own prefix',
      { 'cdk-iam-virtual-mfa:x': 'y' },
      'tags: got a key of 21 characters with a reserved prefix; allowed: any but',
    ],
    [
      'of AWS’s prefix, in any case',
      { 'AWS:x': 'y' },
      'tags: got a key of 5 characters with a reserved prefix; allowed: any but',
    ],
    ['with an illegal key', { 'a*b': 'y' }, 'tags: got a text of 3 characters as a key; allowed: 1 to 128 characters'],
    ['with an illegal value', { a: 'x;y' }, 'tag "a": got a text of 3 characters; allowed: up to 256 characters'],
    ['with a value too long', { a: 'x'.repeat(257) }, 'allowed: up to 256 characters'],
    [
      'that are too many beside the ownership tags',
      Object.fromEntries(Array.from({ length: 48 }, (_, index) => [`key${index}`, 'x'])),
      'tags: got 48 of them; allowed: 45, because IAM allows 50 and 5 mark the owner. Remove some.',
    ],
  ])('%s are refused', (_what, tags, problem) => {
    const { stack, device } = bobWithDevice();
    for (const [key, value] of Object.entries(tags)) {
      device.cdkTagManager.setTag(key, value);
    }

    expect(() => templateTextOf(stack)).toThrow(problem);
    expect(() => templateTextOf(stack)).toThrow('[Stack/BobMfa]');
  });

  test.each<[what: string, key: string, value: string]>([
    ['a key', 'hunter2*', 'x'],
    ['a key of a reserved prefix', 'aws:hunter2', 'x'],
    ['a value', 'Team', 'hunter2*'],
    ['a value of a key that is refused too', 'hunter2*', 'hunter2*'],
  ])('are not repeated, as they may be secrets: %s', (_what, key, value) => {
    const { stack, device } = bobWithDevice();
    device.cdkTagManager.setTag(key, value);

    expect(() => templateTextOf(stack)).toThrow(/allowed: /);
    expect(() => templateTextOf(stack)).not.toThrow(/hunter2/);
  });

  test.each([LOGICAL_ID_TAG, STACK_ID_TAG, USER_NAME_TAG])('cannot take %s from the secret', (key) => {
    const { stack, device } = bobWithDevice();
    Tags.of(device.seedSecret).add(key, 'another', { priority: 1_000 });
    Tags.of(device.seedSecret).remove(key, { priority: 1_000 });

    expect(onlyResourceOf(stack, 'AWS::SecretsManager::Secret')[1].Properties.Tags).toEqual(ownerTagsIn(stack));
  });
});
