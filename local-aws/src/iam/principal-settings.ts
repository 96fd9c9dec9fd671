import type { Action } from '../service';
import type { Entities, Role, User } from './entities';
import { identityAccess, type IdentityInput } from './identity-member';
import { setTags } from './inputs';
import type { IamState } from './state';

/** Tags and permissions boundary, which users and roles have alike: the actions differ in their names and in the member that names the entity. */
export function principalSettingActions(
  state: IamState,
  kind: 'User' | 'Role',
  entities: Entities<User> | Entities<Role>,
): Record<string, Action<IdentityInput>> {
  const { memberName, identityIn: principalIn, on } = identityAccess<User | Role>(state, kind, entities);
  const tag = `Tag${kind}`;
  const untag = `Untag${kind}`;
  const putBoundary = `Put${kind}PermissionsBoundary`;
  const deleteBoundary = `Delete${kind}PermissionsBoundary`;

  return {
    [tag]: {
      takes: [memberName, 'Tags'],
      authorize: on(tag),
      run: (input) => void setTags(principalIn(input).tags, input.Tags),
    },

    [untag]: {
      takes: [memberName, 'TagKeys'],
      authorize: on(untag),
      run: (input) => {
        for (const key of input.TagKeys) principalIn(input).tags.delete(key);
      },
    },

    [putBoundary]: {
      takes: [memberName, 'PermissionsBoundary'],
      authorize: on(putBoundary),
      run: (input) => {
        principalIn(input).permissionsBoundary = input.PermissionsBoundary;
      },
    },

    [deleteBoundary]: {
      takes: [memberName],
      authorize: on(deleteBoundary),
      run: (input) => {
        delete principalIn(input).permissionsBoundary;
      },
    },
  };
}
