import type { PolicyDocument } from '../authorization';
import { uniqueIdSuffix } from '../credentials';
import { type Action, action } from '../service';
import {
  deleteConflict,
  type Entities,
  entityAlreadyExists,
  type Identity,
  limitExceeded,
  type ManagedPolicy,
  newIdentity,
  noSuchEntity,
} from './entities';
import {
  arn,
  existingUserName,
  flag,
  groupName,
  optional,
  page,
  paging,
  path,
  policyDocument,
  policyName,
  policySize,
  roleName,
  tagListOf,
  tags,
  tagsOf,
  text,
} from './inputs';
import type { IamState } from './state';

const MANAGED_POLICY_CHARACTERS = 6144;
const MANAGED_POLICIES_PER_IDENTITY = 10;
const MANAGED_POLICY_VERSIONS = 5;
/** The sum of one identity's inline policies. */
const INLINE_POLICY_CHARACTERS = { User: 2048, Group: 5120, Role: 10_240 };

/** Managed policies, groups, and the inline and attached policies of users, groups and roles. */
export function policyActions(state: IamState): Record<string, Action> {
  return {
    ...managedPolicyActions(state),
    ...identityPolicyActions(state, 'User', { UserName: existingUserName }, state.users),
    ...identityPolicyActions(state, 'Group', { GroupName: groupName }, state.groups),
    ...identityPolicyActions(state, 'Role', { RoleName: roleName }, state.roles),
    ...groupActions(state),
  };
}

function managedPolicyActions(state: IamState): Record<string, Action> {
  const { account } = state;
  const managedPolicy = (policyArn: string) => {
    const policy = state.managedPolicies.get(policyArn);
    if (!policy) throw noSuchEntity(`Policy ${policyArn} was not found.`);
    return policy;
  };
  const identities = () => [...state.users.all(), ...state.groups.all(), ...state.roles.all()];
  const attachmentCount = (policyArn: string) =>
    identities().filter(({ attachedPolicies }) => attachedPolicies.has(policyArn)).length;
  const onPolicy = (iamAction: string) => (input: { readonly PolicyArn: string }) => ({
    action: iamAction,
    resource: input.PolicyArn,
  });
  const rendered = (policy: ManagedPolicy) => ({
    PolicyName: policy.name,
    PolicyId: policy.id,
    Arn: policy.arn,
    Path: policy.path,
    DefaultVersionId: policy.defaultVersionId,
    AttachmentCount: attachmentCount(policy.arn),
    IsAttachable: true,
    CreateDate: policy.createDate,
    ...(policy.tags.size > 0 ? { Tags: tagListOf(policy.tags) } : {}),
  });

  return {
    CreatePolicy: action({
      input: {
        PolicyName: policyName,
        PolicyDocument: policyDocument,
        Path: optional(path),
        Description: optional(text({ max: 1000 })),
        Tags: optional(tags),
      },
      authorize: ({ PolicyName, Path = '/' }) => ({
        action: 'iam:CreatePolicy',
        resource: account.arn('iam', `policy${Path}${PolicyName}`),
      }),
      run: ({ PolicyName, PolicyDocument, Path = '/', Tags }) => {
        requireManagedPolicySize(PolicyDocument);
        const policyArn = account.arn('iam', `policy${Path}${PolicyName}`);
        if (state.managedPolicies.has(policyArn)) {
          throw entityAlreadyExists(`A policy called ${PolicyName} already exists. Duplicate names are not allowed.`);
        }
        const policy: ManagedPolicy = {
          arn: policyArn,
          name: PolicyName,
          path: Path,
          id: `ANPA${uniqueIdSuffix()}A`,
          createDate: new Date(account.now()),
          versions: new Map([['v1', PolicyDocument]]),
          defaultVersionId: 'v1',
          tags: tagsOf(Tags),
        };
        state.managedPolicies.set(policyArn, policy);
        return { Policy: rendered(policy) };
      },
    }),

    GetPolicy: action({
      input: { PolicyArn: arn },
      authorize: onPolicy('iam:GetPolicy'),
      run: ({ PolicyArn }) => ({ Policy: rendered(managedPolicy(PolicyArn)) }),
    }),

    CreatePolicyVersion: action({
      input: { PolicyArn: arn, PolicyDocument: policyDocument, SetAsDefault: optional(flag()) },
      authorize: onPolicy('iam:CreatePolicyVersion'),
      run: ({ PolicyArn, PolicyDocument, SetAsDefault = false }) => {
        const policy = managedPolicy(PolicyArn);
        requireManagedPolicySize(PolicyDocument);
        if (policy.versions.size >= MANAGED_POLICY_VERSIONS) {
          throw limitExceeded('PolicyVersionsPerPolicy', MANAGED_POLICY_VERSIONS);
        }
        const latest = Math.max(...[...policy.versions.keys()].map((version) => Number(version.slice(1))));
        const VersionId = `v${latest + 1}`;
        policy.versions.set(VersionId, PolicyDocument);
        if (SetAsDefault) policy.defaultVersionId = VersionId;
        return { PolicyVersion: { VersionId, IsDefaultVersion: SetAsDefault, CreateDate: new Date(account.now()) } };
      },
    }),

    ListPolicyVersions: action({
      input: { PolicyArn: arn, ...paging },
      authorize: onPolicy('iam:ListPolicyVersions'),
      run: ({ PolicyArn, ...paged }) => {
        const policy = managedPolicy(PolicyArn);
        const { items, ...rest } = page([...policy.versions.keys()], paged);
        return {
          Versions: items.map((VersionId) => ({ VersionId, IsDefaultVersion: VersionId === policy.defaultVersionId })),
          ...rest,
        };
      },
    }),

    DeletePolicyVersion: action({
      input: { PolicyArn: arn, VersionId: text() },
      authorize: onPolicy('iam:DeletePolicyVersion'),
      run: ({ PolicyArn, VersionId }) => {
        const policy = managedPolicy(PolicyArn);
        if (VersionId === policy.defaultVersionId) {
          throw deleteConflict('Cannot delete the default version of a policy.');
        }
        if (!policy.versions.delete(VersionId)) throw noSuchEntity(`Policy version ${VersionId} was not found.`);
      },
    }),

    DeletePolicy: action({
      input: { PolicyArn: arn },
      authorize: onPolicy('iam:DeletePolicy'),
      run: ({ PolicyArn }) => {
        const policy = managedPolicy(PolicyArn);
        if (attachmentCount(PolicyArn) > 0) throw deleteConflict('Cannot delete a policy attached to entities.');
        if (policy.versions.size > 1) {
          throw deleteConflict(
            'This policy has more than one version. Before you delete a policy, delete its versions.',
          );
        }
        state.managedPolicies.delete(PolicyArn);
      },
    }),
  };
}

function requireManagedPolicySize(document: PolicyDocument): void {
  if (policySize(document) > MANAGED_POLICY_CHARACTERS) {
    throw limitExceeded('PolicySize', MANAGED_POLICY_CHARACTERS);
  }
}

type IdentityKind = 'User' | 'Group' | 'Role';

/** The same actions for each kind of identity: they differ in their name and in the member that names the identity. */
function identityPolicyActions(
  state: IamState,
  kind: IdentityKind,
  nameMember: Readonly<Record<string, typeof roleName>>,
  entities: Entities<Identity>,
): Record<string, Action> {
  const [memberName = ''] = Object.keys(nameMember);
  const nameIn = (input: object) => (input as Record<string, string>)[memberName] ?? '';
  const identityIn = (input: object) => entities.get(nameIn(input));
  const on = (iamAction: string) => (input: object) => {
    const identity = entities.find(nameIn(input));
    return {
      action: `iam:${iamAction}`,
      resource: state.account.arn('iam', `${kind.toLowerCase()}${identity?.path ?? '/'}${nameIn(input)}`),
    };
  };
  const put = `Put${kind}Policy`;
  const get = `Get${kind}Policy`;
  const remove = `Delete${kind}Policy`;
  const listInline = `List${kind}Policies`;
  const attach = `Attach${kind}Policy`;
  const detach = `Detach${kind}Policy`;
  const listAttached = `ListAttached${kind}Policies`;

  return {
    [put]: action({
      input: { ...nameMember, PolicyName: policyName, PolicyDocument: policyDocument },
      authorize: on(put),
      run: (input) => {
        const { inlinePolicies } = identityIn(input);
        const others = [...inlinePolicies].filter(([name]) => name !== input.PolicyName).map(([, other]) => other);
        const size = [...others, input.PolicyDocument].reduce((sum, document) => sum + policySize(document), 0);
        if (size > INLINE_POLICY_CHARACTERS[kind]) {
          throw limitExceeded(`${kind}PolicySize`, INLINE_POLICY_CHARACTERS[kind]);
        }
        inlinePolicies.set(input.PolicyName, input.PolicyDocument);
      },
    }),

    [get]: action({
      input: { ...nameMember, PolicyName: policyName },
      authorize: on(get),
      run: (input) => {
        const document = identityIn(input).inlinePolicies.get(input.PolicyName);
        if (!document) throw noSuchEntity(`The policy with name ${input.PolicyName} cannot be found.`);
        return {
          [memberName]: nameIn(input),
          PolicyName: input.PolicyName,
          PolicyDocument: encodeURIComponent(JSON.stringify(document)),
        };
      },
    }),

    [remove]: action({
      input: { ...nameMember, PolicyName: policyName },
      authorize: on(remove),
      run: (input) => {
        if (!identityIn(input).inlinePolicies.delete(input.PolicyName)) {
          throw noSuchEntity(`The policy with name ${input.PolicyName} cannot be found.`);
        }
      },
    }),

    [listInline]: action({
      input: { ...nameMember, ...paging },
      authorize: on(listInline),
      run: (input) => {
        const { items, ...rest } = page([...identityIn(input).inlinePolicies.keys()], input);
        return { PolicyNames: items, ...rest };
      },
    }),

    [attach]: action({
      input: { ...nameMember, PolicyArn: arn },
      authorize: on(attach),
      run: (input) => {
        const { attachedPolicies } = identityIn(input);
        state.documentOf(input.PolicyArn);
        if (!attachedPolicies.has(input.PolicyArn) && attachedPolicies.size >= MANAGED_POLICIES_PER_IDENTITY) {
          throw limitExceeded(`PoliciesPer${kind}`, MANAGED_POLICIES_PER_IDENTITY);
        }
        attachedPolicies.add(input.PolicyArn);
      },
    }),

    [detach]: action({
      input: { ...nameMember, PolicyArn: arn },
      authorize: on(detach),
      run: (input) => {
        if (!identityIn(input).attachedPolicies.delete(input.PolicyArn)) {
          throw noSuchEntity(`Policy ${input.PolicyArn} was not found.`);
        }
      },
    }),

    [listAttached]: action({
      input: { ...nameMember, ...paging },
      authorize: on(listAttached),
      run: (input) => {
        const { items, ...rest } = page([...identityIn(input).attachedPolicies], input);
        return {
          AttachedPolicies: items.map((PolicyArn) => ({ PolicyArn, PolicyName: PolicyArn.split('/').at(-1) })),
          ...rest,
        };
      },
    }),
  };
}

function groupActions(state: IamState): Record<string, Action> {
  const { account } = state;
  const onGroup = (iamAction: string) => (input: { readonly GroupName: string }) => ({
    action: iamAction,
    resource: account.arn('iam', `group/${input.GroupName}`),
  });
  return {
    CreateGroup: action({
      input: { GroupName: groupName, Path: optional(path) },
      authorize: onGroup('iam:CreateGroup'),
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
    }),

    DeleteGroup: action({
      input: { GroupName: groupName },
      authorize: onGroup('iam:DeleteGroup'),
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
    }),
  };
}
