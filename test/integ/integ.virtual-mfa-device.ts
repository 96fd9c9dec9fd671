import { ExpectedResult, IntegTest, Match } from '@aws-cdk/integ-tests-alpha';
import { App, aws_iam as iam, Stack } from 'aws-cdk-lib';
import recommendedFlags from 'aws-cdk-lib/recommended-feature-flags.json';
import { MfaEnforcementPolicy, VirtualMfa, VirtualMfaDevice } from 'cdk-iam-virtual-mfa';

/**
 * Deploys a declared device and one of a mixin into a real account, and asks IAM whether they are enabled. Then it
 * deploys again with another rotation, and asks whether each user has the new device and no other.
 */
const app = new App({ context: recommendedFlags });
const rotationId = (app.node.tryGetContext('rotation') as string | undefined) ?? 'first';
const path = `/virtual-mfa-device-integ/${rotationId}/`;

const stack = new Stack(app, 'VirtualMfaDeviceInteg');
const bob = new iam.User(stack, 'Bob', { path: '/virtual-mfa-device-integ/' });
new VirtualMfaDevice(stack, 'BobMfa', { user: bob, path, rotationId });
const alice = new iam.User(stack, 'Alice');
alice.with(new VirtualMfa({ path, rotationId }));
new MfaEnforcementPolicy(stack, 'Enforcement', { users: [bob, alice], selfEnrollment: false });

const integ = new IntegTest(app, 'Integ', {
  testCases: [stack],
  // The assets of a committed snapshot are not committed: there is nothing to deploy before the update.
  stackUpdateWorkflow: false,
  hooks: { postDeploy: ['npx cdk deploy --all --require-approval never --context rotation=second --output cdk.out'] },
});
for (const { userName } of [bob, alice]) {
  integ.assertions.awsApiCall('iam', 'listMFADevices', { UserName: userName }).expect(
    ExpectedResult.objectLike({
      MFADevices: [Match.objectLike({ SerialNumber: Match.stringLikeRegexp(`:mfa${path}`) })],
    }),
  );
}
