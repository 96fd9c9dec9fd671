import type { Actions } from '../../service';
import type { CloudFormation } from '../cloudformation';
import { validationError } from '../../protocol/aws-error';
import type { Stack } from '../stack';
import { describedEvent, describedResource, describedStack } from './descriptions';

const EVENTS_PER_PAGE = 100;

/** The actions that only read. */
export function readingActions(
  cloudFormation: CloudFormation,
  describesStacksAtRest: boolean,
): Actions<'cloudformation'> {
  const { registry } = cloudFormation;
  const stackWithId = (name: string) => {
    const stack = registry.find(name);
    if (!stack) throw validationError(`Stack with id ${name} does not exist`);
    return stack;
  };
  const resourceOf = (stack: Stack, logicalId: string) => {
    const resource = stack.statuses.get(logicalId);
    if (!resource) throw validationError(`Resource ${logicalId} does not exist for stack ${stack.name}`);
    return resource;
  };

  return {
    DescribeStacks: {
      takes: ['StackName', 'NextToken'],
      run: async ({ StackName }, { caller }) => {
        const asked = describesStacksAtRest && StackName !== undefined ? registry.find(StackName) : undefined;
        // The operation may wait for the stack's own functions, which ask too.
        if (asked && ![...asked.resources.values()].some(({ physicalId }) => physicalId === caller.name)) {
          await cloudFormation.ended(asked);
        }
        const stacks =
          StackName === undefined ? registry.all().filter(({ exists }) => exists) : [stackWithId(StackName)];
        return { Stacks: stacks.map(describedStack) };
      },
    },
    DescribeStackEvents: {
      takes: ['StackName', 'NextToken'],
      run: ({ StackName, NextToken }) => {
        const stack = registry.get(StackName);
        // The token counts from the oldest event, so that what happens meanwhile moves no page.
        const end = NextToken === undefined ? stack.events.length : Number(NextToken);
        const start = Math.max(0, end - EVENTS_PER_PAGE);
        return {
          StackEvents: stack.events
            .slice(start, end)
            .reverse()
            .map((event) => describedEvent(stack, event)),
          ...(start > 0 ? { NextToken: String(start) } : {}),
        };
      },
    },
    DescribeStackResources: {
      takes: ['StackName', 'LogicalResourceId'],
      run: ({ StackName = '', LogicalResourceId }) => {
        const stack = stackWithId(StackName);
        const resources =
          LogicalResourceId === undefined ? [...stack.statuses.values()] : [resourceOf(stack, LogicalResourceId)];
        return { StackResources: resources.map((resource) => describedResource(stack, resource)) };
      },
    },
    GetTemplate: {
      takes: ['StackName', 'ChangeSetName', 'TemplateStage'],
      run: ({ StackName, ChangeSetName }) => {
        const definition =
          ChangeSetName === undefined
            ? stackWithId(StackName ?? '').definition
            : cloudFormation.changeSet(ChangeSetName, StackName).changeSet.definition;
        return { TemplateBody: definition?.templateBody ?? '', StagesAvailable: ['Original', 'Processed'] };
      },
    },
    ListExports: {
      takes: ['NextToken'],
      authorize: () => ({ action: 'cloudformation:ListExports', resource: '*' }),
      run: () => ({
        Exports: registry
          .exports()
          .map(({ stack, output, name }) => ({ ExportingStackId: stack.id, Name: name, Value: output.value })),
      }),
    },
  };
}
