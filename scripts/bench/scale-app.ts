import { App, aws_iam as iam, Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice } from '../../lib';

/**
 * One stack with as many users as the context `devices` says, each with a device: bin/app.ts holds 100 a stack. With the
 * context `atOnce`, CloudFormation has no more devices than that under way: each waits for the one so many before it.
 */
const app = new App();
const stack = new Stack(app, 'Scale');
const devices = Number(app.node.tryGetContext('devices') ?? 1);
const atOnce = Number(app.node.tryGetContext('atOnce') ?? Infinity);
const made: VirtualMfaDevice[] = [];
for (let number = 1; number <= devices; number += 1) {
  const userName = `user-${number}`;
  const user = new iam.User(stack, userName, { userName });
  const device = new VirtualMfaDevice(stack, `${userName}-mfa`, { user });
  const before = made.at(-atOnce);
  if (before) device.node.addDependency(before);
  made.push(device);
}
app.synth();
