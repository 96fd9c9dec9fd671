import { type App, aws_iam as iam, Stack } from 'aws-cdk-lib';
import { MfaEnforcementPolicy, VirtualMfa } from '../../lib';

/** Administrators who must use MFA: Bob enrolls without help, Alice has a declared device and gets the policy by her group. */
export function mfaEnforcement(app: App): void {
  const stack = new Stack(app, 'VirtualMfaStack');
  const administrator = iam.ManagedPolicy.fromAwsManagedPolicyName('AdministratorAccess');

  const bob = new iam.User(stack, 'Bob', { userName: 'Bob', path: '/staff/', managedPolicies: [administrator] });
  new MfaEnforcementPolicy(stack, 'SelfEnrolled', { users: [bob] });

  const declared = new iam.Group(stack, 'Declared', { groupName: 'declared', managedPolicies: [administrator] });
  new MfaEnforcementPolicy(stack, 'Enforced', { groups: [declared], selfEnrollment: false });
  new iam.User(stack, 'Alice', { userName: 'Alice', groups: [declared] }).with(new VirtualMfa());

  new iam.User(stack, 'Carol', { userName: 'Carol' });
}
