import type { Actions } from '../service';
import { deleteConflict, newIdentity, type Role } from './entities';
import { readPolicy, renderedBoundary, tagContext, tagListOf, tagsOf } from './inputs';
import type { IamState } from './state';

export function roleActions(state: IamState): Actions<'iam'> {
  const { account } = state;
  const rendered = (role: Role) => ({
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: state.roleArn(role),
    CreateDate: role.createDate,
    AssumeRolePolicyDocument: encodeURIComponent(JSON.stringify(role.trustPolicy)),
    MaxSessionDuration: role.maxSessionDuration,
    Description: role.description,
    ...(role.tags.size > 0 ? { Tags: tagListOf(role.tags) } : {}),
    ...renderedBoundary(role),
  });

  return {
    CreateRole: {
      takes: [
        'RoleName',
        'AssumeRolePolicyDocument',
        'Path',
        'Description',
        'MaxSessionDuration',
        'PermissionsBoundary',
        'Tags',
      ],
      authorize: ({ RoleName, Path = '/', Tags }) => ({
        action: 'iam:CreateRole',
        resource: account.arn('iam', `role${Path}${RoleName}`),
        context: tagContext(Tags, undefined),
      }),
      run: (input) => {
        const { RoleName, AssumeRolePolicyDocument, Path = '/', Tags } = input;
        const role: Role = {
          ...newIdentity(RoleName, Path, 'AROA', new Date(account.now())),
          trustPolicy: readPolicy(AssumeRolePolicyDocument, 'assumeRolePolicyDocument'),
          tags: tagsOf(Tags),
          maxSessionDuration: input.MaxSessionDuration ?? 3600,
          ...(input.Description === undefined ? {} : { description: input.Description }),
          ...(input.PermissionsBoundary === undefined ? {} : { permissionsBoundary: input.PermissionsBoundary }),
        };
        return { Role: rendered(state.roles.add(RoleName, role)) };
      },
    },

    GetRole: {
      takes: ['RoleName'],
      run: ({ RoleName }) => ({ Role: rendered(state.roles.get(RoleName)) }),
    },

    UpdateRole: {
      takes: ['RoleName', 'Description', 'MaxSessionDuration'],
      run: ({ RoleName, Description, MaxSessionDuration }) => {
        const role = state.roles.get(RoleName);
        if (Description !== undefined) role.description = Description;
        role.maxSessionDuration = MaxSessionDuration ?? role.maxSessionDuration;
        return {};
      },
    },

    UpdateAssumeRolePolicy: {
      takes: ['RoleName', 'PolicyDocument'],
      run: ({ RoleName, PolicyDocument }) => {
        state.roles.get(RoleName).trustPolicy = readPolicy(PolicyDocument, 'policyDocument');
      },
    },

    DeleteRole: {
      takes: ['RoleName'],
      run: ({ RoleName }) => {
        const role = state.roles.get(RoleName);
        if (role.attachedPolicies.size > 0) {
          throw deleteConflict('Cannot delete entity, must detach all policies first.');
        }
        if (role.inlinePolicies.size > 0) throw deleteConflict('Cannot delete entity, must delete policies first.');
        state.roles.delete(RoleName);
      },
    },
  };
}
