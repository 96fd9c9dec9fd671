import { type Action, action } from '../service';
import { type Entities, type Identity, limitExceeded, noSuchEntity } from './entities';
import { type IdentityMember, identityAccess } from './identity-member';
import { arn, page, paging, policyDocument, policyName, policySize } from './inputs';
import type { IamState } from './state';

const MANAGED_POLICIES_PER_IDENTITY = 10;
/** The sum of one identity's inline policies. */
const INLINE_POLICY_CHARACTERS = { User: 2048, Group: 5120, Role: 10_240 };

type IdentityKind = 'User' | 'Group' | 'Role';

/** The inline and attached policies of one kind of identity. The actions are the same for each kind: they differ in their names and in the member that names the identity. */
export function identityPolicyActions(
  state: IamState,
  kind: IdentityKind,
  member: IdentityMember,
  entities: Entities<Identity>,
): Record<string, Action> {
  const { memberName, nameIn, identityIn, on } = identityAccess(state, kind, member, entities);
  const put = `Put${kind}Policy`;
  const get = `Get${kind}Policy`;
  const remove = `Delete${kind}Policy`;
  const listInline = `List${kind}Policies`;
  const attach = `Attach${kind}Policy`;
  const detach = `Detach${kind}Policy`;
  const listAttached = `ListAttached${kind}Policies`;

  return {
    [put]: action({
      input: { ...member, PolicyName: policyName, PolicyDocument: policyDocument },
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
      input: { ...member, PolicyName: policyName },
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
      input: { ...member, PolicyName: policyName },
      authorize: on(remove),
      run: (input) => {
        if (!identityIn(input).inlinePolicies.delete(input.PolicyName)) {
          throw noSuchEntity(`The policy with name ${input.PolicyName} cannot be found.`);
        }
      },
    }),

    [listInline]: action({
      input: { ...member, ...paging },
      authorize: on(listInline),
      run: (input) => {
        const { items, ...rest } = page([...identityIn(input).inlinePolicies.keys()], input);
        return { PolicyNames: items, ...rest };
      },
    }),

    [attach]: action({
      input: { ...member, PolicyArn: arn },
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
      input: { ...member, PolicyArn: arn },
      authorize: on(detach),
      run: (input) => {
        if (!identityIn(input).attachedPolicies.delete(input.PolicyArn)) {
          throw noSuchEntity(`Policy ${input.PolicyArn} was not found.`);
        }
      },
    }),

    [listAttached]: action({
      input: { ...member, ...paging },
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
