import type { Account } from '../../account';
import { validationError } from '../errors';
import { flag, integer, list, optional, text } from '../../protocol/members';
import { action, type Action } from '../../service';
import type { CloudFormation } from '../cloudformation';
import { definitionMembers, on, operationOptions, stackName, token } from './inputs';

/** The actions that change stacks. */
export function stackActions(account: Account, cloudFormation: CloudFormation): Readonly<Record<string, Action>> {
  const authorize =
    (name: string) =>
    ({ StackName }: { readonly StackName: string }) =>
      on(account, cloudFormation, name, StackName);
  return {
    CreateStack: action({
      input: {
        ...definitionMembers,
        ClientRequestToken: optional(token),
        DisableRollback: optional(flag()),
        OnFailure: optional(text({ oneOf: ['DO_NOTHING', 'ROLLBACK', 'DELETE'] })),
        EnableTerminationProtection: optional(flag()),
        RetainExceptOnCreate: optional(flag()),
        TimeoutInMinutes: optional(integer(1, 43_200)),
      },
      authorize: authorize('CreateStack'),
      run: async (input) => {
        if (input.DisableRollback !== undefined && input.OnFailure !== undefined) {
          throw validationError('You cannot specify both DisableRollback and OnFailure');
        }
        const { id } = await cloudFormation.createStack(input.StackName, input, {
          ...operationOptions(input),
          ...(input.OnFailure === undefined
            ? {}
            : { onFailure: input.OnFailure as 'DO_NOTHING' | 'ROLLBACK' | 'DELETE' }),
          terminationProtection: input.EnableTerminationProtection ?? false,
        });
        return { StackId: id };
      },
    }),
    UpdateStack: action({
      input: {
        ...definitionMembers,
        UsePreviousTemplate: optional(flag()),
        ClientRequestToken: optional(token),
        DisableRollback: optional(flag()),
        RetainExceptOnCreate: optional(flag()),
      },
      authorize: authorize('UpdateStack'),
      run: async (input) => {
        const { id } = await cloudFormation.updateStack(input.StackName, input, operationOptions(input));
        return { StackId: id };
      },
    }),
    DeleteStack: action({
      input: {
        StackName: stackName,
        RetainResources: optional(list(text())),
        RoleARN: optional(text()),
        ClientRequestToken: optional(token),
        DeletionMode: optional(text({ oneOf: ['STANDARD'] })),
        DeploymentConfig: definitionMembers.DeploymentConfig,
      },
      authorize: authorize('DeleteStack'),
      run: (input) => cloudFormation.deleteStack(input.StackName, input.RetainResources ?? [], operationOptions(input)),
    }),
    RollbackStack: action({
      input: {
        StackName: stackName,
        RoleARN: optional(text()),
        ClientRequestToken: optional(token),
        RetainExceptOnCreate: optional(flag()),
        DeploymentConfig: definitionMembers.DeploymentConfig,
      },
      authorize: authorize('RollbackStack'),
      run: (input) => ({ StackId: cloudFormation.rollbackStack(input.StackName, operationOptions(input)).id }),
    }),
    ContinueUpdateRollback: action({
      input: {
        StackName: stackName,
        RoleARN: optional(text()),
        ResourcesToSkip: optional(list(text())),
        ClientRequestToken: optional(token),
      },
      authorize: authorize('ContinueUpdateRollback'),
      run: (input) => {
        cloudFormation.continueUpdateRollback(input.StackName, input.ResourcesToSkip ?? [], operationOptions(input));
        return {};
      },
    }),
    UpdateTerminationProtection: action({
      input: { StackName: stackName, EnableTerminationProtection: flag() },
      authorize: authorize('UpdateTerminationProtection'),
      run: (input) => {
        const stack = cloudFormation.registry.get(input.StackName);
        stack.terminationProtection = input.EnableTerminationProtection;
        return { StackId: stack.id };
      },
    }),
  };
}
