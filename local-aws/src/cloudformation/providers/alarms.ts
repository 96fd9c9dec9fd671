import type { TypeProvider } from '../provider';
import { begun, optionalText, tagsOf, texts } from './properties';

/** `AWS::CloudWatch::Alarm`: its place in a stack alone. Nobody evaluates it. */
export const alarm: TypeProvider = {
  takes: [
    'AlarmActions',
    'AlarmDescription',
    'AlarmName',
    'ComparisonOperator',
    'Dimensions',
    'EvaluationPeriods',
    'InsufficientDataActions',
    'MetricName',
    'Namespace',
    'OKActions',
    'Period',
    'Statistic',
    'Tags',
    'Threshold',
    'TreatMissingData',
  ],
  nameProperty: 'AlarmName',
  create: async (change) => {
    const { account, properties } = change;
    for (const name of ['AlarmActions', 'InsufficientDataActions', 'OKActions']) texts(properties, name);
    const name = optionalText(properties, 'AlarmName') ?? change.physicalName(255);
    return begun(change, name, { Arn: account.arn('cloudwatch', `alarm:${name}`) });
  },
  update: async ({ physicalId }) => ({ physicalId }),
  delete: async () => undefined,
};

/** `AWS::SNS::Topic`: its place in a stack alone. Nothing is published to it. */
export const topic: TypeProvider = {
  takes: ['DisplayName', 'KmsMasterKeyId', 'Tags', 'TopicName'],
  nameProperty: 'TopicName',
  create: async (change) => {
    const { account, properties } = change;
    tagsOf(properties);
    const TopicName = optionalText(properties, 'TopicName') ?? change.physicalName(256);
    const TopicArn = account.arn('sns', TopicName);
    return begun(change, TopicArn, { TopicArn, TopicName });
  },
  update: async ({ physicalId }) => ({ physicalId }),
  delete: async () => undefined,
};
