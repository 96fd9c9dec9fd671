from aws_cdk import App, Aspects, Duration, Mixins, Shims, Stack, aws_iam as iam
from cdk_iam_virtual_mfa import (
    MfaCoverage,
    MfaEnforcementPolicy,
    VirtualMfa,
    VirtualMfaDevice,
    VirtualMfaDeviceRotation,
    VirtualMfaWatch,
)

# A team in which everybody needs MFA.
app = App()
stack = Stack(app, "Team")

staff = iam.Group(stack, "Staff")
MfaEnforcementPolicy(stack, "MfaEnforcement", groups=[staff], self_enrollment=False)

# A robot's device, with a new seed each month. A role may ask for its codes, but cannot read its seed.
robot = iam.User(stack, "Robot", groups=[staff])
rotation = VirtualMfaDeviceRotation(automatically_after=Duration.days(30))
mfa = VirtualMfaDevice(stack, "RobotMfa", user=robot, issuer="Example Corp", rotation=rotation)
runner = iam.Role(stack, "Runner", assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"))
mfa.grant_code(runner)

# The mixin gives a device to one user, to all users declared so far, or to those declared later, too.
iam.User(stack, "Alice", groups=[staff]).with_(VirtualMfa(issuer="Example Corp"))
iam.User(stack, "Carol", groups=[staff])
Mixins.of(app).apply(VirtualMfa())
Aspects.of(stack).add(Shims.as_aspect(VirtualMfa()))
iam.User(stack, "Dave", groups=[staff])

# Looks at all these devices every 15 minutes, and enables again what somebody has deactivated.
VirtualMfaWatch(stack, "Watch", repair=True)

MfaCoverage.of(app).require()
app.synth()
