import type { Account } from '../../account';
import { AwsError, notImplemented } from '../../protocol/aws-error';
import { anything, flag, optional, structure, text } from '../../protocol/members';
import { action, type Action } from '../../service';
import type { CloudFormation } from '../cloudformation';
import { describedChangeSet, summarizedChangeSet } from './descriptions';
import { definitionMembers, nextToken, on, operationOptions, stackName, token } from './inputs';

const changeSetName = text({ min: 1, max: 1600, pattern: /^[a-zA-Z][-a-zA-Z0-9]*$|^arn:[-a-zA-Z0-9:/]*$/ });

/** The actions on change sets. */
export function changeSetActions(account: Account, cloudFormation: CloudFormation): Readonly<Record<string, Action>> {
  const authorize =
    (name: string) =>
    ({ StackName }: { readonly StackName?: string | undefined }) =>
      on(account, cloudFormation, name, StackName);
  return {
    CreateChangeSet: action({
      input: {
        ...definitionMembers,
        UsePreviousTemplate: optional(flag()),
        ChangeSetName: changeSetName,
        ClientToken: optional(token),
        Description: optional(text({ max: 1024 })),
        ChangeSetType: optional(text({ oneOf: ['CREATE', 'UPDATE', 'IMPORT'] })),
        IncludeNestedStacks: optional(flag()),
        ImportExistingResources: optional(flag()),
        OnStackFailure: optional(text({ oneOf: ['DO_NOTHING', 'ROLLBACK', 'DELETE'] })),
      },
      authorize: authorize('CreateChangeSet'),
      run: async (input) => {
        const type = (input.ChangeSetType ?? 'UPDATE') as 'CREATE' | 'UPDATE' | 'IMPORT';
        if (type === 'IMPORT' || input.ImportExistingResources) throw notImplemented('the import of resources');
        const { stack, changeSet } = await cloudFormation.createChangeSet(
          input.StackName,
          input.ChangeSetName,
          type,
          input,
          {
            ...(input.Description === undefined ? {} : { description: input.Description }),
            ...(input.IncludeNestedStacks === undefined ? {} : { includeNestedStacks: input.IncludeNestedStacks }),
            ...(input.OnStackFailure === undefined
              ? {}
              : { onStackFailure: input.OnStackFailure as 'DO_NOTHING' | 'ROLLBACK' | 'DELETE' }),
          },
        );
        return { Id: changeSet.id, StackId: stack.id };
      },
    }),
    DescribeChangeSet: action({
      input: {
        ChangeSetName: changeSetName,
        StackName: optional(stackName),
        NextToken: nextToken,
        IncludePropertyValues: optional(flag()),
      },
      authorize: authorize('DescribeChangeSet'),
      run: (input) => {
        const { stack, changeSet } = cloudFormation.changeSet(input.ChangeSetName, input.StackName);
        return describedChangeSet(stack, changeSet, input.IncludePropertyValues ?? false);
      },
    }),
    ListChangeSets: action({
      input: { StackName: stackName, NextToken: nextToken },
      authorize: authorize('ListChangeSets'),
      run: (input) => {
        const stack = cloudFormation.registry.get(input.StackName);
        return { Summaries: [...stack.changeSets.values()].map((changeSet) => summarizedChangeSet(stack, changeSet)) };
      },
    }),
    ExecuteChangeSet: action({
      input: {
        ChangeSetName: changeSetName,
        StackName: optional(stackName),
        ClientRequestToken: optional(token),
        DisableRollback: optional(flag()),
        RetainExceptOnCreate: optional(flag()),
      },
      authorize: authorize('ExecuteChangeSet'),
      run: (input) => {
        const { stack, changeSet } = cloudFormation.changeSet(input.ChangeSetName, input.StackName);
        cloudFormation.executeChangeSet(stack, changeSet, operationOptions(input));
        return {};
      },
    }),
    DeleteChangeSet: action({
      input: { ChangeSetName: changeSetName, StackName: optional(stackName) },
      authorize: authorize('DeleteChangeSet'),
      run: (input) => {
        // A change set that is not there is deleted; a stack that is not there is an error.
        try {
          const { stack, changeSet } = cloudFormation.changeSet(input.ChangeSetName, input.StackName);
          stack.changeSets.delete(changeSet.name);
        } catch (thrown) {
          if (!(thrown instanceof AwsError && thrown.code === 'ChangeSetNotFound')) throw thrown;
        }
        return {};
      },
    }),
    // What CloudFormation validates early, before a change set is there; here nothing is, so there is nothing to tell.
    DescribeEvents: action({
      input: {
        StackName: optional(stackName),
        ChangeSetName: optional(changeSetName),
        OperationId: optional(text()),
        Filters: optional(structure({ FailedEvents: optional(anything()) })),
        NextToken: nextToken,
      },
      authorize: authorize('DescribeEvents'),
      run: () => ({ OperationEvents: [] }),
    }),
  };
}
