import { notImplemented } from '../../protocol/aws-error';
import type { TypeProvider } from '../provider';
import { begun, changed, documentText, ignoringAbsence, optionalBoolean, optionalNumber, pick } from './properties';

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
      ...pick(properties, 'Description', 'KeySpec', 'KeyUsage'),
      ...(properties.KeyPolicy === undefined ? {} : { Policy: documentText(properties, 'KeyPolicy') }),
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

function refuseDisabled(properties: Readonly<Record<string, unknown>>): void {
  if (optionalBoolean(properties, 'Enabled') === false) throw notImplemented('a disabled KMS key');
  if (optionalBoolean(properties, 'MultiRegion')) throw notImplemented('a multi-Region KMS key');
}
