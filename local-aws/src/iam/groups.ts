import type { Actions } from '../service';
import { deleteConflict, newIdentity } from './entities';
import type { IamState } from './state';

/** Groups, and who is in them. */
export function groupActions(state: IamState): Actions<'iam'> {
  const { account } = state;
  return {
    CreateGroup: {
      takes: ['GroupName', 'Path'],
      authorize: ({ GroupName, Path = '/' }) => ({
        action: 'iam:CreateGroup',
        resource: account.arn('iam', `group${Path}${GroupName}`),
      }),
      run: ({ GroupName, Path = '/' }) => {
        const group = state.groups.add(GroupName, newIdentity(GroupName, Path, 'AGPA', new Date(account.now())));
        return {
          Group: {
            Path: group.path,
            GroupName: group.name,
            GroupId: group.id,
            Arn: state.groupArn(group),
            CreateDate: group.createDate,
          },
        };
      },
    },

    DeleteGroup: {
      takes: ['GroupName'],
      run: ({ GroupName }) => {
        const group = state.groups.get(GroupName);
        if (state.users.all().some(({ groups }) => groups.has(group.name))) {
          throw deleteConflict('Cannot delete entity, must remove users from group first.');
        }
        if (group.inlinePolicies.size + group.attachedPolicies.size > 0) {
          throw deleteConflict('Cannot delete entity, must delete policies first.');
        }
        state.groups.delete(GroupName);
      },
    },

    AddUserToGroup: {
      takes: ['UserName', 'GroupName'],
      run: ({ UserName, GroupName }) => {
        state.users.get(UserName).groups.add(state.groups.get(GroupName).name);
      },
    },

    RemoveUserFromGroup: {
      takes: ['UserName', 'GroupName'],
      run: ({ UserName, GroupName }) => {
        state.users.get(UserName).groups.delete(state.groups.get(GroupName).name);
      },
    },
  };
}
