import type { AuthorizationRequest } from '../authorization';
import type { Input } from '../service';
import type { Entities, Identity } from './entities';
import type { IamState } from './state';

export type IdentityKind = 'User' | 'Group' | 'Role';

/** What the actions that are the same for each kind of identity take, besides the identity's name. */
export type IdentityInput = Omit<
  Input<'iam', 'PutRolePolicy'> &
    Input<'iam', 'AttachRolePolicy'> &
    Input<'iam', 'ListRolePolicies'> &
    Input<'iam', 'TagRole'> &
    Input<'iam', 'UntagRole'> &
    Input<'iam', 'PutRolePermissionsBoundary'>,
  'RoleName'
>;

/** How these actions find their identity, and what they are authorized on. */
export interface IdentityAccess<T extends Identity> {
  readonly memberName: string;
  readonly nameIn: (input: object) => string;
  readonly identityIn: (input: object) => T;
  readonly on: (iamAction: string) => (input: object) => AuthorizationRequest;
}

export function identityAccess<T extends Identity>(
  state: IamState,
  kind: IdentityKind,
  entities: Entities<T>,
): IdentityAccess<T> {
  const memberName = `${kind}Name`;
  const nameIn = (input: object) => (input as Record<string, string>)[memberName] ?? '';
  return {
    memberName,
    nameIn,
    identityIn: (input) => entities.get(nameIn(input)),
    on: (iamAction) => (input) => {
      const type = kind.toLowerCase();
      const { path, name } = entities.find(nameIn(input)) ?? { path: '/', name: nameIn(input) };
      return {
        action: `iam:${iamAction}`,
        resource: state.account.arn('iam', `${type}${path}${name}`),
        resourceName: `${type} ${nameIn(input)}`,
      };
    },
  };
}
