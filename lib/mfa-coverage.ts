import { aws_iam as iam } from 'aws-cdk-lib';
import { type IConstruct } from 'constructs';
import { MfaEnforcementPolicy } from './mfa-enforcement-policy';
import { devicesOf } from './private/declared-devices';
import { PolicyAttachments } from './private/policy-attachments';
import { ValidationError } from './private/validation-error';

/** What `MfaCoverage` requires. */
export interface MfaCoverageOptions {
  /**
   * Whether each user must have a device: a `VirtualMfaDevice`, declared by hand or made by `VirtualMfa`.
   *
   * @default true
   */
  readonly devices?: boolean;

  /**
   * Whether each user must be under a policy that requires MFA: an `MfaEnforcementPolicy`, or one of `enforcementPolicies`,
   * attached to the user or to a group of the user.
   *
   * @default true
   */
  readonly enforcement?: boolean;

  /**
   * Managed policies of your own that require MFA.
   *
   * @default - only `MfaEnforcementPolicy` counts
   */
  readonly enforcementPolicies?: iam.IManagedPolicyRef[];
}

/**
 * Fails the synthesis of an app in which an IAM user has no MFA device, or is under no policy that requires MFA. The error
 * names each such user, and shows the line of code to add.
 *
 * It checks the users that the app declares, as an L2 `User` or an L1 `CfnUser`, also in stages and nested stacks. It runs
 * at the end of synthesis, so it sees what aspects do.
 *
 * It cannot see imported users, groups that the app does not declare, or anything else that exists in the account.
 *
 * @example
 * const app = new App();
 * const stack = new Stack(app, 'Staff');
 * const staff = new iam.Group(stack, 'Everybody');
 * const alice = new iam.User(stack, 'Alice', { groups: [staff] });
 * new VirtualMfaDevice(stack, 'AliceMfa', { user: alice });
 * new MfaEnforcementPolicy(stack, 'MfaEnforcement', { groups: [staff], selfEnrollment: false });
 *
 * const metrics = new iam.User(stack, 'Metrics');
 * MfaCoverage.of(metrics).exempt('Its access key may only put metrics');
 * MfaCoverage.of(app).require();
 */
export class MfaCoverage {
  /**
   * Returns the coverage of a scope.
   *
   * @param scope an app, a stage, a stack, a user, or any other scope with users
   */
  public static of(scope: IConstruct): MfaCoverage {
    return new MfaCoverage(scope);
  }

  private readonly scope: IConstruct;

  private constructor(scope: IConstruct) {
    this.scope = scope;
  }

  /**
   * Requires MFA of every user in the scope, also of those declared later.
   *
   * @param options what is required: by default a device, and a policy that requires MFA
   */
  public require(options: MfaCoverageOptions = {}): void {
    this.scope.node.addValidation({ validate: () => gapsIn(this.scope, options) });
  }

  /**
   * Exempts the users in the scope, and says why. The reason is also in the metadata of the cloud assembly.
   *
   * @param reason why these users need no MFA
   * @throws if the reason is empty
   */
  public exempt(reason: string): void {
    if (reason.trim() === '') {
      throw new ValidationError(
        this.scope,
        'exempt: got no reason; allowed: any text. Say why these users need no MFA.',
      );
    }
    exemptScopes.add(this.scope);
    this.scope.node.addMetadata(EXEMPTION_METADATA_KEY, reason);
  }
}

const EXEMPTION_METADATA_KEY = 'cdk-iam-virtual-mfa:exempt';
const exemptScopes = new WeakSet<IConstruct>();

function gapsIn(scope: IConstruct, options: MfaCoverageOptions): string[] {
  const { devices = true, enforcement = true, enforcementPolicies = [] } = options;
  const { root } = scope.node;
  const attachments = new PolicyAttachments(root);
  const policies = root.node.findAll().filter((construct) => construct instanceof MfaEnforcementPolicy);
  const enforcing = [...policies, ...enforcementPolicies];
  const users = scope.node.findAll().filter((construct) => construct instanceof iam.CfnUser);
  return users
    .filter((user) => !user.node.scopes.some((ancestor) => exemptScopes.has(ancestor)))
    .flatMap((user) => [
      ...(devices && devicesOf(user).length === 0 ? [withoutDevice(user)] : []),
      ...(enforcement && !attachments.hasOne(user, enforcing) ? [withoutEnforcement(user)] : []),
    ]);
}

function withoutDevice(user: iam.CfnUser): string {
  return (
    `The user ${pathOf(user)} has no MFA device. Add one: ` +
    `new VirtualMfaDevice(this, '${idOf(user)}Mfa', { user: ${variableOf(user)} }); ${exemption(user)}`
  );
}

function withoutEnforcement(user: iam.CfnUser): string {
  return (
    `The user ${pathOf(user)} is under no policy that requires MFA. Attach one to the user or to a group of the user: ` +
    `new MfaEnforcementPolicy(this, 'MfaEnforcement', { users: [${variableOf(user)}], selfEnrollment: false }); ${exemption(user)}`
  );
}

function exemption(user: iam.CfnUser): string {
  return `or say why not: MfaCoverage.of(${variableOf(user)}).exempt('the reason');`;
}

/** The construct that the app's author wrote: the L2, where there is one. */
function declaredAs(user: iam.CfnUser): IConstruct {
  const { scope } = user.node;
  return scope instanceof iam.User ? scope : user;
}

function pathOf(user: iam.CfnUser): string {
  return declaredAs(user).node.path;
}

function idOf(user: iam.CfnUser): string {
  return declaredAs(user).node.id;
}

function variableOf(user: iam.CfnUser): string {
  const id = idOf(user).replaceAll(/\W/g, '');
  return id === '' ? 'user' : id.charAt(0).toLowerCase() + id.slice(1);
}
