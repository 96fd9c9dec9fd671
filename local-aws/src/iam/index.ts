import type { Account } from '../account';
import { accountAliasActions } from './account-alias';
import { specOf } from '../protocol/spec';
import type { RpcService } from '../service';
import { groupActions } from './groups';
import { identityPolicyActions } from './identity-policies';
import { patternSentence } from './inputs';
import { managedPolicyActions } from './managed-policies';
import { mfaDeviceActions } from './mfa-devices';
import { principalSettingActions } from './principal-settings';
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
      ...principalSettingActions(this.state, 'User', users),
      ...identityPolicyActions(this.state, 'User', users),
      ...groupActions(this.state),
      ...identityPolicyActions(this.state, 'Group', groups),
      ...roleActions(this.state),
      ...principalSettingActions(this.state, 'Role', roles),
      ...identityPolicyActions(this.state, 'Role', roles),
      ...managedPolicyActions(this.state),
      ...mfaDeviceActions(this.state),
    };
  }
}
