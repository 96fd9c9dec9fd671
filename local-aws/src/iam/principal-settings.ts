import { type Action, action } from '../service';
import type { Entities, Role, User } from './entities';
import { type IdentityMember, identityAccess } from './identity-member';
import { arn, list, setTags, tagKey, tags } from './inputs';
import type { IamState } from './state';

/** Tags and permissions boundary, which users and roles have alike: the actions differ in their names and in the member that names the entity. */
export function principalSettingActions(
  state: IamState,
  kind: 'User' | 'Role',
  member: IdentityMember,
  entities: Entities<User> | Entities<Role>,
): Record<string, Action> {
  const { identityIn: principalIn, on } = identityAccess<User | Role>(state, kind, member, entities);
  const tag = `Tag${kind}`;
  const untag = `Untag${kind}`;
  const putBoundary = `Put${kind}PermissionsBoundary`;
  const deleteBoundary = `Delete${kind}PermissionsBoundary`;

  return {
    [tag]: action({
      input: { ...member, Tags: tags },
      authorize: on(tag),
      run: (input) => void setTags(principalIn(input).tags, input.Tags),
    }),

    [untag]: action({
      input: { ...member, TagKeys: list(tagKey) },
      authorize: on(untag),
      run: (input) => {
        for (const key of input.TagKeys) principalIn(input).tags.delete(key);
      },
    }),

    [putBoundary]: action({
      input: { ...member, PermissionsBoundary: arn },
      authorize: on(putBoundary),
      run: (input) => {
        principalIn(input).permissionsBoundary = input.PermissionsBoundary;
      },
    }),

    [deleteBoundary]: action({
      input: member,
      authorize: on(deleteBoundary),
      run: (input) => {
        delete principalIn(input).permissionsBoundary;
      },
    }),
  };
}
