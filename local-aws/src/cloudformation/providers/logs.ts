import type { TypeProvider } from '../provider';
import { begun, changed, ignoringAbsence, optionalNumber, optionalText, tagsOf } from './properties';

/** `AWS::Logs::LogGroup` */
export const logGroup: TypeProvider = {
  takes: ['LogGroupName', 'KmsKeyId', 'LogGroupClass', 'RetentionInDays', 'Tags'],
  unchangeable: ['KmsKeyId', 'LogGroupClass'],
  nameProperty: 'LogGroupName',
  create: async (change) => {
    const { account, properties } = change;
    const logGroupName = optionalText(properties, 'LogGroupName') ?? change.physicalName(512);
    await account.invoke('logs', 'CreateLogGroup', {
      logGroupName,
      tags: tagRecord(properties),
      ...(properties.KmsKeyId === undefined ? {} : { kmsKeyId: properties.KmsKeyId }),
      ...(properties.LogGroupClass === undefined ? {} : { logGroupClass: properties.LogGroupClass }),
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
