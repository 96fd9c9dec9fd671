import type { Account } from '../../account';
import { flag, list, optional, structure, text } from '../../protocol/members';
import { action, type Action } from '../../service';
import { type CloudFormation, parseForSummary } from '../cloudformation';
import { validationError } from '../errors';
import type { ResourceStatus, Stack } from '../stack';
import { requiredCapability } from '../template/capabilities';
import type { Template } from '../template/template';
import { describedEvent, describedResource, describedStack, summarizedStack } from './descriptions';
import { nextToken, on, stackName } from './inputs';

const EVENTS_PER_PAGE = 100;

/** The actions that only read. */
export function readingActions(account: Account, cloudFormation: CloudFormation): Readonly<Record<string, Action>> {
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
    DescribeStacks: action({
      input: { StackName: optional(stackName), NextToken: nextToken },
      authorize: authorize('DescribeStacks'),
      run: ({ StackName }) => {
        const stacks =
          StackName === undefined ? registry.all().filter(({ exists }) => exists) : [stackWithId(StackName)];
        return { Stacks: stacks.map(describedStack) };
      },
    }),
    ListStacks: action({
      input: { StackStatusFilter: optional(list(text())), NextToken: nextToken },
      authorize: () => ({ action: 'cloudformation:ListStacks', resource: '*' }),
      run: ({ StackStatusFilter }) => ({
        StackSummaries: registry
          .all()
          .filter(({ status }) => StackStatusFilter?.includes(status) ?? true)
          .map(summarizedStack),
      }),
    }),
    DescribeStackEvents: action({
      input: { StackName: stackName, NextToken: nextToken },
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
    }),
    DescribeStackResources: action({
      input: {
        StackName: optional(stackName),
        LogicalResourceId: optional(text()),
        PhysicalResourceId: optional(text()),
      },
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
    }),
    DescribeStackResource: action({
      input: { StackName: stackName, LogicalResourceId: text() },
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
    }),
    ListStackResources: action({
      input: { StackName: stackName, NextToken: nextToken },
      authorize: authorize('ListStackResources'),
      run: ({ StackName }) => ({
        StackResourceSummaries: [...stackWithId(StackName).statuses.values()].map((resource: ResourceStatus) =>
          describedResource('LastUpdatedTimestamp', resource),
        ),
      }),
    }),
    GetTemplate: action({
      input: {
        StackName: optional(stackName),
        ChangeSetName: optional(text()),
        TemplateStage: optional(text({ oneOf: ['Original', 'Processed'] })),
      },
      authorize: authorize('GetTemplate'),
      run: ({ StackName, ChangeSetName }) => {
        const definition =
          ChangeSetName === undefined
            ? stackWithId(StackName ?? '').definition
            : cloudFormation.changeSet(ChangeSetName, StackName).changeSet.definition;
        return { TemplateBody: definition?.templateBody ?? '', StagesAvailable: ['Original', 'Processed'] };
      },
    }),
    GetTemplateSummary: action({
      input: {
        StackName: optional(stackName),
        TemplateBody: optional(text()),
        TemplateURL: optional(text()),
        TemplateSummaryConfig: optional(structure({ TreatUnrecognizedResourceTypesAsWarnings: optional(flag()) })),
      },
      authorize: authorize('GetTemplateSummary'),
      run: (input) => {
        const body =
          input.StackName === undefined
            ? cloudFormation.templateBody(input)
            : stackWithId(input.StackName).definition?.templateBody;
        if (body === undefined) throw missing(input.StackName ?? '');
        return summaryOf(parseForSummary(body));
      },
    }),
    ValidateTemplate: action({
      input: { TemplateBody: optional(text()), TemplateURL: optional(text()) },
      authorize: () => ({ action: 'cloudformation:ValidateTemplate', resource: '*' }),
      run: (input) => {
        const { Parameters, Description, Capabilities, CapabilitiesReason } = summaryOf(
          parseForSummary(cloudFormation.templateBody(input)),
        );
        return { Parameters, Description, Capabilities, CapabilitiesReason };
      },
    }),
    ListExports: action({
      input: { NextToken: nextToken },
      authorize: () => ({ action: 'cloudformation:ListExports', resource: '*' }),
      run: () => ({
        Exports: registry
          .exports()
          .map(({ stack, output, name }) => ({ ExportingStackId: stack.id, Name: name, Value: output.value })),
      }),
    }),
    ListImports: action({
      input: { ExportName: text(), NextToken: nextToken },
      authorize: () => ({ action: 'cloudformation:ListImports', resource: '*' }),
      run: ({ ExportName }) => {
        const importers = registry.importersOf(ExportName);
        if (importers.length === 0) throw validationError(`Export '${ExportName}' is not imported by any stack.`);
        return { Imports: importers };
      },
    }),
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
