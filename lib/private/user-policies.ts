import { isDeepStrictEqual } from 'node:util';
import { aws_iam as iam, type CfnResource, Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { cfnUserOf } from './cfn-user';
import { resourceReferenceProblems } from './dynamic-references';
import { makeAnewForAnotherSet } from './policy-generation';
import { ValidationError } from './validation-error';

const USER_ACTIONS = ['iam:DeactivateMFADevice', 'iam:EnableMFADevice', 'iam:ListMFADevices', 'iam:ResyncMFADevice'];

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const MAX_ATTACHED_POLICIES = 10;
/** During an update the old generation is attached beside the new one. */
const GENERATIONS = 2;
const MAX_POLICIES = MAX_ATTACHED_POLICIES / GENERATIONS;
/** 6,144 characters fit a managed policy; the difference holds everything but the users' ARNs. */
const MAX_ARN_CHARACTERS = 6_144 - 256;

const LONGEST_ARN_PREFIX = 'arn:aws-us-gov:iam::123456789012:user/';
const LONGEST_NEW_USER_NAME = 64;
/** A path may have 512 characters. Where none can be seen, a roomy but likely one is assumed. */
const ASSUMED_PATH_LENGTH = 128;

/** One managed policy, and the users that it names. */
interface Page {
  readonly policy: iam.ManagedPolicy;
  readonly statement: iam.PolicyStatement;
  readonly users: iam.IUserRef[];
  characters: number;
}

/** Lets the handler's role enable, deactivate and list the devices of the stack's users, and of no other user. */
export class UserPolicies extends Construct {
  private readonly pages: Page[] = [];
  private readonly policyByUser = new Map<string, iam.ManagedPolicy>();

  public constructor(
    scope: Construct,
    id: string,
    private readonly role: iam.Role,
  ) {
    super(scope, id);
    this.node.addValidation({ validate: () => [...this.attachmentProblems(), ...this.referenceProblems()] });
  }

  /** The policy that names this user; the user's devices depend on it. */
  public policyFor(user: iam.IUserRef): iam.ManagedPolicy {
    const identity = cfnUserOf(user)?.node.path ?? user.userRef.userArn;
    const policy = this.policyByUser.get(identity) ?? this.add(user);
    this.policyByUser.set(identity, policy);
    return policy;
  }

  /** Counts what others attach too: aspects, for example, and the CDK itself, which splits a large inline policy. */
  private attachmentProblems(): string[] {
    const others = attachedTo(this.role).filter(
      (policy) => !this.pages.some((page) => page.policy.node.defaultChild === policy),
    );
    const atPeak = GENERATIONS * this.pages.length + others.length;
    return atPeak <= MAX_ATTACHED_POLICIES
      ? []
      : [
          `the function's role has ${atPeak} managed policies while users change, ${others.length} of them from elsewhere; ` +
            `allowed: ${MAX_ATTACHED_POLICIES}. Split the users over several stacks, or attach fewer policies to the role.`,
        ];
  }

  private referenceProblems(): string[] {
    return this.pages.flatMap(({ policy }) => resourceReferenceProblems(policy.node.defaultChild as CfnResource));
  }

  private add(user: iam.IUserRef): iam.ManagedPolicy {
    const characters = arnLengthAtMost(user) + '"",'.length;
    const page = this.pageWithRoomFor(characters);
    page.statement.addResources(user.userRef.userArn);
    page.users.push(user);
    page.characters += characters;
    return page.policy;
  }

  private pageWithRoomFor(characters: number): Page {
    const last = this.pages.at(-1);
    return last !== undefined && last.characters + characters <= MAX_ARN_CHARACTERS ? last : this.newPage();
  }

  private newPage(): Page {
    if (this.pages.length === MAX_POLICIES) {
      throw new ValidationError(
        this,
        `the users with devices in stack ${Stack.of(this).stackName} are too many for one role: got more than ` +
          `${this.policyByUser.size} of them; allowed: as many as fit ${MAX_POLICIES} managed policies. ` +
          'Split the users over several stacks.',
      );
    }
    const policy = new iam.ManagedPolicy(this, `Users${this.pages.length}`, {
      description: 'Lets the handler of virtual MFA devices enable and deactivate the devices of these users',
      roles: [this.role],
    });
    const statement = new iam.PolicyStatement({ actions: USER_ACTIONS });
    const page: Page = { policy, statement, users: [], characters: 0 };
    policy.addStatements(statement);
    makeAnewForAnotherSet(policy.node.defaultChild as iam.CfnManagedPolicy, () =>
      page.users.map((each) => this.identityOf(each)),
    );
    this.pages.push(page);
    return page;
  }

  private identityOf(user: iam.IUserRef): string {
    const stack = Stack.of(this);
    const cfnUser = cfnUserOf(user);
    // Asked for with every device: a logical id resolves faster than a reference to it, and text without tokens needs no resolving.
    const subject = cfnUser?.stack === stack ? cfnUser.logicalId : user.userRef.userArn;
    // A user who gets another name is another user, though the reference reads the same in the template.
    const identity = [subject, cfnUser?.userName, cfnUser?.path];
    return JSON.stringify(identity.map((text) => (Token.isUnresolved(text) ? (stack.resolve(text) as unknown) : text)));
  }
}

/** The managed policies of a role: those that name the role, and those that the role names. */
function attachedTo(role: iam.Role): unknown[] {
  const stack = Stack.of(role);
  // Empty lists resolve to undefined.
  const resolvedList = (list: unknown): unknown[] => (stack.resolve(list) as unknown[] | undefined) ?? [];
  const roleName: unknown = stack.resolve(role.roleName);
  const namesRole = ({ roles }: iam.CfnManagedPolicy): boolean =>
    resolvedList(roles).some((name) => isDeepStrictEqual(name, roleName));
  return [
    ...stack.node.findAll().filter((construct) => construct instanceof iam.CfnManagedPolicy && namesRole(construct)),
    ...resolvedList((role.node.defaultChild as iam.CfnRole).managedPolicyArns),
  ];
}

/** The longest that the user's ARN can reasonably get, in characters. */
function arnLengthAtMost(user: iam.IUserRef): number {
  const { userArn } = user.userRef;
  if (!Token.isUnresolved(userArn)) {
    return userArn.length;
  }
  const cfnUser = cfnUserOf(user);
  if (cfnUser !== undefined) {
    return LONGEST_ARN_PREFIX.length + lengthOf(cfnUser.path ?? '', ASSUMED_PATH_LENGTH) + LONGEST_NEW_USER_NAME;
  }
  // Often only partition and account are tokens, and the rest can be read.
  const pathAndName = /:user\/([^$]+)$/.exec(userArn)?.[1];
  return LONGEST_ARN_PREFIX.length + (pathAndName?.length ?? ASSUMED_PATH_LENGTH + LONGEST_NEW_USER_NAME);
}

function lengthOf(text: string, ifUnresolved: number): number {
  return Token.isUnresolved(text) ? ifUnresolved : text.length;
}
