import { Annotations, aws_iam as iam, Stack } from 'aws-cdk-lib';
import { propertyInjectable } from 'aws-cdk-lib/core/lib/prop-injectable';
import { type Construct } from 'constructs';
import { acknowledgeWildcard } from './private/acknowledgement';
import { resourceReferenceProblems } from './private/dynamic-references';
import { PolicyAttachments } from './private/policy-attachments';
import { validateGroup, validatePolicy, validateUser } from './private/property-validation';
import { ValidationError } from './private/validation-error';

/** Properties of a policy that enforces MFA. */
export interface MfaEnforcementPolicyProps {
  /**
   * The users who must sign in with MFA. `attachToUser` adds more.
   *
   * A change is made in place.
   *
   * @default - no users
   */
  readonly users?: iam.IUserRef[];

  /**
   * The groups whose users must sign in with MFA. `attachToGroup` adds more.
   *
   * A change is made in place.
   *
   * @default - no groups
   */
  readonly groups?: iam.IGroupRef[];

  /**
   * Whether users enroll their own devices. To do that, they must get in once without MFA: to create and enable a device,
   * and before that to change a password that must be changed at the first sign-in.
   *
   * While this is `true`, anyone who obtains the password or an access key of a user without a device first can enable a
   * device for that user, and sign in with it. A user who has a device is safe from this: IAM does not let an access key
   * without MFA add or remove a device, whatever policies say, and asks for a code after the password.
   *
   * `false` closes this gap. Use it if the stack gives each user a device, with `VirtualMfa` or `VirtualMfaDevice`.
   *
   * @see https://aws.amazon.com/security/security-bulletins/AWS-2023-001/
   *
   * A change is made in place.
   *
   * @default true
   */
  readonly selfEnrollment?: boolean;

  /**
   * The name of the policy, unique in the account: 1 to 128 characters, letters, digits and any of `_+=,.@-`.
   *
   * A change replaces the policy. If you set a name and keep it, CloudFormation refuses any other change that would
   * replace the policy.
   *
   * @default - a name made by CloudFormation
   */
  readonly managedPolicyName?: string;

  /**
   * The path of the policy: `/`, or text of up to 512 characters that begins and ends with `/`.
   *
   * A change replaces the policy. CloudFormation refuses it if you set `managedPolicyName` and keep it.
   *
   * @default /
   */
  readonly path?: string;
}

/**
 * A managed policy that requires MFA. Until its users sign in with MFA, it denies them everything except what they need to
 * sign in with MFA and to enroll a device. It allows users to manage their own devices, and nothing else: other policies
 * decide what they may do with MFA.
 *
 * Without MFA, users can
 *
 * - get a session with a code (`GetSessionToken`), and view and resynchronize their own devices;
 * - with `selfEnrollment`, also create and list virtual devices, enable one for themselves, read the account's password
 *   policy, and change their own password.
 *
 * Nobody can deactivate or delete a device without MFA, or act on another user, whatever other policies allow. A request
 * signed with an access key counts as one without MFA. IAM itself lets such a request enable only the first device of its
 * user.
 *
 * With `selfEnrollment` and MFA, users can deactivate their own devices. They can delete virtual devices whose name is the
 * user's name, or starts with it and a hyphen: `bob`, `bob-phone`.
 *
 * Attach this policy to users and groups only. A role has no MFA of its own, so the policy would deny it everything: do not
 * pass it to `role.addManagedPolicy`. Require `aws:MultiFactorAuthPresent` in the role's trust policy instead.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage-mfa-only.html
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
 *
 * @resource AWS::IAM::ManagedPolicy
 *
 * @example
 * const stack = new Stack(new App(), 'Staff');
 * const staff = new iam.Group(stack, 'Everybody');
 * const alice = new iam.User(stack, 'Alice', { groups: [staff] });
 * new VirtualMfaDevice(stack, 'AliceMfa', { user: alice });
 *
 * // Alice has a device already, so nobody needs to enroll one without MFA.
 * new MfaEnforcementPolicy(stack, 'MfaEnforcement', { groups: [staff], selfEnrollment: false });
 */
@propertyInjectable
export class MfaEnforcementPolicy extends iam.ManagedPolicy {
  /** Uniquely identifies this class. */
  public static override readonly PROPERTY_INJECTION_ID: string = 'cdk-iam-virtual-mfa.MfaEnforcementPolicy';

  public constructor(scope: Construct, id: string, props: MfaEnforcementPolicyProps = {}) {
    const arns = arnsIn(Stack.of(scope));
    const selfEnrollment = props.selfEnrollment ?? true;
    super(scope, id, {
      // Never reword this: IAM cannot change a description, so a new text would replace the policies of every stack.
      description: 'Denies everything but signing in with MFA to users who are not signed in with it',
      managedPolicyName: props.managedPolicyName,
      path: props.path,
      statements: statementsFor(arns, selfEnrollment),
    });
    validatePolicy(this, props.managedPolicyName, props.path);
    const cfnPolicy = this.node.defaultChild as iam.CfnManagedPolicy;
    const names = { ManagedPolicyName: 'managedPolicyName', Path: 'path' };
    this.node.addValidation({ validate: () => resourceReferenceProblems(cfnPolicy, names) });
    acknowledgeWildcard(this, arns.userWithPath, 'The name at its end is one user, whatever the path.');
    if (selfEnrollment) {
      acknowledgeWildcard(this, arns.deviceWithSuffix, 'With MFA alone, and IAM deletes no device that is enabled.');
      acknowledgeWildcard(this, arns.anyDevice, 'A device may have any name; to create one enables nothing.');
      acknowledgeWildcard(this, '*', `IAM knows no narrower resource for ${READING_OF_THE_ACCOUNT.join(' and ')}.`);
    }
    props.users?.forEach((user) => this.attachToUser(user));
    props.groups?.forEach((group) => this.attachToGroup(group));
    this.node.addValidation({ validate: () => this.warnIfAttachedToNobody() });
  }

  public override attachToUser(user: iam.IUserRef): void {
    validateUser(this, 'users', user);
    super.attachToUser(user);
  }

  public override attachToGroup(group: iam.IGroupRef): void {
    validateGroup(this, 'groups', group);
    super.attachToGroup(group);
  }

  /**
   * Always throws: a role has no MFA of its own, so the policy would deny it everything.
   *
   * @param role a role
   * @throws always
   */
  public override attachToRole(role: iam.IRole): void {
    throw new ValidationError(
      this,
      `attachToRole: got the role ${role.node.path}; allowed: users and groups, because a role has no MFA of its own. ` +
        'Require MFA of those who assume the role: put the condition aws:MultiFactorAuthPresent into its trust policy.',
    );
  }

  /** At the end of synthesis, because users may be attached late. Only a warning, because somebody may attach it outside the app. */
  private warnIfAttachedToNobody(): string[] {
    if (!new PolicyAttachments(this.node.root).isAttached(this)) {
      Annotations.of(this).addWarningV2(
        'cdk-iam-virtual-mfa:attachedToNobody',
        'The policy is attached to nobody, so it requires MFA of nobody. Pass users or groups, or attach it to them.',
      );
    }
    return [];
  }
}

/** IAM checks these against the user. Includes resynchronizing: users whose device clock is off cannot sign in before. */
const ALWAYS_FOR_ONESELF = ['iam:GetMFADevice', 'iam:GetUser', 'iam:ListMFADevices', 'iam:ResyncMFADevice'];
const ENROLLING_FOR_ONESELF = ['iam:ChangePassword', 'iam:EnableMFADevice'];
const READING_OF_THE_ACCOUNT = ['iam:GetAccountPasswordPolicy', 'iam:ListVirtualMFADevices'];

const WITH_MFA = { Bool: { 'aws:MultiFactorAuthPresent': 'true' } };
/** "IfExists", because a request signed with an access key lacks the condition key. */
const WITHOUT_MFA = { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'false' } };

/** The policy's resources. IAM inserts the name of the user who makes the request. */
function arnsIn(stack: Stack) {
  const arn = (resource: string, resourceName: string): string =>
    stack.formatArn({ service: 'iam', region: '', resource, resourceName });
  const userWithPath = arn('user', '*/${aws:username}');
  const deviceWithSuffix = arn('mfa', '${aws:username}-*');
  return {
    oneself: [arn('user', '${aws:username}'), userWithPath],
    ownDevices: [arn('mfa', '${aws:username}'), deviceWithSuffix],
    anyDevice: arn('mfa', '*'),
    userWithPath,
    deviceWithSuffix,
  };
}

type Arns = ReturnType<typeof arnsIn>;

function statementsFor(arns: Arns, selfEnrollment: boolean): iam.PolicyStatement[] {
  const forOneself = [...ALWAYS_FOR_ONESELF, ...(selfEnrollment ? ENROLLING_FOR_ONESELF : [])];
  const forTheAccount = selfEnrollment ? ['iam:CreateVirtualMFADevice', ...READING_OF_THE_ACCOUNT] : [];
  return [
    new iam.PolicyStatement({ sid: 'AllowForOneself', actions: forOneself, resources: arns.oneself }),
    ...(selfEnrollment ? enrollmentStatements(arns) : []),
    new iam.PolicyStatement({
      sid: 'DenyWithoutMfa',
      effect: iam.Effect.DENY,
      notActions: [...forOneself, ...forTheAccount, 'sts:GetSessionToken'],
      resources: ['*'],
      conditions: WITHOUT_MFA,
    }),
    // Another policy may allow the exempt actions for every user. Limit them to the user who makes the request.
    new iam.PolicyStatement({
      sid: 'DenyForOthersWithoutMfa',
      effect: iam.Effect.DENY,
      actions: forOneself,
      notResources: arns.oneself,
      conditions: WITHOUT_MFA,
    }),
  ];
}

function enrollmentStatements({ anyDevice, oneself, ownDevices }: Arns): iam.PolicyStatement[] {
  return [
    // Any name: an interrupted enrollment leaves a device that has taken its name, and that must not be deleted without
    // MFA.
    new iam.PolicyStatement({
      sid: 'AllowCreatingDevices',
      actions: ['iam:CreateVirtualMFADevice'],
      resources: [anyDevice],
    }),
    new iam.PolicyStatement({ sid: 'AllowReadingForEnrollment', actions: READING_OF_THE_ACCOUNT, resources: ['*'] }),
    new iam.PolicyStatement({
      sid: 'AllowDeactivatingWithMfa',
      actions: ['iam:DeactivateMFADevice'],
      resources: oneself,
      conditions: WITH_MFA,
    }),
    new iam.PolicyStatement({
      sid: 'AllowDeletingOwnDevicesWithMfa',
      actions: ['iam:DeleteVirtualMFADevice'],
      resources: ownDevices,
      conditions: WITH_MFA,
    }),
  ];
}
