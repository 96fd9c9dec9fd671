import { App, Aspects, aws_iam as iam, Shims, Stack } from 'aws-cdk-lib';
import { MfaEnforcementPolicy, VirtualMfa } from 'cdk-iam-virtual-mfa';

// Gives every user of the stack a device, including users added later, and denies access without it.
const app = new App();
const stack = new Stack(app, 'AllUsers');

const staff = new iam.Group(stack, 'Staff');
staff.addManagedPolicy(iam.ManagedPolicy.fromAwsManagedPolicyName('ReadOnlyAccess'));
// Every user gets a declared device, so nobody needs to enroll without MFA.
new MfaEnforcementPolicy(stack, 'MfaEnforcement', { groups: [staff], selfEnrollment: false });

for (const userName of ['Alice', 'Bob', 'Carol']) {
  new iam.User(stack, userName, { userName, groups: [staff] });
}

// This robot signs its requests with an access key. It gets no device and no policy.
const robot = new iam.User(stack, 'Robot', { userName: 'Robot' });
VirtualMfa.exclude(robot);

Aspects.of(stack).add(Shims.asAspect(new VirtualMfa({ issuer: 'Example Corp' })));

app.synth();
