import type { Action } from '../service';
import type { Entities, Role, User } from './entities';
import { type IdentityInput, identityName } from './identity-policies';
import { setTags } from './inputs';

/** Tags and permissions boundary, which users and roles have alike: the actions differ in their names and in the member that names the entity. */
export function principalSettingActions(
  kind: 'User' | 'Role',
  entities: Entities<User> | Entities<Role>,
): Record<string, Action<IdentityInput>> {
  const memberName = `${kind}Name`;
  const principalIn = (input: object) => entities.get(identityName(kind, input));
  const tag = `Tag${kind}`;
  const untag = `Untag${kind}`;
  const putBoundary = `Put${kind}PermissionsBoundary`;
  const deleteBoundary = `Delete${kind}PermissionsBoundary`;

  return {
    [tag]: {
      takes: [memberName, 'Tags'],
      run: (input) => void setTags(principalIn(input).tags, input.Tags),
    },

    [untag]: {
      takes: [memberName, 'TagKeys'],
      run: (input) => {
        for (const key of input.TagKeys) principalIn(input).tags.delete(key);
      },
    },

    [putBoundary]: {
      takes: [memberName, 'PermissionsBoundary'],
      run: (input) => {
        principalIn(input).permissionsBoundary = input.PermissionsBoundary;
      },
    },

    [deleteBoundary]: {
      takes: [memberName],
      run: (input) => {
        delete principalIn(input).permissionsBoundary;
      },
    },
  };
}
