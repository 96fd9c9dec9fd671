import type { Account } from '../../account';
import type { Change, ExistingChange, TypeProvider, UpdateChange } from '../provider';
import {
  begun,
  changed,
  difference,
  documentText,
  ignoringAbsence,
  optionalText,
  pick,
  structures,
  text,
  texts,
} from './properties';

type Principal = 'User' | 'Group' | 'Role';

/** Where a policy is put: the properties that list users, groups and roles. */
interface Attachment {
  readonly kind: Principal;
  readonly name: string;
}

function attachmentsOf(properties: Readonly<Record<string, unknown>>): readonly Attachment[] {
  return (['User', 'Group', 'Role'] as const).flatMap((kind) =>
    texts(properties, `${kind}s`).map((name) => ({ kind, name })),
  );
}

/** `AWS::IAM::Policy`: an inline policy, the same one in several users, groups and roles. */
export const inlinePolicy: TypeProvider = {
  takes: ['PolicyName', 'PolicyDocument', 'Users', 'Groups', 'Roles'],
  create: async (change) => {
    const provisioned = begun(change, change.physicalName(128));
    await put(change, attachmentsOf(change.properties));
    return provisioned;
  },
  update: async (change) => {
    await put(change, attachmentsOf(change.properties));
    const before = attachmentsOf(change.oldProperties);
    const { removed } = difference(before, attachmentsOf(change.properties));
    const renamed = changed(change, 'PolicyName');
    await takeBack({ ...change, properties: change.oldProperties }, renamed ? before : removed);
    return { physicalId: change.physicalId };
  },
  delete: async (change) => takeBack(change, attachmentsOf(change.properties)),
};

async function put(
  { account, properties }: Pick<Change, 'account' | 'properties'>,
  to: readonly Attachment[],
): Promise<void> {
  const PolicyName = text(properties, 'PolicyName');
  for (const { kind, name } of to) {
    const PolicyDocument = documentText(properties, 'PolicyDocument');
    await account.invoke('iam', `Put${kind}Policy`, { [`${kind}Name`]: name, PolicyName, PolicyDocument });
  }
}

async function takeBack(
  { account, properties }: Pick<Change, 'account' | 'properties'>,
  from: readonly Attachment[],
): Promise<void> {
  const PolicyName = text(properties, 'PolicyName');
  await ignoringAbsence(
    ...from.map(
      ({ kind, name }) =>
        () =>
          account.invoke('iam', `Delete${kind}Policy`, { [`${kind}Name`]: name, PolicyName }),
    ),
  );
}

/** `AWS::IAM::ManagedPolicy`: a policy of its own, attached to users, groups and roles. */
export const managedPolicy: TypeProvider = {
  takes: ['ManagedPolicyName', 'Description', 'Path', 'PolicyDocument', 'Users', 'Groups', 'Roles'],
  nameProperty: 'ManagedPolicyName',
  create: async (change) => {
    const { account, properties } = change;
    const { Policy } = await account.invoke('iam', 'CreatePolicy', {
      PolicyName: optionalText(properties, 'ManagedPolicyName') ?? change.physicalName(128),
      PolicyDocument: documentText(properties, 'PolicyDocument'),
      ...pick(properties, 'Path', 'Description'),
    });
    const { Arn } = Policy as { Arn: string };
    const provisioned = begun(change, Arn, { PolicyArn: Arn });
    await attach(account, Arn, attachmentsOf(properties));
    return provisioned;
  },
  update: async (change) => {
    const { account, physicalId: PolicyArn, properties } = change;
    if (changed(change, 'PolicyDocument')) await putVersion(change, PolicyArn);
    const { added, removed } = difference(attachmentsOf(change.oldProperties), attachmentsOf(properties));
    await attach(account, PolicyArn, added);
    await detach(account, PolicyArn, removed);
    return { physicalId: PolicyArn };
  },
  delete: async ({ account, physicalId: PolicyArn, properties }) => {
    await detach(account, PolicyArn, attachmentsOf(properties));
    await ignoringAbsence(
      async () => deleteOtherVersions(account, PolicyArn),
      () => account.invoke('iam', 'DeletePolicy', { PolicyArn }),
    );
  },
};

async function putVersion({ account, properties }: UpdateChange, PolicyArn: string): Promise<void> {
  // A policy has room for five versions; CloudFormation makes it.
  await deleteOtherVersions(account, PolicyArn);
  const PolicyDocument = documentText(properties, 'PolicyDocument');
  await account.invoke('iam', 'CreatePolicyVersion', { PolicyArn, PolicyDocument, SetAsDefault: true });
}

async function deleteOtherVersions(account: Account, PolicyArn: string): Promise<void> {
  const { Versions } = await account.invoke('iam', 'ListPolicyVersions', { PolicyArn });
  for (const { VersionId, IsDefaultVersion } of Versions as { VersionId: string; IsDefaultVersion: boolean }[]) {
    if (!IsDefaultVersion) await account.invoke('iam', 'DeletePolicyVersion', { PolicyArn, VersionId });
  }
}

async function attach(account: Account, PolicyArn: string, to: readonly Attachment[]): Promise<void> {
  for (const { kind, name } of to) {
    await account.invoke('iam', `Attach${kind}Policy`, { [`${kind}Name`]: name, PolicyArn });
  }
}

async function detach(account: Account, PolicyArn: string, from: readonly Attachment[]): Promise<void> {
  await ignoringAbsence(
    ...from.map(
      ({ kind, name }) =>
        () =>
          account.invoke('iam', `Detach${kind}Policy`, { [`${kind}Name`]: name, PolicyArn }),
    ),
  );
}

interface InlinePolicy {
  readonly PolicyName: string;
  readonly PolicyDocument: string;
}

function inlinePoliciesOf(properties: Readonly<Record<string, unknown>>): readonly InlinePolicy[] {
  return structures(properties, 'Policies', ['PolicyName', 'PolicyDocument']).map((policy) => ({
    PolicyName: text(policy, 'PolicyName'),
    PolicyDocument: documentText(policy, 'PolicyDocument'),
  }));
}

/** Gives a user, group or role the `Policies` and `ManagedPolicyArns` that its template has now, and takes the others away. */
export async function syncPolicies(
  kind: Principal,
  name: string,
  { account, properties, oldProperties }: Pick<UpdateChange, 'account' | 'properties' | 'oldProperties'>,
): Promise<void> {
  const owner = { [`${kind}Name`]: name };
  const managed = difference(texts(oldProperties, 'ManagedPolicyArns'), texts(properties, 'ManagedPolicyArns'));
  const inline = difference(inlinePoliciesOf(oldProperties), inlinePoliciesOf(properties));
  const kept = inlinePoliciesOf(properties).map(({ PolicyName }) => PolicyName);
  for (const PolicyArn of managed.added) await account.invoke('iam', `Attach${kind}Policy`, { ...owner, PolicyArn });
  for (const policy of inline.added) await account.invoke('iam', `Put${kind}Policy`, { ...owner, ...policy });
  await ignoringAbsence(
    ...managed.removed.map((PolicyArn) => () => account.invoke('iam', `Detach${kind}Policy`, { ...owner, PolicyArn })),
    ...inline.removed
      .filter(({ PolicyName }) => !kept.includes(PolicyName))
      .map(
        ({ PolicyName }) =>
          () =>
            account.invoke('iam', `Delete${kind}Policy`, { ...owner, PolicyName }),
      ),
  );
}

/** Takes away all that the template gave a user, group or role: a principal with policies cannot be deleted. */
export async function dropPolicies(
  kind: Principal,
  { account, physicalId, properties }: ExistingChange,
): Promise<void> {
  await syncPolicies(kind, physicalId, { account, properties: {}, oldProperties: properties });
}
