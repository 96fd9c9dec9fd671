import { App, aws_iam as iam, aws_kms as kms, aws_sns as sns, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { MfaEnforcementPolicy, VirtualMfaDevice, VirtualMfaWatch } from 'cdk-iam-virtual-mfa';

// A user for emergencies. A separate key encrypts the seed, and only the incident role gets access to it.
const app = new App();
const stack = new Stack(app, 'BreakGlass', { terminationProtection: true });

const breakGlass = new iam.User(stack, 'BreakGlass', {
  userName: 'break-glass',
  path: '/emergency/',
  managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('AdministratorAccess')],
});
new MfaEnforcementPolicy(stack, 'MfaEnforcement', { users: [breakGlass], selfEnrollment: false });

const key = new kms.Key(stack, 'SeedKey', {
  description: 'Encrypts the seed of the break-glass user',
  enableKeyRotation: true,
  pendingWindow: Duration.days(30),
  removalPolicy: RemovalPolicy.RETAIN,
});
const mfa = new VirtualMfaDevice(stack, 'Mfa', {
  user: breakGlass,
  path: '/emergency/',
  encryptionKey: key,
  rotationId: '2026-01', // change it after each use of the seed
});

// Whoever deactivates the device is noticed within minutes, and the device is enabled again.
new VirtualMfaWatch(stack, 'Watch', { repair: true, alarmTopic: new sns.Topic(stack, 'Alarms') });

const incident = new iam.Role(stack, 'Incident', {
  assumedBy: new iam.AccountRootPrincipal().withConditions({ Bool: { 'aws:MultiFactorAuthPresent': 'true' } }),
  maxSessionDuration: Duration.hours(1),
});
mfa.seedSecret.grantRead(incident);

app.synth();
