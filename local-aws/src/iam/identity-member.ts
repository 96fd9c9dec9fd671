import type { AuthorizationRequest } from '../authorization';
import type { Entities, Identity } from './entities';
import type { roleName } from './inputs';
import type { IamState } from './state';

/** The member of an input that names a user, a group or a role: `{ UserName: … }`. */
export type IdentityMember = Readonly<Record<string, typeof roleName>>;

/** How actions that are the same for each kind of identity find theirs, and what they are authorized on. */
export interface IdentityAccess<T extends Identity> {
  readonly memberName: string;
  readonly nameIn: (input: object) => string;
  readonly identityIn: (input: object) => T;
  readonly on: (iamAction: string) => (input: object) => AuthorizationRequest;
}

export function identityAccess<T extends Identity>(
  state: IamState,
  kind: 'User' | 'Group' | 'Role',
  member: IdentityMember,
  entities: Entities<T>,
): IdentityAccess<T> {
  const [memberName = ''] = Object.keys(member);
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
