import { App, Aspects, aws_iam as iam, Mixins, Shims, Stack } from 'aws-cdk-lib';
import { MfaCoverage, MfaEnforcementPolicy, VirtualMfa, VirtualMfaDevice } from 'cdk-iam-virtual-mfa';

// A team in which everybody needs MFA. The folders python, java and go have the same app.
const app = new App();
const stack = new Stack(app, 'Team');

const staff = new iam.Group(stack, 'Staff');
new MfaEnforcementPolicy(stack, 'MfaEnforcement', { groups: [staff], selfEnrollment: false });

// Bob's device, and a role that may ask for its codes, but cannot read its seed.
const bob = new iam.User(stack, 'Bob', { groups: [staff] });
const mfa = new VirtualMfaDevice(stack, 'BobMfa', { user: bob, issuer: 'Example Corp' });
const runner = new iam.Role(stack, 'Runner', { assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com') });
mfa.grantCode(runner);

// The mixin gives a device to one user, to all users declared so far, or to those declared later, too.
new iam.User(stack, 'Alice', { groups: [staff] }).with(new VirtualMfa({ issuer: 'Example Corp' }));
new iam.User(stack, 'Carol', { groups: [staff] });
Mixins.of(app).apply(new VirtualMfa());
Aspects.of(stack).add(Shims.asAspect(new VirtualMfa()));
new iam.User(stack, 'Dave', { groups: [staff] });

MfaCoverage.of(app).require();
app.synth();
