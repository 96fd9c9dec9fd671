import { authorize } from '../authorization';
import { AwsError, notImplemented } from '../protocol/aws-error';
import type { Actions } from '../service';
import { noSuchEntity } from './entities';
import type { IamState } from './state';

/** What the identity policies of a user allow, without policies on resources, as IAM simulates it. */
export function policySimulationActions(state: IamState): Actions<'iam'> {
  return {
    SimulatePrincipalPolicy: {
      takes: ['PolicySourceArn', 'ActionNames', 'ResourceArns'],
      authorize: ({ PolicySourceArn }) => ({ action: 'iam:SimulatePrincipalPolicy', resource: PolicySourceArn }),
      run: ({ PolicySourceArn, ActionNames, ResourceArns = ['*'] }) => {
        const user = state.users.all().find((candidate) => state.userArn(candidate) === PolicySourceArn);
        if (!user && !PolicySourceArn.includes(':user/')) throw notImplemented('a simulation for anything but a user');
        if (!user) throw noSuchEntity(`The user with ARN ${PolicySourceArn} cannot be found.`);
        const principal = state.userPrincipal(user);
        const decide = (action: string, resource: string) => {
          try {
            authorize(principal, { action, resource });
            return 'allowed';
          } catch (error) {
            if (!(error instanceof AwsError)) throw error;
            return error.message.includes('with an explicit deny') ? 'explicitDeny' : 'implicitDeny';
          }
        };
        return {
          EvaluationResults: ActionNames.flatMap((action) =>
            ResourceArns.map((resource) => ({
              EvalActionName: action,
              EvalResourceName: resource,
              EvalDecision: decide(action, resource),
            })),
          ),
          IsTruncated: false,
        };
      },
    },
  };
}
