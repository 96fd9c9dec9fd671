import type { Account } from '../../account';
import { anything, flag, integer, list, optional, structure, text } from '../../protocol/members';
import type { AuthorizationRequest } from '../../authorization';
import type { OperationOptions } from '../engine/stack-operations';
import type { CloudFormation } from '../cloudformation';

export const stackName = text({ min: 1, max: 2048 });
export const token = text({ min: 1, max: 128, pattern: /^[a-zA-Z0-9][-a-zA-Z0-9]*$/ });
export const nextToken = optional(text({ min: 1, max: 1024 }));

/** What CreateStack, UpdateStack and CreateChangeSet have in common. */
export const definitionMembers = {
  StackName: stackName,
  TemplateBody: optional(text({ min: 1 })),
  TemplateURL: optional(text({ min: 1 })),
  Parameters: optional(
    list(
      structure({
        ParameterKey: text(),
        ParameterValue: optional(text()),
        UsePreviousValue: optional(flag()),
        ResolvedValue: optional(text()),
      }),
    ),
  ),
  Capabilities: optional(list(text({ oneOf: ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM', 'CAPABILITY_AUTO_EXPAND'] }))),
  Tags: optional(list(structure({ Key: text({ min: 1, max: 128 }), Value: text({ max: 256 }) }))),
  RoleARN: optional(text({ min: 20, max: 2048 })),
  NotificationARNs: optional(list(text())),
  RollbackConfiguration: optional(
    structure({ RollbackTriggers: optional(list(anything())), MonitoringTimeInMinutes: optional(integer(0, 0)) }),
  ),
  DeploymentConfig: optional(structure({ Mode: optional(text({ oneOf: ['STANDARD'] })) })),
};

/** What a caller must be allowed: the action on the stack's ARN. */
export function on(
  account: Account,
  cloudFormation: CloudFormation,
  action: string,
  name: string | undefined,
): AuthorizationRequest {
  const stack = name === undefined ? undefined : cloudFormation.registry.find(name);
  const unknown = name?.startsWith('arn:') ? name : account.arn('cloudformation', `stack/${name ?? '*'}/*`);
  return { action: `cloudformation:${action}`, resource: stack?.id ?? unknown };
}

export function operationOptions(input: {
  readonly ClientRequestToken?: string | undefined;
  readonly DisableRollback?: boolean | undefined;
  readonly RetainExceptOnCreate?: boolean | undefined;
}): OperationOptions {
  return {
    clientRequestToken: input.ClientRequestToken,
    retainExceptOnCreate: input.RetainExceptOnCreate,
    ...(input.DisableRollback ? { onFailure: 'DO_NOTHING' as const } : {}),
  };
}
