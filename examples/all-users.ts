import { App, Aspects, aws_iam as iam, Shims, Stack } from 'aws-cdk-lib';
import { MfaEnforcementPolicy, VirtualMfa } from 'cdk-iam-virtual-mfa';

// A device for every user of a stack, however many come later, and no access without it.
const app = new App();
const stack = new Stack(app, 'AllUsers');

const staff = new iam.Group(stack, 'Staff');
staff.addManagedPolicy(iam.ManagedPolicy.fromAwsManagedPolicyName('ReadOnlyAccess'));
// Everybody has a device already, so nobody needs to enroll one without MFA.
new MfaEnforcementPolicy(stack, 'MfaEnforcement', { groups: [staff], selfEnrollment: false });

for (const userName of ['Alice', 'Bob', 'Carol']) {
  new iam.User(stack, userName, { userName, groups: [staff] });
}

// A robot that signs its requests with an access key gets neither a device nor the policy.
const robot = new iam.User(stack, 'Robot', { userName: 'Robot' });
VirtualMfa.exclude(robot);

Aspects.of(stack).add(Shims.asAspect(new VirtualMfa({ issuer: 'Example Corp' })));

app.synth();
