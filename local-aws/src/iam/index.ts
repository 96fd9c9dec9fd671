import type { Account } from '../account';
import { accountAliasActions } from './account-alias';
import { specOf } from '../protocol/spec';
import type { AuthorizationRequest } from '../authorization';
import type { Call, Input, RpcService } from '../service';
import { groupActions } from './groups';
import { identityPolicyActions, identityTagActions } from './identity-policies';
import { patternSentence, tagContext } from './inputs';
import { managedPolicyActions } from './managed-policies';
import { mfaDeviceActions } from './mfa-devices';
import { policySimulationActions } from './policy-simulation';
import { roleActions } from './roles';
import { IamState } from './state';
import { userActions } from './users';

/** AWS Identity and Access Management. */
export class Iam implements RpcService {
  readonly name = 'iam';
  readonly protocol = 'query';
  readonly namespace = 'https://iam.amazonaws.com/doc/2010-05-08/';
  readonly spec = specOf('iam');
  readonly patternSentence = patternSentence;
  readonly state: IamState;
  readonly actions: RpcService['actions'];

  constructor(account: Account) {
    this.state = new IamState(account);
    const { users, groups, roles } = this.state;
    this.actions = {
      ...accountAliasActions(this.state),
      ...userActions(this.state),
      ...identityTagActions('User', users),
      ...identityPolicyActions(this.state, 'User', users),
      ...groupActions(this.state),
      ...identityPolicyActions(this.state, 'Group', groups),
      ...roleActions(this.state),
      ...identityTagActions('Role', roles),
      ...identityPolicyActions(this.state, 'Role', roles),
      ...managedPolicyActions(this.state),
      ...mfaDeviceActions(this.state),
      ...policySimulationActions(this.state),
    };
  }

  /** On the group, role, user, policy or device that the input names; on the caller, where an action may name a user and does not. */
  authorize(name: string, input: object, { caller }: Call): AuthorizationRequest {
    const action = `iam:${name}`;
    const takes = this.actions[name]?.takes ?? [];
    const members = input as Readonly<Record<string, string | undefined>>;
    for (const [type, entities] of [
      ['Group', this.state.groups],
      ['Role', this.state.roles],
      ['User', this.state.users],
    ] as const) {
      if (!takes.includes(`${type}Name`)) continue;
      const named = members[`${type}Name`] ?? caller.name ?? '';
      const { path, name: found } = entities.find(named) ?? { path: '/', name: named };
      const kind = type.toLowerCase();
      const resource = this.state.account.arn('iam', `${kind}${path}${found}`);
      return { action, resource, resourceName: `${kind} ${named}` };
    }
    const { SerialNumber, PolicyArn = '*' } = members;
    if (SerialNumber === undefined) return { action, resource: PolicyArn };
    const { Tags, TagKeys } = input as Partial<Input<'iam', 'TagMFADevice'> & Input<'iam', 'UntagMFADevice'>>;
    const context = tagContext(Tags, this.state.virtualMfaDevices.get(SerialNumber)?.tags);
    return { action, resource: SerialNumber, context: { ...context, ...(TagKeys ? { 'aws:TagKeys': TagKeys } : {}) } };
  }
}
