import type { PolicyDocument } from '../policy-document';
import { uniqueIdSuffix } from '../credentials';
import { type Action, action } from '../service';
import { deleteConflict, entityAlreadyExists, limitExceeded, type ManagedPolicy, noSuchEntity } from './entities';
import {
  arn,
  flag,
  optional,
  page,
  paging,
  path,
  policyDocument,
  policyName,
  policySize,
  tagListOf,
  tags,
  tagsOf,
  text,
} from './inputs';
import type { IamState } from './state';

const MANAGED_POLICY_CHARACTERS = 6144;
const MANAGED_POLICY_VERSIONS = 5;

/** Managed policies: the account's own documents, with their versions. */
export function managedPolicyActions(state: IamState): Record<string, Action> {
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
          tags: tagsOf(Tags, 'case-sensitive'),
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
