import { notImplemented } from '../../protocol/aws-error';
import type { TypeProvider } from '../provider';
import {
  begun,
  changed,
  documentText,
  ignoringAbsence,
  optionalBoolean,
  optionalNumber,
  optionalText,
  present,
  tagsOf,
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
  unchangeable: ['KeySpec', 'KeyUsage', 'MultiRegion', 'Description', 'EnableKeyRotation'],
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
    const { account, physicalId: KeyId, properties } = change;
    refuseDisabled(properties);
    if (changed(change, 'KeyPolicy')) {
      const Policy = documentText(properties, 'KeyPolicy');
      await account.invoke('kms', 'PutKeyPolicy', { KeyId, PolicyName: 'default', Policy });
    }
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
