import { App, aws_iam as iam, RemovalPolicies, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { VirtualMfa, VirtualMfaDevice, VirtualMfaWatch } from '../../lib';
import {
  bobWithDevice,
  DEVICE_TYPE,
  devicePropertiesOf,
  newStack,
  onlyResourceOf,
  resourcesOf,
  roleStatementsOf,
} from './templates';

const OTHERS_GO = { removeOtherDevicesWithUser: true };
const READ_STACK = {
  Action: ['cloudformation:DescribeStacks', 'cloudformation:GetTemplate'],
  Effect: 'Allow',
  Resource: { Ref: 'AWS::StackId' },
};

describe('removeOtherDevicesWithUser', () => {
  test('tells the handler which resource the user is', () => {
    const { stack } = bobWithDevice(OTHERS_GO);

    const [logicalId] = onlyResourceOf(stack, 'AWS::IAM::User');
    expect(devicePropertiesOf(stack)).toMatchObject({ RemoveOtherDevicesWithUser: logicalId });
  });

  test('is off by default: no property, no permission', () => {
    const { stack } = bobWithDevice();

    expect(devicePropertiesOf(stack)).not.toHaveProperty('RemoveOtherDevicesWithUser');
    expect(roleStatementsOf(stack)).not.toContainEqual(READ_STACK);
  });

  test('lets the role read its own stack, once for all devices, and changes no other statement', () => {
    const { stack } = bobWithDevice(OTHERS_GO);
    new VirtualMfaDevice(stack, 'EveMfa', { user: new iam.User(stack, 'Eve'), ...OTHERS_GO });
    const without = bobWithDevice().stack;

    const added = roleStatementsOf(stack).filter((statement) => statement.Action.includes(READ_STACK.Action[0] ?? ''));
    expect(added).toEqual([READ_STACK]);
    const withoutLogs = (of: Stack) =>
      roleStatementsOf(of).filter(({ Action }) => !JSON.stringify(Action).includes('logs:'));
    expect(withoutLogs(stack).filter((statement) => !added.includes(statement))).toEqual(withoutLogs(without));
  });

  test('gives a device the policy to depend on, which an update that removes both deletes last', () => {
    const { stack } = bobWithDevice(OTHERS_GO);

    const [policy] = Object.keys(resourcesOf(stack, 'AWS::IAM::Policy')).filter((id) => id.includes('StackPolicy'));
    expect(policy).toBeDefined();
    expect(onlyResourceOf(stack, DEVICE_TYPE)[1].DependsOn).toContain(policy);
  });

  test.each<[string, (user: iam.User, stack: Stack) => void]>([
    ['at once', (user) => user.applyRemovalPolicy(RemovalPolicy.RETAIN)],
    ['for the whole stack', (_user, stack) => RemovalPolicies.of(stack).retain()],
    ['but for a creation that fails', (user) => user.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)],
  ])('does nothing for a user that the stack retains, %s', (_name, retain) => {
    const { stack, bob } = bobWithDevice(OTHERS_GO);
    retain(bob, stack);

    expect(devicePropertiesOf(stack)).not.toHaveProperty('RemoveOtherDevicesWithUser');
  });

  test('is no business of a watch, whose schedule has room for few characters', () => {
    const { stack } = bobWithDevice(OTHERS_GO);
    new VirtualMfaWatch(stack, 'Watch');

    const [, schedule] = onlyResourceOf(stack, 'AWS::Scheduler::Schedule');
    expect(JSON.stringify(schedule)).toContain('SeedSecretArn');
    expect(JSON.stringify(schedule)).not.toContain('RemoveOtherDevicesWithUser');
  });

  test('is an option of the mixin', () => {
    const stack = newStack();
    new iam.CfnUser(stack, 'Bob').with(new VirtualMfa(OTHERS_GO));

    expect(devicePropertiesOf(stack)).toMatchObject({ RemoveOtherDevicesWithUser: 'Bob' });
  });

  test('is refused for an imported user', () => {
    const stack = newStack();
    const user = iam.User.fromUserName(stack, 'Bob', 'Bob');

    expect(() => new VirtualMfaDevice(stack, 'Mfa', { user, ...OTHERS_GO })).toThrow(
      '[Stack/Mfa] removeOtherDevicesWithUser: got the imported user Stack/Bob; ' +
        "allowed: users that the device's own stack declares, because it deletes no others. Leave the option out for this user.",
    );
  });

  test('is refused for a user of another stack', () => {
    const app = new App();
    const user = new iam.User(new Stack(app, 'Users'), 'Bob');

    expect(() => new VirtualMfaDevice(new Stack(app, 'Devices'), 'Mfa', { user, ...OTHERS_GO })).toThrow(
      '[Devices/Mfa] removeOtherDevicesWithUser: got Users/Bob/Resource, a user of another stack; ' +
        "allowed: users that the device's own stack declares, because it deletes no others. " +
        "Declare the device in the user's stack, or leave the option out.",
    );
  });
});
