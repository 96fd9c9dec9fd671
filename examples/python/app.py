from aws_cdk import App, Aspects, Mixins, Shims, Stack, aws_iam as iam
from cdk_iam_virtual_mfa import MfaCoverage, MfaEnforcementPolicy, VirtualMfa, VirtualMfaDevice

# A team in which everybody needs MFA.
app = App()
stack = Stack(app, "Team")

staff = iam.Group(stack, "Staff")
MfaEnforcementPolicy(stack, "MfaEnforcement", groups=[staff], self_enrollment=False)

# Bob's device, and a role that may ask for its codes, but cannot read its seed.
bob = iam.User(stack, "Bob", groups=[staff])
mfa = VirtualMfaDevice(stack, "BobMfa", user=bob, issuer="Example Corp")
runner = iam.Role(stack, "Runner", assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"))
mfa.grant_code(runner)

# The mixin gives a device to one user, to all users declared so far, or to those declared later, too.
iam.User(stack, "Alice", groups=[staff]).with_(VirtualMfa(issuer="Example Corp"))
iam.User(stack, "Carol", groups=[staff])
Mixins.of(app).apply(VirtualMfa())
Aspects.of(stack).add(Shims.as_aspect(VirtualMfa()))
iam.User(stack, "Dave", groups=[staff])

MfaCoverage.of(app).require()
app.synth()
