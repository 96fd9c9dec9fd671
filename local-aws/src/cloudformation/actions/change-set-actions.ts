import { AwsError, notImplemented } from '../../protocol/aws-error';
import type { Actions } from '../../service';
import type { CloudFormation } from '../cloudformation';
import { describedChangeSet, summarizedChangeSet } from './descriptions';
import { assertUsualCourse, DEFINITION_MEMBERS, operationOptions } from './inputs';

/** The actions on change sets. */
export function changeSetActions(cloudFormation: CloudFormation): Actions<'cloudformation'> {
  return {
    CreateChangeSet: {
      takes: [
        ...DEFINITION_MEMBERS,
        'UsePreviousTemplate',
        'ChangeSetName',
        'ClientToken',
        'Description',
        'ChangeSetType',
        'IncludeNestedStacks',
        'ImportExistingResources',
        'OnStackFailure',
      ],
      run: async (input) => {
        assertUsualCourse(input);
        const type = input.ChangeSetType ?? 'UPDATE';
        if (type === 'IMPORT' || input.ImportExistingResources) throw notImplemented('the import of resources');
        const { stack, changeSet } = await cloudFormation.createChangeSet(
          input.StackName,
          input.ChangeSetName,
          type,
          input,
          {
            ...(input.Description === undefined ? {} : { description: input.Description }),
            ...(input.IncludeNestedStacks === undefined ? {} : { includeNestedStacks: input.IncludeNestedStacks }),
            ...(input.OnStackFailure === undefined ? {} : { onStackFailure: input.OnStackFailure }),
          },
        );
        return { Id: changeSet.id, StackId: stack.id };
      },
    },
    DescribeChangeSet: {
      takes: ['ChangeSetName', 'StackName', 'NextToken', 'IncludePropertyValues'],
      run: (input) => {
        const { stack, changeSet } = cloudFormation.changeSet(input.ChangeSetName, input.StackName);
        return describedChangeSet(stack, changeSet, input.IncludePropertyValues ?? false);
      },
    },
    ListChangeSets: {
      takes: ['StackName', 'NextToken'],
      run: (input) => {
        const stack = cloudFormation.registry.get(input.StackName);
        return { Summaries: [...stack.changeSets.values()].map((changeSet) => summarizedChangeSet(stack, changeSet)) };
      },
    },
    ExecuteChangeSet: {
      takes: ['ChangeSetName', 'StackName', 'ClientRequestToken', 'DisableRollback', 'RetainExceptOnCreate'],
      run: (input) => {
        const { stack, changeSet } = cloudFormation.changeSet(input.ChangeSetName, input.StackName);
        cloudFormation.executeChangeSet(stack, changeSet, operationOptions(input));
        return {};
      },
    },
    DeleteChangeSet: {
      takes: ['ChangeSetName', 'StackName'],
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
    },
    // What CloudFormation validates early, before a change set is there; here nothing is, so there is nothing to tell.
    DescribeEvents: {
      takes: ['StackName', 'ChangeSetName', 'OperationId', 'Filters', 'NextToken'],
      run: () => ({ OperationEvents: [] }),
    },
  };
}
