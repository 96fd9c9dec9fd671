import { randomBytes } from 'node:crypto';
import { notImplemented } from '../../protocol/aws-error';
import type { ResourceProvider } from '../provider';
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

/** `AWS::SecretsManager::Secret`: without a value where the template gives none. */
export const secret: ResourceProvider = {
  properties: {
    Name: 'replacement',
    Description: 'in place',
    KmsKeyId: 'in place',
    SecretString: 'in place',
    Tags: 'in place',
  },
  nameProperty: 'Name',
  taggable: true,
  create: async (change) => {
    const { account, properties, logicalId } = change;
    const { ARN } = await account.invoke('secretsmanager', 'CreateSecret', {
      Name: optionalText(properties, 'Name') ?? `${logicalId}-${randomBytes(9).toString('hex').slice(0, 12)}`,
      ...present({
        Description: optionalText(properties, 'Description'),
        KmsKeyId: optionalText(properties, 'KmsKeyId'),
        SecretString: optionalText(properties, 'SecretString'),
        Tags: properties.Tags === undefined ? undefined : tagsOf(properties),
      }),
    });
    return begun(change, String(ARN), { Id: ARN });
  },
  update: async (change) => {
    const { account, physicalId: SecretId, properties, oldProperties } = change;
    if (changed(change, 'Description', 'KmsKeyId', 'SecretString')) {
      await account.invoke('secretsmanager', 'UpdateSecret', {
        SecretId,
        ...present({
          Description: optionalText(properties, 'Description'),
          KmsKeyId: optionalText(properties, 'KmsKeyId'),
          SecretString: changed(change, 'SecretString') ? optionalText(properties, 'SecretString') : undefined,
        }),
      });
    }
    const { added, removed } = difference(tagsOf(oldProperties), tagsOf(properties));
    const kept = tagsOf(properties).map(({ Key }) => Key);
    const TagKeys = removed.map(({ Key }) => Key).filter((key) => !kept.includes(key));
    if (added.length > 0) await account.invoke('secretsmanager', 'TagResource', { SecretId, Tags: added });
    if (TagKeys.length > 0) await account.invoke('secretsmanager', 'UntagResource', { SecretId, TagKeys });
    return { physicalId: SecretId };
  },
  delete: async ({ account, physicalId: SecretId }) =>
    ignoringAbsence(() =>
      account.invoke('secretsmanager', 'DeleteSecret', { SecretId, ForceDeleteWithoutRecovery: true }),
    ),
};

/** `AWS::SecretsManager::ResourcePolicy` */
export const secretResourcePolicy: ResourceProvider = {
  properties: { SecretId: 'replacement', ResourcePolicy: 'in place', BlockPublicPolicy: 'in place' },
  required: ['SecretId', 'ResourcePolicy'],
  create: async (change) => {
    await putSecretPolicy(change);
    return begun(change, text(change.properties, 'SecretId'));
  },
  update: async (change) => {
    await putSecretPolicy(change);
    return { physicalId: change.physicalId };
  },
  delete: async ({ account, properties }) =>
    ignoringAbsence(() =>
      account.invoke('secretsmanager', 'DeleteResourcePolicy', { SecretId: text(properties, 'SecretId') }),
    ),
};

async function putSecretPolicy({
  account,
  properties,
}: Parameters<ResourceProvider['create']>[0] | Parameters<ResourceProvider['update']>[0]): Promise<void> {
  await account.invoke('secretsmanager', 'PutResourcePolicy', {
    SecretId: text(properties, 'SecretId'),
    ResourcePolicy: documentText(properties, 'ResourcePolicy'),
    ...present({ BlockPublicPolicy: optionalBoolean(properties, 'BlockPublicPolicy') }),
  });
}

/** `AWS::SSM::Parameter` */
export const ssmParameter: ResourceProvider = {
  properties: {
    Name: 'replacement',
    Type: 'replacement',
    Value: 'in place',
    Description: 'in place',
  },
  required: ['Type', 'Value'],
  nameProperty: 'Name',
  create: async (change) => {
    const Name = optionalText(change.properties, 'Name') ?? change.physicalName(512);
    await putParameter(change, Name, false);
    return begun(change, Name, parameterAttributes(change.properties));
  },
  update: async (change) => {
    await putParameter(change, change.physicalId, true);
    return { physicalId: change.physicalId, attributes: parameterAttributes(change.properties) };
  },
  delete: async ({ account, physicalId: Name }) =>
    ignoringAbsence(() => account.invoke('ssm', 'DeleteParameter', { Name })),
};

async function putParameter(
  { account, properties }: Pick<Parameters<ResourceProvider['create']>[0], 'account' | 'properties'>,
  Name: string,
  Overwrite: boolean,
): Promise<void> {
  await account.invoke('ssm', 'PutParameter', {
    Name,
    Type: text(properties, 'Type'),
    Value: text(properties, 'Value'),
    Overwrite,
    ...present({ Description: optionalText(properties, 'Description') }),
  });
}

function parameterAttributes(properties: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { Type: text(properties, 'Type'), Value: text(properties, 'Value') };
}

/** `AWS::KMS::Key` */
export const kmsKey: ResourceProvider = {
  properties: {
    KeySpec: 'refused',
    KeyUsage: 'refused',
    MultiRegion: 'refused',
    Description: 'in place',
    EnableKeyRotation: 'in place',
    Enabled: 'in place',
    KeyPolicy: 'in place',
    PendingWindowInDays: 'in place',
    Tags: 'in place',
  },
  taggable: true,
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
export const kmsAlias: ResourceProvider = {
  properties: { AliasName: 'replacement', TargetKeyId: 'in place' },
  required: ['AliasName', 'TargetKeyId'],
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

/** `AWS::Logs::LogGroup` */
export const logGroup: ResourceProvider = {
  properties: {
    LogGroupName: 'replacement',
    KmsKeyId: 'refused',
    LogGroupClass: 'refused',
    RetentionInDays: 'in place',
    Tags: 'in place',
  },
  nameProperty: 'LogGroupName',
  taggable: true,
  create: async (change) => {
    const { account, properties } = change;
    const logGroupName = optionalText(properties, 'LogGroupName') ?? change.physicalName(512);
    const tags = tagRecord(properties);
    await account.invoke('logs', 'CreateLogGroup', {
      logGroupName,
      ...present({
        kmsKeyId: optionalText(properties, 'KmsKeyId'),
        logGroupClass: optionalText(properties, 'LogGroupClass'),
        tags: Object.keys(tags).length > 0 ? tags : undefined,
      }),
    });
    const provisioned = begun(change, logGroupName, { Arn: `${account.arn('logs', `log-group:${logGroupName}`)}:*` });
    const retentionInDays = optionalNumber(properties, 'RetentionInDays');
    if (retentionInDays !== undefined) {
      await account.invoke('logs', 'PutRetentionPolicy', { logGroupName, retentionInDays });
    }
    return provisioned;
  },
  update: async (change) => {
    const { account, physicalId: logGroupName, properties, oldProperties } = change;
    if (changed(change, 'RetentionInDays')) {
      const retentionInDays = optionalNumber(properties, 'RetentionInDays');
      if (retentionInDays === undefined) await account.invoke('logs', 'DeleteRetentionPolicy', { logGroupName });
      else await account.invoke('logs', 'PutRetentionPolicy', { logGroupName, retentionInDays });
    }
    if (changed(change, 'Tags')) {
      const resourceArn = account.arn('logs', `log-group:${logGroupName}`);
      const tags = tagRecord(properties);
      const tagKeys = Object.keys(tagRecord(oldProperties)).filter((key) => !(key in tags));
      await account.invoke('logs', 'TagResource', { resourceArn, tags });
      if (tagKeys.length > 0) await account.invoke('logs', 'UntagResource', { resourceArn, tagKeys });
    }
    return { physicalId: logGroupName };
  },
  delete: async ({ account, physicalId: logGroupName }) =>
    ignoringAbsence(() => account.invoke('logs', 'DeleteLogGroup', { logGroupName })),
};

function tagRecord(properties: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(tagsOf(properties).map(({ Key, Value }) => [Key, Value]));
}
