import { App, aws_iam as iam, aws_secretsmanager as secretsmanager, CfnOutput, SecretValue, Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice } from 'cdk-iam-virtual-mfa';

// A robot that a job of GitHub Actions signs in with MFA (robot.yml). The job gets codes and the access key, and never the seed.
const app = new App();
const stack = new Stack(app, 'Robot');
const robot = new iam.User(stack, 'Robot', { userName: 'robot' });
const mfa = new VirtualMfaDevice(stack, 'RobotMfa', { user: robot });

const issuer = 'token.actions.githubusercontent.com';
const providerArn = stack.formatArn({ service: 'iam', region: '', resource: 'oidc-provider', resourceName: issuer });
const github = iam.OpenIdConnectProvider.fromOpenIdConnectProviderArn(stack, 'GitHub', providerArn);
const job = new iam.Role(stack, 'Job', {
  assumedBy: new iam.OpenIdConnectPrincipal(github, {
    StringEquals: {
      [`${issuer}:aud`]: 'sts.amazonaws.com',
      [`${issuer}:sub`]: 'repo:example/robot:environment:production',
    },
  }),
});
mfa.grantCode(job);

const { accessKeyId, secretAccessKey } = new iam.AccessKey(stack, 'AccessKey', { user: robot });
// In the format that credential_process expects.
const credentials = { Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey.unsafeUnwrap() };
const key = new secretsmanager.Secret(stack, 'Key', {
  secretStringValue: SecretValue.unsafePlainText(stack.toJsonString(credentials)),
});
key.grantRead(job);

new CfnOutput(stack, 'JobRoleArn', { value: job.roleArn });
new CfnOutput(stack, 'KeySecretArn', { value: key.secretArn });
new CfnOutput(stack, 'CodeFunctionArn', { value: mfa.codeFunction.functionArn });

app.synth();
