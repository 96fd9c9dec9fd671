import { type App, aws_iam as iam, CfnOutput, Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice } from '../../lib';

/** Two robots with a device each, and for each a runner who gets codes of it. */
export function codeFunction(app: App): void {
  const stack = new Stack(app, 'VirtualMfaStack');
  for (const name of ['Robot', 'Other']) {
    const user = new iam.User(stack, name, { userName: name });
    const device = new VirtualMfaDevice(stack, `${name}Mfa`, { user });
    const runner = new iam.Role(stack, `${name}Runner`, {
      roleName: `${name}Runner`,
      assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com'),
    });
    device.grantCode(runner);
    new CfnOutput(stack, `${name}CodeFunctionArn`, { value: device.codeFunction.functionArn });
  }
}
