import { App, aws_iam as iam, Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice } from 'cdk-iam-virtual-mfa';

const app = new App();
const stack = new Stack(app, 'BreakGlass');
const bob = new iam.User(stack, 'Bob', { userName: 'Bob' });
new VirtualMfaDevice(stack, 'BobMfa', { user: bob });
app.synth();
