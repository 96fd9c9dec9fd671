import type { Account } from '../account';
import { accountAliasActions } from './account-alias';
import type { RpcService } from '../service';
import { groupActions } from './groups';
import { identityPolicyActions } from './identity-policies';
import { existingUserName, groupName, roleName } from './inputs';
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
  readonly state: IamState;
  readonly actions: RpcService['actions'];

  constructor(account: Account) {
    this.state = new IamState(account);
    const { users, groups, roles } = this.state;
    const [user, group, role] = [{ UserName: existingUserName }, { GroupName: groupName }, { RoleName: roleName }];
    this.actions = {
      ...accountAliasActions(this.state),
      ...userActions(this.state),
      ...principalSettingActions(this.state, 'User', user, users),
      ...identityPolicyActions(this.state, 'User', user, users),
      ...groupActions(this.state),
      ...identityPolicyActions(this.state, 'Group', group, groups),
      ...roleActions(this.state),
      ...principalSettingActions(this.state, 'Role', role, roles),
      ...identityPolicyActions(this.state, 'Role', role, roles),
      ...managedPolicyActions(this.state),
      ...mfaDeviceActions(this.state),
    };
  }
}
