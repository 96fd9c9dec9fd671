import { AwsError } from '../protocol/aws-error';
import type { Action, Input } from '../service';
import { type Entities, type Identity, limitExceeded, noSuchEntity, type Role, type User } from './entities';
import { page, policySize, readPolicy, setTags } from './inputs';
import type { IamState } from './state';

const MANAGED_POLICIES_PER_IDENTITY = 10;
/** The sum of one identity's inline policies. */
const INLINE_POLICY_CHARACTERS = { User: 2048, Group: 5120, Role: 10_240 };

type IdentityKind = 'User' | 'Group' | 'Role';

/** What the actions that are the same for each kind of identity take, besides the identity's name. */
type IdentityInput = Omit<
  Input<'iam', 'PutRolePolicy'> &
    Input<'iam', 'AttachRolePolicy'> &
    Input<'iam', 'ListRolePolicies'> &
    Input<'iam', 'TagRole'> &
    Input<'iam', 'UntagRole'>,
  'RoleName'
>;

/** The name of an identity in the input of such an action: its `UserName`, `GroupName` or `RoleName`. */
function identityName(kind: IdentityKind, input: object): string {
  return (input as Readonly<Record<string, string>>)[`${kind}Name`] ?? '';
}

/** The inline and attached policies of one kind of identity. The actions are the same for each kind: they differ in their names and in the member that names the identity. */
export function identityPolicyActions(
  state: IamState,
  kind: IdentityKind,
  entities: Entities<Identity>,
): Record<string, Action<IdentityInput>> {
  const memberName = `${kind}Name`;
  const identityIn = (input: object) => entities.get(identityName(kind, input));
  const put = `Put${kind}Policy`;
  const get = `Get${kind}Policy`;
  const remove = `Delete${kind}Policy`;
  const listInline = `List${kind}Policies`;
  const attach = `Attach${kind}Policy`;
  const detach = `Detach${kind}Policy`;
  const listAttached = `ListAttached${kind}Policies`;

  return {
    [put]: {
      takes: [memberName, 'PolicyName', 'PolicyDocument'],
      run: (input) => {
        const { inlinePolicies, name: owner } = identityIn(input);
        const policy = readPolicy(input.PolicyDocument, 'policyDocument');
        const others = [...inlinePolicies].filter(([name]) => name !== input.PolicyName).map(([, other]) => other);
        const size = [...others, policy].reduce((sum, document) => sum + policySize(document), 0);
        const maximum = INLINE_POLICY_CHARACTERS[kind];
        if (size > maximum) {
          const message = `Maximum policy size of ${maximum} bytes exceeded for ${kind.toLowerCase()} ${owner}`;
          throw new AwsError('LimitExceeded', message, 409);
        }
        inlinePolicies.set(input.PolicyName, policy);
      },
    },

    [get]: {
      takes: [memberName, 'PolicyName'],
      run: (input) => {
        const document = identityIn(input).inlinePolicies.get(input.PolicyName);
        if (!document) throw noSuchEntity(`The policy with name ${input.PolicyName} cannot be found.`);
        return {
          [memberName]: identityName(kind, input),
          PolicyName: input.PolicyName,
          PolicyDocument: encodeURIComponent(JSON.stringify(document)),
        };
      },
    },

    [remove]: {
      takes: [memberName, 'PolicyName'],
      run: (input) => {
        if (!identityIn(input).inlinePolicies.delete(input.PolicyName)) {
          throw noSuchEntity(`The policy with name ${input.PolicyName} cannot be found.`);
        }
      },
    },

    [listInline]: {
      takes: [memberName, 'Marker', 'MaxItems'],
      run: (input) => {
        const { items, ...rest } = page([...identityIn(input).inlinePolicies.keys()], input);
        return { PolicyNames: items, ...rest };
      },
    },

    [attach]: {
      takes: [memberName, 'PolicyArn'],
      run: (input) => {
        const { attachedPolicies } = identityIn(input);
        state.documentOf(input.PolicyArn);
        if (!attachedPolicies.has(input.PolicyArn) && attachedPolicies.size >= MANAGED_POLICIES_PER_IDENTITY) {
          throw limitExceeded(`PoliciesPer${kind}`, MANAGED_POLICIES_PER_IDENTITY);
        }
        attachedPolicies.add(input.PolicyArn);
      },
    },

    [detach]: {
      takes: [memberName, 'PolicyArn'],
      run: (input) => {
        if (!identityIn(input).attachedPolicies.delete(input.PolicyArn)) {
          throw noSuchEntity(`Policy ${input.PolicyArn} was not found.`);
        }
      },
    },

    [listAttached]: {
      takes: [memberName, 'Marker', 'MaxItems'],
      run: (input) => {
        const { items, ...rest } = page([...identityIn(input).attachedPolicies], input);
        return {
          AttachedPolicies: items.map((PolicyArn) => ({ PolicyArn, PolicyName: PolicyArn.split('/').at(-1) })),
          ...rest,
        };
      },
    },
  };
}

/** The tags of users and roles. */
export function identityTagActions(
  kind: 'User' | 'Role',
  entities: Entities<User> | Entities<Role>,
): Record<string, Action<IdentityInput>> {
  const tagsOf = (input: object) => entities.get(identityName(kind, input)).tags;
  return {
    [`Tag${kind}`]: {
      takes: [`${kind}Name`, 'Tags'],
      run: (input) => void setTags(tagsOf(input), input.Tags),
    },
    [`Untag${kind}`]: {
      takes: [`${kind}Name`, 'TagKeys'],
      run: (input) => {
        for (const key of input.TagKeys) tagsOf(input).delete(key);
      },
    },
  };
}
