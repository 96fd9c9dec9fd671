import type { Account } from '../../account';
import type { Actions } from '../../service';
import { type CloudFormation, parseForSummary } from '../cloudformation';
import { validationError } from '../errors';
import type { ResourceStatus, Stack } from '../stack';
import { requiredCapability } from '../template/capabilities';
import type { Template } from '../template/template';
import { describedEvent, describedResource, describedStack, summarizedStack } from './descriptions';
import { on } from './inputs';

const EVENTS_PER_PAGE = 100;

/** The actions that only read. */
export function readingActions(account: Account, cloudFormation: CloudFormation): Actions<'cloudformation'> {
  const { registry } = cloudFormation;
  const authorize =
    (name: string) =>
    ({ StackName }: { readonly StackName?: string | undefined }) =>
      on(account, cloudFormation, name, StackName);
  const missing = (name: string) => validationError(`Stack with id ${name} does not exist`);
  const stackWithId = (name: string) => {
    const stack = registry.find(name);
    if (!stack) throw missing(name);
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
      authorize: authorize('DescribeStacks'),
      run: ({ StackName }) => {
        const stacks =
          StackName === undefined ? registry.all().filter(({ exists }) => exists) : [stackWithId(StackName)];
        return { Stacks: stacks.map(describedStack) };
      },
    },
    ListStacks: {
      takes: ['StackStatusFilter', 'NextToken'],
      authorize: () => ({ action: 'cloudformation:ListStacks', resource: '*' }),
      run: ({ StackStatusFilter }) => ({
        StackSummaries: registry
          .all()
          .filter(({ status }) => (StackStatusFilter as readonly string[] | undefined)?.includes(status) ?? true)
          .map(summarizedStack),
      }),
    },
    DescribeStackEvents: {
      takes: ['StackName', 'NextToken'],
      authorize: authorize('DescribeStackEvents'),
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
      takes: ['StackName', 'LogicalResourceId', 'PhysicalResourceId'],
      authorize: authorize('DescribeStackResources'),
      run: ({ StackName, LogicalResourceId, PhysicalResourceId }) => {
        const stack =
          StackName === undefined ? stackOfResource(registry.all(), PhysicalResourceId) : stackWithId(StackName);
        const resources =
          LogicalResourceId === undefined ? [...stack.statuses.values()] : [resourceOf(stack, LogicalResourceId)];
        return {
          StackResources: resources.map((resource) => ({
            StackName: stack.name,
            StackId: stack.id,
            ...describedResource('Timestamp', resource),
          })),
        };
      },
    },
    DescribeStackResource: {
      takes: ['StackName', 'LogicalResourceId'],
      authorize: authorize('DescribeStackResource'),
      run: ({ StackName, LogicalResourceId }) => {
        const stack = registry.get(StackName);
        const metadata = stack.definition?.template.resources[LogicalResourceId]?.metadata;
        return {
          StackResourceDetail: {
            StackName: stack.name,
            StackId: stack.id,
            ...describedResource('LastUpdatedTimestamp', resourceOf(stack, LogicalResourceId)),
            Metadata: metadata === undefined ? undefined : JSON.stringify(metadata),
          },
        };
      },
    },
    ListStackResources: {
      takes: ['StackName', 'NextToken'],
      authorize: authorize('ListStackResources'),
      run: ({ StackName }) => ({
        StackResourceSummaries: [...stackWithId(StackName).statuses.values()].map((resource: ResourceStatus) =>
          describedResource('LastUpdatedTimestamp', resource),
        ),
      }),
    },
    GetTemplate: {
      takes: ['StackName', 'ChangeSetName', 'TemplateStage'],
      authorize: authorize('GetTemplate'),
      run: ({ StackName, ChangeSetName }) => {
        const definition =
          ChangeSetName === undefined
            ? stackWithId(StackName ?? '').definition
            : cloudFormation.changeSet(ChangeSetName, StackName).changeSet.definition;
        return { TemplateBody: definition?.templateBody ?? '', StagesAvailable: ['Original', 'Processed'] };
      },
    },
    GetTemplateSummary: {
      takes: ['StackName', 'TemplateBody', 'TemplateURL', 'TemplateSummaryConfig'],
      authorize: authorize('GetTemplateSummary'),
      run: (input) => {
        const body =
          input.StackName === undefined
            ? cloudFormation.templateBody(input)
            : stackWithId(input.StackName).definition?.templateBody;
        if (body === undefined) throw missing(input.StackName ?? '');
        return summaryOf(parseForSummary(body));
      },
    },
    ValidateTemplate: {
      takes: ['TemplateBody', 'TemplateURL'],
      authorize: () => ({ action: 'cloudformation:ValidateTemplate', resource: '*' }),
      run: (input) => {
        const { Parameters, Description, Capabilities, CapabilitiesReason } = summaryOf(
          parseForSummary(cloudFormation.templateBody(input)),
        );
        return { Parameters, Description, Capabilities, CapabilitiesReason };
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
    ListImports: {
      takes: ['ExportName', 'NextToken'],
      authorize: () => ({ action: 'cloudformation:ListImports', resource: '*' }),
      run: ({ ExportName }) => {
        const importers = registry.importersOf(ExportName);
        if (importers.length === 0) throw validationError(`Export '${ExportName}' is not imported by any stack.`);
        return { Imports: importers };
      },
    },
  };
}

function stackOfResource(stacks: readonly Stack[], physicalId: string | undefined): Stack {
  const found = stacks.find(
    ({ exists, statuses }) => exists && [...statuses.values()].some((resource) => resource.physicalId === physicalId),
  );
  if (!found) throw validationError(`Stack for ${String(physicalId)} does not exist`);
  return found;
}

function summaryOf(template: Template) {
  const required = requiredCapability(template);
  return {
    Parameters: Object.entries(template.parameters).map(([key, { Type, Default, Description, NoEcho }]) => ({
      ParameterKey: key,
      DefaultValue: Default,
      ParameterType: Type,
      NoEcho: String(NoEcho ?? false) === 'true',
      Description,
      ParameterConstraints: {},
    })),
    Description: template.description,
    Capabilities: required ? [required.capability] : [],
    CapabilitiesReason: required?.reason,
    ResourceTypes: [...new Set(Object.values(template.resources).map(({ type }) => type))],
    Version: '2010-09-09',
    Metadata: template.metadata === undefined ? undefined : JSON.stringify(template.metadata),
    DeclaredTransforms: [],
    ResourceIdentifierSummaries: [],
  };
}
