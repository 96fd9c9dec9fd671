import type { ExistingChange, TypeProvider, UpdateChange } from '../provider';
import { dropPolicies, syncPolicies } from './iam-policies';
import {
  begun,
  changed,
  difference,
  documentText,
  ignoringAbsence,
  optionalStructure,
  optionalText,
  pick,
  tagChanges,
  texts,
} from './properties';

/** `AWS::IAM::User` */
export const user: TypeProvider = {
  takes: ['UserName', 'Path', 'Groups', 'LoginProfile', 'ManagedPolicyArns', 'PermissionsBoundary', 'Policies', 'Tags'],
  unchangeable: ['PermissionsBoundary'],
  nameProperty: 'UserName',
  create: async (change) => {
    const { account, properties } = change;
    const UserName = optionalText(properties, 'UserName') ?? change.physicalName(64);
    const { User } = await account.invoke('iam', 'CreateUser', {
      UserName,
      ...pick(properties, 'Path', 'PermissionsBoundary', 'Tags'),
    });
    const provisioned = begun(change, UserName, { Arn: (User as { Arn: string }).Arn });
    const rest = { ...change, physicalId: UserName, oldProperties: {} };
    await syncLoginProfile(rest);
    await syncGroups(rest);
    await syncPolicies('User', UserName, rest);
    return provisioned;
  },
  update: async (change) => {
    const { account, physicalId: UserName, properties } = change;
    if (changed(change, 'Path')) {
      await account.invoke('iam', 'UpdateUser', { UserName, NewPath: optionalText(properties, 'Path') ?? '/' });
    }
    await syncTags('User', change);
    await syncLoginProfile(change);
    await syncGroups(change);
    await syncPolicies('User', UserName, change);
    const { User } = await account.invoke('iam', 'GetUser', { UserName });
    return { physicalId: UserName, attributes: { Arn: (User as { Arn: string }).Arn } };
  },
  delete: async (change) => {
    const { account, physicalId: UserName, properties } = change;
    const nothing = { ...change, properties: {}, oldProperties: properties };
    await syncGroups(nothing);
    await dropPolicies('User', change);
    await ignoringAbsence(
      async () => syncLoginProfile(nothing),
      () => account.invoke('iam', 'DeleteUser', { UserName }),
    );
  },
};

type Sync = Pick<UpdateChange, 'account' | 'properties' | 'oldProperties' | 'physicalId'>;

async function syncLoginProfile({ account, physicalId: UserName, properties, oldProperties }: Sync): Promise<void> {
  if (!changed({ properties, oldProperties }, 'LoginProfile')) return;
  if (oldProperties.LoginProfile !== undefined) {
    await ignoringAbsence(() => account.invoke('iam', 'DeleteLoginProfile', { UserName }));
  }
  const profile = optionalStructure(properties, 'LoginProfile', ['Password', 'PasswordResetRequired']);
  if (!profile) return;
  await account.invoke('iam', 'CreateLoginProfile', { UserName, ...profile });
}

async function syncGroups({ account, physicalId: UserName, properties, oldProperties }: Sync): Promise<void> {
  const { added, removed } = difference(texts(oldProperties, 'Groups'), texts(properties, 'Groups'));
  for (const GroupName of added) await account.invoke('iam', 'AddUserToGroup', { GroupName, UserName });
  await ignoringAbsence(
    ...removed.map((GroupName) => () => account.invoke('iam', 'RemoveUserFromGroup', { GroupName, UserName })),
  );
}

async function syncTags(
  kind: 'User' | 'Role',
  { account, physicalId, properties, oldProperties }: Sync,
): Promise<void> {
  const { added, removedKeys } = tagChanges({ properties, oldProperties });
  const owner = { [`${kind}Name`]: physicalId };
  if (added.length > 0) await account.invoke('iam', `Tag${kind}`, { ...owner, Tags: added });
  if (removedKeys.length > 0) await account.invoke('iam', `Untag${kind}`, { ...owner, TagKeys: removedKeys });
}

/** `AWS::IAM::AccessKey` */
export const accessKey: TypeProvider = {
  takes: ['UserName', 'Serial'],
  create: async (change) => {
    const { AccessKey } = await change.account.invoke('iam', 'CreateAccessKey', pick(change.properties, 'UserName'));
    const { AccessKeyId, SecretAccessKey } = AccessKey as { AccessKeyId: string; SecretAccessKey: string };
    return begun(change, AccessKeyId, { SecretAccessKey });
  },
  update: async ({ physicalId }) => ({ physicalId }),
  delete: async ({ account, physicalId: AccessKeyId, properties }) =>
    ignoringAbsence(() => account.invoke('iam', 'DeleteAccessKey', { ...pick(properties, 'UserName'), AccessKeyId })),
};

/** `AWS::IAM::Group` */
export const group: TypeProvider = {
  takes: ['GroupName', 'Path', 'ManagedPolicyArns', 'Policies'],
  unchangeable: ['Path'],
  nameProperty: 'GroupName',
  create: async (change) => {
    const { account, properties } = change;
    const GroupName = optionalText(properties, 'GroupName') ?? change.physicalName(128);
    const { Group } = await account.invoke('iam', 'CreateGroup', {
      GroupName,
      ...pick(properties, 'Path'),
    });
    const provisioned = begun(change, GroupName, { Arn: (Group as { Arn: string }).Arn });
    await syncPolicies('Group', GroupName, { account, properties, oldProperties: {} });
    return provisioned;
  },
  update: async (change) => {
    await syncPolicies('Group', change.physicalId, change);
    return { physicalId: change.physicalId };
  },
  delete: async (change) => {
    await dropPolicies('Group', change);
    await ignoringAbsence(() => change.account.invoke('iam', 'DeleteGroup', { GroupName: change.physicalId }));
  },
};

/** `AWS::IAM::UserToGroupAddition` */
export const userToGroupAddition: TypeProvider = {
  takes: ['GroupName', 'Users'],
  create: async (change) => {
    const provisioned = begun(change, change.physicalName(128));
    await addMembers(change, texts(change.properties, 'Users'));
    return provisioned;
  },
  update: async (change) => {
    await addMembers(change, texts(change.properties, 'Users'));
    const { removed } = changed(change, 'GroupName')
      ? { removed: texts(change.oldProperties, 'Users') }
      : difference(texts(change.oldProperties, 'Users'), texts(change.properties, 'Users'));
    await removeMembers({ ...change, properties: change.oldProperties }, removed);
    return { physicalId: change.physicalId };
  },
  delete: async (change) => removeMembers(change, texts(change.properties, 'Users')),
};

type Membership = Pick<ExistingChange, 'account' | 'properties'>;

async function addMembers({ account, properties }: Membership, users: readonly string[]): Promise<void> {
  const group = pick(properties, 'GroupName');
  for (const UserName of users) await account.invoke('iam', 'AddUserToGroup', { ...group, UserName });
}

async function removeMembers({ account, properties }: Membership, users: readonly string[]): Promise<void> {
  const group = pick(properties, 'GroupName');
  await ignoringAbsence(
    ...users.map((UserName) => () => account.invoke('iam', 'RemoveUserFromGroup', { ...group, UserName })),
  );
}

/** `AWS::IAM::Role` */
export const role: TypeProvider = {
  takes: [
    'RoleName',
    'Path',
    'AssumeRolePolicyDocument',
    'Description',
    'ManagedPolicyArns',
    'MaxSessionDuration',
    'PermissionsBoundary',
    'Policies',
    'Tags',
  ],
  unchangeable: ['PermissionsBoundary'],
  nameProperty: 'RoleName',
  create: async (change) => {
    const { account, properties } = change;
    const RoleName = optionalText(properties, 'RoleName') ?? change.physicalName(64);
    const { Role } = await account.invoke('iam', 'CreateRole', {
      RoleName,
      AssumeRolePolicyDocument: documentText(properties, 'AssumeRolePolicyDocument'),
      ...pick(properties, 'Path', 'Description', 'MaxSessionDuration', 'PermissionsBoundary', 'Tags'),
    });
    const { Arn, RoleId } = Role as { Arn: string; RoleId: string };
    const provisioned = begun(change, RoleName, { Arn, RoleId });
    await syncPolicies('Role', RoleName, { account, properties, oldProperties: {} });
    return provisioned;
  },
  update: async (change) => {
    const { account, physicalId: RoleName, properties } = change;
    if (changed(change, 'AssumeRolePolicyDocument')) {
      const PolicyDocument = documentText(properties, 'AssumeRolePolicyDocument');
      await account.invoke('iam', 'UpdateAssumeRolePolicy', { RoleName, PolicyDocument });
    }
    if (changed(change, 'Description', 'MaxSessionDuration')) {
      const wanted = { Description: '', ...pick(properties, 'Description', 'MaxSessionDuration') };
      await account.invoke('iam', 'UpdateRole', { RoleName, ...wanted });
    }
    await syncTags('Role', change);
    await syncPolicies('Role', RoleName, change);
    return { physicalId: RoleName };
  },
  delete: async (change) => {
    await dropPolicies('Role', change);
    await ignoringAbsence(() => change.account.invoke('iam', 'DeleteRole', { RoleName: change.physicalId }));
  },
};
