import { aws_iam as iam, Stack } from 'aws-cdk-lib';
import { propertyInjectable } from 'aws-cdk-lib/core/lib/prop-injectable';
import { type Construct } from 'constructs';
import { acknowledgeWildcard } from './private/acknowledgement';
import { dynamicReferenceProblems } from './private/dynamic-references';
import { validatePolicy } from './private/property-validation';
import { ValidationError } from './private/validation-error';

/** Properties of a policy that enforces MFA. */
export interface MfaEnforcementPolicyProps {
  /**
   * The users that have to sign in with MFA. `attachToUser` adds more of them.
   *
   * A change is made in place.
   *
   * @default - no users
   */
  readonly users?: iam.IUserRef[];

  /**
   * The groups whose users have to sign in with MFA. `attachToGroup` adds more of them.
   *
   * A change is made in place.
   *
   * @default - no groups
   */
  readonly groups?: iam.IGroupRef[];

  /**
   * Whether users enroll their own devices, for which they have to come in without MFA once: to create and enable a
   * device, and before that to replace a password that must be changed at the first sign-in.
   *
   * It concerns users who have no device yet. While this is `true`, whoever gets hold of the password or an access key of
   * such a user first can enable a device for the user, and sign in with it. A user who has a device is safe from that:
   * IAM adds and removes none for an access key without MFA, whatever policies say, and asks for a code after the password.
   *
   * `false` closes this way in for users without a device, too. It is right where the stack gives a device to each user,
   * with `VirtualMfa` or `VirtualMfaDevice`.
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
   * A change replaces the policy. While the name is given, CloudFormation refuses whatever else would replace it.
   *
   * @default - a name made by CloudFormation
   */
  readonly managedPolicyName?: string;

  /**
   * The path of the policy: `/`, or text of up to 512 characters that begins and ends with `/`.
   *
   * A change replaces the policy; CloudFormation refuses it while `managedPolicyName` is given and stays.
   *
   * @default /
   */
  readonly path?: string;
}

/**
 * A managed policy that denies its users everything while they are not signed in with MFA, except what they need to sign
 * in with it and to enroll a device. It allows users to manage their own devices, and nothing else: what they may do with
 * MFA is the matter of their other policies.
 *
 * Without MFA a user can get a session for a code (`GetSessionToken`), and read and resynchronize the own devices; with
 * `selfEnrollment` also create a virtual device, enable it for the same user, and change the own password. Nobody can
 * deactivate or delete a device without MFA, or act on another user, whatever other policies allow. A request that is
 * signed by an access key is one without MFA. IAM itself lets such a request enable the first device of its user alone.
 *
 * With `selfEnrollment` and MFA a user can deactivate the own devices, and delete virtual ones named like the user, or like
 * the user with a hyphen and more: `bob`, `bob-phone`.
 *
 * It is for users and groups. A role has no MFA of its own, and would be denied everything: do not give this policy to
 * `role.addManagedPolicy`, and require `aws:MultiFactorAuthPresent` in the role's trust policy.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_examples_aws_my-sec-creds-self-manage-mfa-only.html
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent
 *
 * @resource AWS::IAM::ManagedPolicy
 */
@propertyInjectable
export class MfaEnforcementPolicy extends iam.ManagedPolicy {
  /** Uniquely identifies this class. */
  public static override readonly PROPERTY_INJECTION_ID: string = 'cdk-iam-virtual-mfa.MfaEnforcementPolicy';

  public constructor(scope: Construct, id: string, props: MfaEnforcementPolicyProps = {}) {
    const arns = arnsIn(Stack.of(scope));
    const selfEnrollment = props.selfEnrollment ?? true;
    super(scope, id, {
      // IAM changes no description: other words would replace the policies of every stack.
      description: 'Denies everything but signing in with MFA to users who are not signed in with it',
      managedPolicyName: props.managedPolicyName,
      path: props.path,
      statements: statementsFor(arns, selfEnrollment),
    });
    validatePolicy(this, props.managedPolicyName, props.path);
    const cfnPolicy = this.node.defaultChild as iam.CfnManagedPolicy;
    const names = { ManagedPolicyName: 'managedPolicyName', Path: 'path' };
    this.node.addValidation({ validate: () => dynamicReferenceProblems(cfnPolicy, names) });
    acknowledgeWildcard(this, arns.userWithPath, 'The name at its end is one user, whatever the path.');
    if (selfEnrollment) {
      acknowledgeWildcard(this, arns.deviceWithSuffix, 'With MFA alone, and IAM deletes no device that is enabled.');
      acknowledgeWildcard(this, arns.anyDevice, 'A device may have any name; to create one enables nothing.');
      acknowledgeWildcard(this, '*', `IAM knows no narrower resource for ${READING_OF_THE_ACCOUNT.join(' and ')}.`);
    }
    props.users?.forEach((user) => this.attachToUser(user));
    props.groups?.forEach((group) => this.attachToGroup(group));
  }

  /**
   * Refused: a role would be denied everything, for it has no MFA of its own.
   *
   * @param role a role
   * @throws always
   */
  public override attachToRole(role: iam.IRole): void {
    throw new ValidationError(
      this,
      `attachToRole: got the role ${role.node.path}; allowed: users and groups, for a role has no MFA of its own. ` +
        'Require it of those who assume the role: give its trust policy the condition aws:MultiFactorAuthPresent.',
    );
  }
}

/** IAM checks these against the user. A clock that is off keeps the user from signing in until it is resynchronized. */
const ALWAYS_FOR_ONESELF = ['iam:GetMFADevice', 'iam:GetUser', 'iam:ListMFADevices', 'iam:ResyncMFADevice'];
const ENROLLING_FOR_ONESELF = ['iam:ChangePassword', 'iam:EnableMFADevice'];
const READING_OF_THE_ACCOUNT = ['iam:GetAccountPasswordPolicy', 'iam:ListVirtualMFADevices'];

const WITH_MFA = { Bool: { 'aws:MultiFactorAuthPresent': 'true' } };
/** "IfExists", for a request that is signed by an access key does not have the condition key at all. */
const WITHOUT_MFA = { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'false' } };

/** The policy's resources; IAM puts in the name of the user who makes the request. */
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
    // What the statement before leaves open would hold for every user, if another policy allowed it for every user.
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
    // Of any name: an enrollment that was broken off leaves a device, which must not be deleted without MFA, and whose
    // name is taken.
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
