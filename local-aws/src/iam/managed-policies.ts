import type { PolicyDocument } from '../policy-document';
import { uniqueIdSuffix } from '../credentials';
import type { Actions } from '../service';
import { deleteConflict, entityAlreadyExists, limitExceeded, type ManagedPolicy, noSuchEntity } from './entities';
import { page, policySize, readPolicy, tagListOf, tagsOf } from './inputs';
import type { IamState } from './state';

const MANAGED_POLICY_CHARACTERS = 6144;
const MANAGED_POLICY_VERSIONS = 5;

/** Managed policies: the account's own documents, with their versions. */
export function managedPolicyActions(state: IamState): Actions<'iam'> {
  const { account } = state;
  const managedPolicy = (policyArn: string) => {
    const policy = state.managedPolicies.get(policyArn);
    if (!policy) throw noSuchEntity(`Policy ${policyArn} was not found.`);
    return policy;
  };
  const identities = () => [...state.users.all(), ...state.groups.all(), ...state.roles.all()];
  const attachmentCount = (policyArn: string) =>
    identities().filter(({ attachedPolicies }) => attachedPolicies.has(policyArn)).length;
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
    CreatePolicy: {
      takes: ['PolicyName', 'PolicyDocument', 'Path', 'Description', 'Tags'],
      authorize: ({ PolicyName, Path = '/' }) => ({
        action: 'iam:CreatePolicy',
        resource: account.arn('iam', `policy${Path}${PolicyName}`),
      }),
      run: ({ PolicyName, PolicyDocument, Path = '/', Tags }) => {
        const document = readManagedPolicy(PolicyDocument);
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
          versions: new Map([['v1', document]]),
          defaultVersionId: 'v1',
          tags: tagsOf(Tags, 'case-sensitive'),
        };
        state.managedPolicies.set(policyArn, policy);
        return { Policy: rendered(policy) };
      },
    },

    GetPolicy: {
      takes: ['PolicyArn'],
      run: ({ PolicyArn }) => ({ Policy: rendered(managedPolicy(PolicyArn)) }),
    },

    CreatePolicyVersion: {
      takes: ['PolicyArn', 'PolicyDocument', 'SetAsDefault'],
      run: ({ PolicyArn, PolicyDocument, SetAsDefault = false }) => {
        const policy = managedPolicy(PolicyArn);
        const document = readManagedPolicy(PolicyDocument);
        if (policy.versions.size >= MANAGED_POLICY_VERSIONS) {
          throw limitExceeded('PolicyVersionsPerPolicy', MANAGED_POLICY_VERSIONS);
        }
        const latest = Math.max(...[...policy.versions.keys()].map((version) => Number(version.slice(1))));
        const VersionId = `v${latest + 1}`;
        policy.versions.set(VersionId, document);
        if (SetAsDefault) policy.defaultVersionId = VersionId;
        return { PolicyVersion: { VersionId, IsDefaultVersion: SetAsDefault, CreateDate: new Date(account.now()) } };
      },
    },

    ListPolicyVersions: {
      takes: ['PolicyArn', 'Marker', 'MaxItems'],
      run: ({ PolicyArn, ...paged }) => {
        const policy = managedPolicy(PolicyArn);
        const { items, ...rest } = page([...policy.versions.keys()], paged);
        return {
          Versions: items.map((VersionId) => ({ VersionId, IsDefaultVersion: VersionId === policy.defaultVersionId })),
          ...rest,
        };
      },
    },

    DeletePolicyVersion: {
      takes: ['PolicyArn', 'VersionId'],
      run: ({ PolicyArn, VersionId }) => {
        const policy = managedPolicy(PolicyArn);
        if (VersionId === policy.defaultVersionId) {
          throw deleteConflict('Cannot delete the default version of a policy.');
        }
        if (!policy.versions.delete(VersionId)) throw noSuchEntity(`Policy version ${VersionId} was not found.`);
      },
    },

    DeletePolicy: {
      takes: ['PolicyArn'],
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
    },
  };
}

function readManagedPolicy(text: string): PolicyDocument {
  const document = readPolicy(text, 'policyDocument');
  if (policySize(document) > MANAGED_POLICY_CHARACTERS) {
    throw limitExceeded('PolicySize', MANAGED_POLICY_CHARACTERS);
  }
  return document;
}
