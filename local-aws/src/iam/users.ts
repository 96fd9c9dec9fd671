import type { Actions, Call } from '../service';
import { AwsError } from '../protocol/aws-error';
import { deleteConflict, entityAlreadyExists, limitExceeded, newIdentity, noSuchEntity, type User } from './entities';
import { page, renderedBoundary, tagContext, tagListOf, tagsOf } from './inputs';
import type { IamState } from './state';

const ACCESS_KEYS_PER_USER = 2;

/** The user that a request names, or, where it names none, the one who makes it. */
export function userOf(state: IamState, name: string | undefined, { caller }: Call): User {
  const actual = name ?? (caller.type === 'user' ? caller.name : undefined);
  if (actual === undefined) {
    throw new AwsError('ValidationError', 'Must specify userName when calling with non-User credentials');
  }
  return state.users.get(actual);
}

function renderedLoginProfile({ name, loginProfileCreated }: User) {
  return { UserName: name, CreateDate: loginProfileCreated, PasswordResetRequired: false };
}

/** Users, and what belongs to one user alone: login profile, access keys, group memberships, permissions boundary. */
export function userActions(state: IamState): Actions<'iam'> {
  const { account } = state;
  const rendered = (user: User) => ({
    ...state.listedUser(user),
    ...(user.tags.size > 0 ? { Tags: tagListOf(user.tags) } : {}),
    ...renderedBoundary(user),
  });

  return {
    CreateUser: {
      takes: ['UserName', 'Path', 'Tags', 'PermissionsBoundary'],
      authorize: ({ UserName, Path = '/', Tags }) => ({
        action: 'iam:CreateUser',
        resource: account.arn('iam', `user${Path}${UserName}`),
        context: tagContext(Tags, undefined),
      }),
      run: ({ UserName, Path = '/', Tags, PermissionsBoundary }) => {
        const user: User = {
          ...newIdentity(UserName, Path, 'AIDA', new Date(account.now())),
          tags: tagsOf(Tags),
          groups: new Set(),
          accessKeys: new Map(),
        };
        if (PermissionsBoundary !== undefined) user.permissionsBoundary = PermissionsBoundary;
        return { User: rendered(state.users.add(UserName, user)) };
      },
    },

    GetUser: {
      takes: ['UserName'],
      run: ({ UserName }, call) => ({ User: rendered(userOf(state, UserName, call)) }),
    },

    ListUsers: {
      takes: ['PathPrefix', 'Marker', 'MaxItems'],
      authorize: () => ({ action: 'iam:ListUsers', resource: '*', resourceName: account.arn('iam', 'user/') }),
      run: ({ PathPrefix = '/', ...paged }) => {
        const { items, ...rest } = page(
          state.users.all().filter((user) => user.path.startsWith(PathPrefix)),
          paged,
        );
        return { Users: items.map((user) => state.listedUser(user)), ...rest };
      },
    },

    UpdateUser: {
      takes: ['UserName', 'NewPath'],
      run: ({ UserName, NewPath }) => {
        const user = state.users.get(UserName);
        user.path = NewPath ?? user.path;
      },
    },

    DeleteUser: {
      takes: ['UserName'],
      run: ({ UserName }) => {
        const user = state.users.get(UserName);
        const blocking = [
          [state.devicesOf(user.name).length, 'remove tokens from principal'],
          [user.loginProfileCreated ? 1 : 0, 'delete login profile'],
          [user.accessKeys.size, 'delete access keys'],
          [user.attachedPolicies.size, 'detach all policies'],
          [user.inlinePolicies.size, 'delete policies'],
          [user.groups.size, 'remove users from group'],
        ].find(([count]) => count !== 0);
        if (blocking) throw deleteConflict(`Cannot delete entity, must ${blocking[1] ?? ''} first.`);
        state.users.delete(UserName);
      },
    },

    CreateLoginProfile: {
      takes: ['UserName', 'Password', 'PasswordResetRequired'],
      run: ({ UserName }, call) => {
        const user = userOf(state, UserName, call);
        if (user.loginProfileCreated) {
          throw entityAlreadyExists(`Login Profile for user ${user.name} already exists.`);
        }
        user.loginProfileCreated = new Date(account.now());
        return { LoginProfile: renderedLoginProfile(user) };
      },
    },

    GetLoginProfile: {
      takes: ['UserName'],
      run: ({ UserName }, call) => {
        const user = userOf(state, UserName, call);
        if (!user.loginProfileCreated) throw noSuchEntity(`Login Profile for User ${user.name} cannot be found.`);
        return { LoginProfile: renderedLoginProfile(user) };
      },
    },

    DeleteLoginProfile: {
      takes: ['UserName'],
      run: ({ UserName }, call) => {
        const user = userOf(state, UserName, call);
        if (!user.loginProfileCreated) throw noSuchEntity(`Login Profile for User ${user.name} cannot be found.`);
        delete user.loginProfileCreated;
      },
    },

    CreateAccessKey: {
      takes: ['UserName'],
      run: ({ UserName }, call) => {
        const user = userOf(state, UserName, call);
        if (user.accessKeys.size >= ACCESS_KEYS_PER_USER) {
          throw limitExceeded('AccessKeysPerUser', ACCESS_KEYS_PER_USER);
        }
        const { accessKeyId, secretAccessKey } = account.credentials.issueAccessKey(state.userPrincipal(user));
        const createDate = new Date(account.now());
        user.accessKeys.set(accessKeyId, createDate);
        return {
          AccessKey: {
            UserName: user.name,
            AccessKeyId: accessKeyId,
            Status: 'Active',
            SecretAccessKey: secretAccessKey,
            CreateDate: createDate,
          },
        };
      },
    },

    ListAccessKeys: {
      takes: ['UserName', 'Marker', 'MaxItems'],
      run: ({ UserName, ...paged }, call) => {
        const user = userOf(state, UserName, call);
        const { items, ...rest } = page([...user.accessKeys], paged);
        return {
          AccessKeyMetadata: items.map(([AccessKeyId, CreateDate]) => ({
            UserName: user.name,
            AccessKeyId,
            Status: 'Active',
            CreateDate,
          })),
          ...rest,
        };
      },
    },

    DeleteAccessKey: {
      takes: ['UserName', 'AccessKeyId'],
      run: ({ UserName, AccessKeyId }, call) => {
        const user = userOf(state, UserName, call);
        if (!user.accessKeys.delete(AccessKeyId)) {
          throw noSuchEntity(`The Access Key with id ${AccessKeyId} cannot be found.`);
        }
        account.credentials.revoke(AccessKeyId);
      },
    },
  };
}
