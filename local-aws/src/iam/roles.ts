import { type Action, action } from '../service';
import { deleteConflict, newIdentity, type Role } from './entities';
import {
  arn,
  integer,
  optional,
  path,
  policyDocument,
  renderedBoundary,
  roleName,
  tagContext,
  tagListOf,
  tags,
  tagsOf,
  text,
} from './inputs';
import type { IamState } from './state';

const maxSessionDuration = integer(3600, 43_200);
const description = text({ max: 1000 });

export function roleActions(state: IamState): Record<string, Action> {
  const { account } = state;
  const onRole = (iamAction: string) => (input: { readonly RoleName: string }) => {
    const role = state.roles.find(input.RoleName);
    return {
      action: iamAction,
      resource: role ? state.roleArn(role) : account.arn('iam', `role/${input.RoleName}`),
      resourceName: `role ${input.RoleName}`,
    };
  };
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
    CreateRole: action({
      input: {
        RoleName: roleName,
        AssumeRolePolicyDocument: policyDocument,
        Path: optional(path),
        Description: optional(description),
        MaxSessionDuration: optional(maxSessionDuration),
        PermissionsBoundary: optional(arn),
        Tags: optional(tags),
      },
      authorize: ({ RoleName, Path = '/', Tags }) => ({
        action: 'iam:CreateRole',
        resource: account.arn('iam', `role${Path}${RoleName}`),
        context: tagContext(Tags, undefined),
      }),
      run: (input) => {
        const { RoleName, AssumeRolePolicyDocument, Path = '/', Tags } = input;
        const role: Role = {
          ...newIdentity(RoleName, Path, 'AROA', new Date(account.now())),
          trustPolicy: AssumeRolePolicyDocument,
          tags: tagsOf(Tags),
          maxSessionDuration: input.MaxSessionDuration ?? 3600,
          ...(input.Description === undefined ? {} : { description: input.Description }),
          ...(input.PermissionsBoundary === undefined ? {} : { permissionsBoundary: input.PermissionsBoundary }),
        };
        return { Role: rendered(state.roles.add(RoleName, role)) };
      },
    }),

    GetRole: action({
      input: { RoleName: roleName },
      authorize: onRole('iam:GetRole'),
      run: ({ RoleName }) => ({ Role: rendered(state.roles.get(RoleName)) }),
    }),

    UpdateRole: action({
      input: {
        RoleName: roleName,
        Description: optional(description),
        MaxSessionDuration: optional(maxSessionDuration),
      },
      authorize: onRole('iam:UpdateRole'),
      run: ({ RoleName, Description, MaxSessionDuration }) => {
        const role = state.roles.get(RoleName);
        if (Description !== undefined) role.description = Description;
        role.maxSessionDuration = MaxSessionDuration ?? role.maxSessionDuration;
        return {};
      },
    }),

    UpdateAssumeRolePolicy: action({
      input: { RoleName: roleName, PolicyDocument: policyDocument },
      authorize: onRole('iam:UpdateAssumeRolePolicy'),
      run: ({ RoleName, PolicyDocument }) => {
        state.roles.get(RoleName).trustPolicy = PolicyDocument;
      },
    }),

    DeleteRole: action({
      input: { RoleName: roleName },
      authorize: onRole('iam:DeleteRole'),
      run: ({ RoleName }) => {
        const role = state.roles.get(RoleName);
        if (role.attachedPolicies.size > 0) {
          throw deleteConflict('Cannot delete entity, must detach all policies first.');
        }
        if (role.inlinePolicies.size > 0) throw deleteConflict('Cannot delete entity, must delete policies first.');
        state.roles.delete(RoleName);
      },
    }),
  };
}
