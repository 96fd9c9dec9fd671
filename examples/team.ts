import { App, Aspects, aws_iam as iam, Duration, Mixins, Shims, Stack } from 'aws-cdk-lib';
import { MfaCoverage, MfaEnforcementPolicy, VirtualMfa, VirtualMfaDevice, VirtualMfaWatch } from 'cdk-iam-virtual-mfa';

// A team in which everybody needs MFA. The folders python, java and go have the same app.
const app = new App();
const stack = new Stack(app, 'Team');

const staff = new iam.Group(stack, 'Staff');
new MfaEnforcementPolicy(stack, 'MfaEnforcement', { groups: [staff], selfEnrollment: false });

// A robot's device, with a new seed each month. A role may ask for its codes, but cannot read its seed.
const robot = new iam.User(stack, 'Robot', { groups: [staff] });
const rotation = { automaticallyAfter: Duration.days(30) };
const mfa = new VirtualMfaDevice(stack, 'RobotMfa', { user: robot, issuer: 'Example Corp', rotation });
const runner = new iam.Role(stack, 'Runner', { assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com') });
mfa.grantCode(runner);

// The mixin gives a device to one user, to all users declared so far, or to those declared later, too.
new iam.User(stack, 'Alice', { groups: [staff] }).with(new VirtualMfa({ issuer: 'Example Corp' }));
new iam.User(stack, 'Carol', { groups: [staff] });
Mixins.of(app).apply(new VirtualMfa());
Aspects.of(stack).add(Shims.asAspect(new VirtualMfa()));
new iam.User(stack, 'Dave', { groups: [staff] });

// Looks at all these devices every 15 minutes, and enables again what somebody has deactivated.
new VirtualMfaWatch(stack, 'Watch', { repair: true });

MfaCoverage.of(app).require();
app.synth();
