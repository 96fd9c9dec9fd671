import type { ChangeSet, ResourceStatus, Stack, StackDefinition, StackEvent } from '../stack';

/** `Stack` of DescribeStacks. */
export function describedStack(stack: Stack): Record<string, unknown> {
  const { definition } = stack;
  return {
    StackId: stack.id,
    StackName: stack.name,
    ChangeSetId: stack.changeSetId,
    Description: definition?.template.description,
    Parameters: describedParameters(definition),
    CreationTime: stack.creationTime,
    LastUpdatedTime: stack.lastUpdated,
    DeletionTime: stack.deleted,
    RollbackConfiguration: {},
    StackStatus: stack.status,
    StackStatusReason: stack.statusReason,
    DisableRollback: stack.disableRollback,
    NotificationARNs: definition?.notificationArns ?? [],
    Capabilities: definition?.capabilities ?? [],
    Outputs: stack.outputs.map(({ key, value, description, exportName }) => ({
      OutputKey: key,
      OutputValue: value,
      Description: description,
      ExportName: exportName,
    })),
    RoleARN: definition?.roleArn,
    Tags: definition?.tags ?? [],
    EnableTerminationProtection: stack.terminationProtection,
    DriftInformation: { StackDriftStatus: 'NOT_CHECKED' },
  };
}

export function describedEvent(stack: Stack, event: StackEvent): Record<string, unknown> {
  return {
    StackId: stack.id,
    EventId: event.eventId,
    StackName: stack.name,
    LogicalResourceId: event.logicalId,
    PhysicalResourceId: event.physicalId ?? '',
    ResourceType: event.type,
    Timestamp: event.time,
    ResourceStatus: event.status,
    ResourceStatusReason: event.reason,
    ResourceProperties: event.properties && JSON.stringify(event.properties),
    ClientRequestToken: event.clientRequestToken,
  };
}

/** `StackResource` of DescribeStackResources. */
export function describedResource(
  stack: Stack,
  { logicalId, physicalId, type, time, status, reason }: ResourceStatus,
): Record<string, unknown> {
  return {
    StackName: stack.name,
    StackId: stack.id,
    LogicalResourceId: logicalId,
    PhysicalResourceId: physicalId,
    ResourceType: type,
    Timestamp: time,
    ResourceStatus: status,
    ResourceStatusReason: reason,
    DriftInformation: { StackResourceDriftStatus: 'NOT_CHECKED' },
  };
}

/** A change set, with the members that ListChangeSets and DescribeChangeSet have in common. */
export function summarizedChangeSet(stack: Stack, changeSet: ChangeSet): Record<string, unknown> {
  return {
    StackId: stack.id,
    StackName: stack.name,
    ChangeSetId: changeSet.id,
    ChangeSetName: changeSet.name,
    ExecutionStatus: changeSet.executionStatus,
    Status: changeSet.status,
    StatusReason: changeSet.statusReason,
    CreationTime: changeSet.creationTime,
    Description: changeSet.description,
    IncludeNestedStacks: changeSet.includeNestedStacks ?? false,
  };
}

export function describedChangeSet(
  stack: Stack,
  changeSet: ChangeSet,
  includePropertyValues: boolean,
): Record<string, unknown> {
  const { definition, changes, onStackFailure } = changeSet;
  return {
    ...summarizedChangeSet(stack, changeSet),
    Parameters: describedParameters(definition),
    NotificationARNs: definition.notificationArns,
    RollbackConfiguration: {},
    Capabilities: definition.capabilities,
    Tags: definition.tags,
    OnStackFailure: onStackFailure,
    Changes: changes.map(({ BeforeContext, AfterContext, Details, ...change }) => ({
      Type: 'Resource',
      ResourceChange: {
        ...change,
        ...(includePropertyValues ? { BeforeContext, AfterContext } : {}),
        Details: Details?.map(({ Target: { BeforeValue, AfterValue, Path, ...target }, ...detail }) => ({
          ...detail,
          Target: { ...target, ...(includePropertyValues ? { BeforeValue, AfterValue, Path } : {}) },
        })),
      },
    })),
  };
}

function describedParameters(definition: StackDefinition | undefined): readonly Record<string, unknown>[] {
  return (definition?.parameters ?? []).map(({ key, value, resolved, isLookup, noEcho }) => ({
    ParameterKey: key,
    ParameterValue: noEcho ? '****' : value,
    ResolvedValue: isLookup ? resolved : undefined,
  }));
}
