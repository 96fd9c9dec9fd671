from aws_cdk import App, Stack, aws_iam as iam
from cdk_iam_virtual_mfa import VirtualMfaDevice

app = App()
stack = Stack(app, "BreakGlass")
bob = iam.User(stack, "Bob", user_name="Bob")
VirtualMfaDevice(stack, "BobMfa", user=bob)
app.synth()
