import {
  aws_iam as iam,
  DefaultTokenResolver,
  type IPostProcessor,
  type IResolvable,
  type IResolveContext,
  Reference,
  Stack,
  StringConcat,
  Tokenization,
} from 'aws-cdk-lib';
import { type IConstruct } from 'constructs';

/**
 * Which managed policies are attached to the users of an app, directly or through groups. A reference counts as the construct
 * that it refers to, also across stacks. A text counts as the name or the ARN that it is.
 */
export class PolicyAttachments {
  private readonly pathsByName = new Map<string, string>();
  private readonly groupsByUser = new Map<string, string[]>();
  /** Of users and of groups. */
  private readonly policiesByPrincipal = new Map<string, string[]>();

  /** @param root everything in it counts; read once the tree is complete */
  public constructor(root: IConstruct) {
    const constructs = root.node.findAll();
    // Names first: whatever names a user or a group may come before it.
    for (const construct of constructs) {
      if (construct instanceof iam.CfnUser) this.rename(construct, construct.userName);
      if (construct instanceof iam.CfnGroup) this.rename(construct, construct.groupName);
    }
    for (const construct of constructs) this.read(construct);
  }

  /** Whether one of these policies is attached to a user, or to a group of the user. */
  public hasOne(user: iam.CfnUser, policies: readonly iam.IManagedPolicyRef[]): boolean {
    const wanted = policies.flatMap((policy) => textsIn(user, [policy.managedPolicyRef.policyArn]));
    const principals = [user.node.path, ...(this.groupsByUser.get(user.node.path) ?? [])];
    const attached = principals.flatMap((principal) => this.policiesByPrincipal.get(principal) ?? []);
    return attached.some((policy) => wanted.includes(policy));
  }

  /** Whether a policy is attached to anybody, also to users and groups that the app does not declare. */
  public isAttached({ managedPolicyRef, node }: iam.IManagedPolicyRef & IConstruct): boolean {
    const [policy] = textsIn(node.root, [managedPolicyRef.policyArn]);
    return [...this.policiesByPrincipal.values()].some((policies) => policies.some((attached) => attached === policy));
  }

  private read(construct: IConstruct): void {
    if (construct instanceof iam.CfnUser) {
      add(this.groupsByUser, [construct.node.path], this.principalsIn(construct, construct.groups));
      add(this.policiesByPrincipal, [construct.node.path], textsIn(construct, construct.managedPolicyArns));
    } else if (construct instanceof iam.CfnGroup) {
      add(this.policiesByPrincipal, [construct.node.path], textsIn(construct, construct.managedPolicyArns));
    } else if (construct instanceof iam.CfnUserToGroupAddition) {
      const groups = this.principalsIn(construct, [construct.groupName]);
      add(this.groupsByUser, this.principalsIn(construct, construct.users), groups);
    } else if (construct instanceof iam.CfnManagedPolicy) {
      const policy = [construct.node.path];
      add(this.policiesByPrincipal, this.principalsIn(construct, construct.users), policy);
      add(this.policiesByPrincipal, this.principalsIn(construct, construct.groups), policy);
    }
  }

  private rename(principal: IConstruct, name: string | undefined): void {
    for (const text of textsIn(principal, [name])) this.pathsByName.set(nameIn(principal, text), principal.node.path);
  }

  /** Paths of the users or groups that a construct names. */
  private principalsIn(construct: IConstruct, names: unknown): string[] {
    return textsIn(construct, names).map((text) => this.pathsByName.get(nameIn(construct, text)) ?? text);
  }
}

/** A name belongs to an account, and IAM ignores its case. */
function nameIn(construct: IConstruct, name: string): string {
  return `${Stack.of(construct).account} ${name.toLowerCase()}`;
}

function add(to: Map<string, string[]>, keys: readonly string[], values: readonly string[]): void {
  for (const key of keys) to.set(key, [...(to.get(key) ?? []), ...values]);
}

/** The texts of a list; for a reference, the path of what it refers to. */
function textsIn(scope: IConstruct, list: unknown): string[] {
  const resolved: unknown = Tokenization.resolve(list, { scope, resolver: new PathResolver(), preparing: false });
  return Array.isArray(resolved) ? resolved.filter((item) => typeof item === 'string') : [];
}

class PathResolver extends DefaultTokenResolver {
  public constructor() {
    super(new StringConcat());
  }

  public override resolveToken(token: IResolvable, context: IResolveContext, postProcessor: IPostProcessor): unknown {
    return Reference.isReference(token)
      ? token.target.node.path
      : (super.resolveToken(token, context, postProcessor) as unknown);
  }
}
