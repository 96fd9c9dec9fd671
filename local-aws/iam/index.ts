import type { Account } from '../account';
import type { RpcService } from '../service';
import { mfaDeviceActions } from './mfa-devices';
import { policyActions } from './policies';
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
    this.actions = {
      ...userActions(this.state),
      ...roleActions(this.state),
      ...policyActions(this.state),
      ...mfaDeviceActions(this.state),
    };
  }
}
