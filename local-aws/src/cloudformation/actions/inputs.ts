import { notImplemented } from '../../protocol/aws-error';
import type { OperationOptions } from '../engine/stack-operations';

/** What CreateStack, UpdateStack and CreateChangeSet have in common. */
export const DEFINITION_MEMBERS = [
  'StackName',
  'TemplateBody',
  'TemplateURL',
  'Parameters',
  'Capabilities',
  'Tags',
  'RoleARN',
  'NotificationARNs',
  'RollbackConfiguration',
  'DeploymentConfig',
];

/** What asks for another course of an operation than the usual one. */
interface Course {
  readonly RollbackConfiguration?:
    | {
        readonly RollbackTriggers?: readonly unknown[] | undefined;
        readonly MonitoringTimeInMinutes?: number | undefined;
      }
    | undefined;
  readonly DeploymentConfig?: { readonly Mode?: string | undefined } | undefined;
  readonly DeletionMode?: string | undefined;
}

/** Throws for what would be ignored in silence: triggers of a rollback, Express mode, forced deletion. */
export function assertUsualCourse({
  RollbackConfiguration,
  DeploymentConfig,
  DeletionMode = 'STANDARD',
}: Course): void {
  const { RollbackTriggers = [], MonitoringTimeInMinutes = 0 } = RollbackConfiguration ?? {};
  if (RollbackTriggers.length > 0 || MonitoringTimeInMinutes > 0) throw notImplemented('triggers of a rollback');
  const { Mode = 'STANDARD' } = DeploymentConfig ?? {};
  for (const mode of [Mode, DeletionMode]) if (mode !== 'STANDARD') throw notImplemented(`the mode ${mode}`);
}

export function operationOptions(
  input: Course & {
    readonly ClientRequestToken?: string | undefined;
    readonly DisableRollback?: boolean | undefined;
    readonly RetainExceptOnCreate?: boolean | undefined;
  },
): OperationOptions {
  assertUsualCourse(input);
  return {
    clientRequestToken: input.ClientRequestToken,
    retainExceptOnCreate: input.RetainExceptOnCreate,
    ...(input.DisableRollback ? { onFailure: 'DO_NOTHING' as const } : {}),
  };
}
