import { validationError } from '../../protocol/aws-error';
import type { Actions } from '../../service';
import type { CloudFormation } from '../cloudformation';
import { DEFINITION_MEMBERS, operationOptions } from './inputs';

/** The actions that change stacks. */
export function stackActions(cloudFormation: CloudFormation): Actions<'cloudformation'> {
  return {
    CreateStack: {
      takes: [
        ...DEFINITION_MEMBERS,
        'ClientRequestToken',
        'DisableRollback',
        'OnFailure',
        'EnableTerminationProtection',
        'RetainExceptOnCreate',
        'TimeoutInMinutes',
      ],
      run: async (input) => {
        if (input.DisableRollback !== undefined && input.OnFailure !== undefined) {
          throw validationError('You cannot specify both DisableRollback and OnFailure');
        }
        const { id } = await cloudFormation.createStack(input.StackName, input, {
          ...operationOptions(input),
          ...(input.OnFailure === undefined ? {} : { onFailure: input.OnFailure }),
          terminationProtection: input.EnableTerminationProtection ?? false,
        });
        return { StackId: id };
      },
    },
    UpdateStack: {
      takes: [
        ...DEFINITION_MEMBERS,
        'UsePreviousTemplate',
        'ClientRequestToken',
        'DisableRollback',
        'RetainExceptOnCreate',
      ],
      run: async (input) => {
        const { id } = await cloudFormation.updateStack(input.StackName, input, operationOptions(input));
        return { StackId: id };
      },
    },
    DeleteStack: {
      takes: ['StackName', 'RetainResources', 'RoleARN', 'ClientRequestToken', 'DeletionMode', 'DeploymentConfig'],
      run: (input) => cloudFormation.deleteStack(input.StackName, input.RetainResources ?? [], operationOptions(input)),
    },
    RollbackStack: {
      takes: ['StackName', 'RoleARN', 'ClientRequestToken', 'RetainExceptOnCreate', 'DeploymentConfig'],
      run: (input) => ({ StackId: cloudFormation.rollbackStack(input.StackName, operationOptions(input)).id }),
    },
    ContinueUpdateRollback: {
      takes: ['StackName', 'RoleARN', 'ResourcesToSkip', 'ClientRequestToken'],
      run: (input) => {
        cloudFormation.continueUpdateRollback(input.StackName, input.ResourcesToSkip ?? [], operationOptions(input));
        return {};
      },
    },
    UpdateTerminationProtection: {
      takes: ['StackName', 'EnableTerminationProtection'],
      run: (input) => {
        const stack = cloudFormation.registry.get(input.StackName);
        stack.terminationProtection = input.EnableTerminationProtection;
        return { StackId: stack.id };
      },
    },
  };
}
