import { randomBytes } from 'node:crypto';
import type { Change, TypeProvider } from '../provider';
import type { Tag } from '../stack';
import {
  begun,
  changed,
  ignoringAbsence,
  optionalBoolean,
  optionalStructure,
  optionalText,
  pick,
  tagChanges,
  tagsOf,
} from './properties';

/** `AWS::SecretsManager::Secret`: without a value where the template gives none. */
export const secret: TypeProvider = {
  takes: ['Name', 'Description', 'KmsKeyId', 'SecretString', 'Tags'],
  nameProperty: 'Name',
  create: async (change) => {
    const { account, properties, logicalId } = change;
    const { ARN } = await account.invoke('secretsmanager', 'CreateSecret', {
      Name: optionalText(properties, 'Name') ?? `${logicalId}-${randomBytes(9).toString('hex').slice(0, 12)}`,
      ...pick(properties, 'Description', 'KmsKeyId', 'SecretString'),
      Tags: [...tagsOf(properties), ...stackTags(change)],
    });
    return begun(change, String(ARN), { Id: ARN });
  },
  update: async (change) => {
    const { account, physicalId: SecretId, properties } = change;
    if (changed(change, 'Description', 'KmsKeyId', 'SecretString')) {
      await account.invoke('secretsmanager', 'UpdateSecret', {
        SecretId,
        ...pick(properties, 'Description', 'KmsKeyId', ...(changed(change, 'SecretString') ? ['SecretString'] : [])),
      });
    }
    const { added, removedKeys } = tagChanges(change);
    if (added.length > 0) await account.invoke('secretsmanager', 'TagResource', { SecretId, Tags: added });
    if (removedKeys.length > 0) {
      await account.invoke('secretsmanager', 'UntagResource', { SecretId, TagKeys: removedKeys });
    }
    return { physicalId: SecretId };
  },
  delete: async ({ account, physicalId: SecretId }) =>
    ignoringAbsence(() =>
      account.invoke('secretsmanager', 'DeleteSecret', { SecretId, ForceDeleteWithoutRecovery: true }),
    ),
};

/** `AWS::SecretsManager::RotationSchedule`: its id is the secret's ARN. */
export const rotationSchedule: TypeProvider = {
  takes: ['SecretId', 'RotationLambdaARN', 'RotationRules', 'RotateImmediatelyOnUpdate'],
  create: async (change) => {
    const arn = await configureRotation(change);
    return begun(change, arn, { Id: arn });
  },
  update: async (change) => {
    await configureRotation(change);
    return { physicalId: change.physicalId };
  },
  delete: async ({ account, physicalId: SecretId }) =>
    ignoringAbsence(() => account.invoke('secretsmanager', 'CancelRotateSecret', { SecretId })),
};

async function configureRotation({ account, properties }: Pick<Change, 'account' | 'properties'>): Promise<string> {
  const rules = optionalStructure(properties, 'RotationRules', [
    'AutomaticallyAfterDays',
    'Duration',
    'ScheduleExpression',
  ]);
  const { ARN } = await account.invoke('secretsmanager', 'RotateSecret', {
    ...pick(properties, 'SecretId', 'RotationLambdaARN'),
    ...(rules ? { RotationRules: rules } : {}),
    RotateImmediately: optionalBoolean(properties, 'RotateImmediatelyOnUpdate') ?? true,
  });
  return String(ARN);
}

/** The tags by which a secret tells which stack it belongs to. */
function stackTags({ stack, logicalId }: Pick<Change, 'stack' | 'logicalId'>): readonly Tag[] {
  return [
    { Key: 'aws:cloudformation:stack-id', Value: stack.id },
    { Key: 'aws:cloudformation:stack-name', Value: stack.name },
    { Key: 'aws:cloudformation:logical-id', Value: logicalId },
  ];
}
