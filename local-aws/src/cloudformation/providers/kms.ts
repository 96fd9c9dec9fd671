import { notImplemented } from '../../protocol/aws-error';
import type { TypeProvider } from '../provider';
import {
  begun,
  changed,
  difference,
  documentText,
  ignoringAbsence,
  optionalBoolean,
  optionalNumber,
  optionalText,
  present,
  tagsOf,
  text,
} from './properties';

/** `AWS::KMS::Key` */
export const kmsKey: TypeProvider = {
  takes: [
    'KeySpec',
    'KeyUsage',
    'MultiRegion',
    'Description',
    'EnableKeyRotation',
    'Enabled',
    'KeyPolicy',
    'PendingWindowInDays',
    'Tags',
  ],
  unchangeable: ['KeySpec', 'KeyUsage', 'MultiRegion'],
  create: async (change) => {
    const { account, properties } = change;
    const { KeyMetadata } = await account.invoke('kms', 'CreateKey', {
      ...present({
        Description: optionalText(properties, 'Description'),
        KeySpec: optionalText(properties, 'KeySpec'),
        KeyUsage: optionalText(properties, 'KeyUsage'),
        Policy: properties.KeyPolicy === undefined ? undefined : documentText(properties, 'KeyPolicy'),
        Tags: properties.Tags === undefined ? undefined : kmsTags(properties),
      }),
    });
    const { KeyId, Arn } = KeyMetadata as { KeyId: string; Arn: string };
    const provisioned = begun(change, KeyId, { Arn, KeyId });
    refuseDisabled(properties);
    if (optionalBoolean(properties, 'EnableKeyRotation')) await account.invoke('kms', 'EnableKeyRotation', { KeyId });
    return provisioned;
  },
  update: async (change) => {
    const { account, physicalId: KeyId, properties, oldProperties } = change;
    refuseDisabled(properties);
    if (changed(change, 'KeyPolicy')) {
      const Policy = documentText(properties, 'KeyPolicy');
      await account.invoke('kms', 'PutKeyPolicy', { KeyId, PolicyName: 'default', Policy });
    }
    if (changed(change, 'Description')) {
      const Description = optionalText(properties, 'Description') ?? '';
      await account.invoke('kms', 'UpdateKeyDescription', { KeyId, Description });
    }
    if (changed(change, 'EnableKeyRotation')) {
      const verb = optionalBoolean(properties, 'EnableKeyRotation') ? 'Enable' : 'Disable';
      await account.invoke('kms', `${verb}KeyRotation`, { KeyId });
    }
    const { added, removed } = difference(kmsTags(oldProperties), kmsTags(properties));
    const kept = kmsTags(properties).map(({ TagKey }) => TagKey);
    const TagKeys = removed.map(({ TagKey }) => TagKey).filter((key) => !kept.includes(key));
    if (added.length > 0) await account.invoke('kms', 'TagResource', { KeyId, Tags: added });
    if (TagKeys.length > 0) await account.invoke('kms', 'UntagResource', { KeyId, TagKeys });
    return { physicalId: KeyId };
  },
  delete: async ({ account, physicalId: KeyId, properties }) =>
    ignoringAbsence(() =>
      account.invoke('kms', 'ScheduleKeyDeletion', {
        KeyId,
        PendingWindowInDays: optionalNumber(properties, 'PendingWindowInDays') ?? 30,
      }),
    ),
};

function kmsTags(properties: Readonly<Record<string, unknown>>): readonly { TagKey: string; TagValue: string }[] {
  return tagsOf(properties).map(({ Key, Value }) => ({ TagKey: Key, TagValue: Value }));
}

function refuseDisabled(properties: Readonly<Record<string, unknown>>): void {
  if (optionalBoolean(properties, 'Enabled') === false) throw notImplemented('a disabled KMS key');
  if (optionalBoolean(properties, 'MultiRegion')) throw notImplemented('a multi-Region KMS key');
}

/** `AWS::KMS::Alias` */
export const kmsAlias: TypeProvider = {
  takes: ['AliasName', 'TargetKeyId'],
  nameProperty: 'AliasName',
  create: async (change) => {
    const AliasName = text(change.properties, 'AliasName');
    await change.account.invoke('kms', 'CreateAlias', {
      AliasName,
      TargetKeyId: text(change.properties, 'TargetKeyId'),
    });
    return begun(change, AliasName, { AliasName });
  },
  update: async ({ account, physicalId: AliasName, properties }) => {
    await account.invoke('kms', 'UpdateAlias', { AliasName, TargetKeyId: text(properties, 'TargetKeyId') });
    return { physicalId: AliasName };
  },
  delete: async ({ account, physicalId: AliasName }) =>
    ignoringAbsence(() => account.invoke('kms', 'DeleteAlias', { AliasName })),
};
