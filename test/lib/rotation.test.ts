import { App, aws_iam as iam, Duration, Stack, Token, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { VirtualMfa, VirtualMfaDevice } from '../../lib';
import { bobWithDevice, DEVICE_TYPE, newStack, onlyResourceOf, resourcesOf, roleStatementsOf } from './templates';

const SCHEDULE_TYPE = 'AWS::SecretsManager::RotationSchedule';
const MONTHLY = { automaticallyAfter: Duration.days(30) };

afterEach(() => vi.unstubAllEnvs());

describe('a device that is rotated on a schedule', () => {
  test('has its secret rotated by the stack’s function, once the device is enabled, and not at once', () => {
    const { stack } = bobWithDevice({ rotation: MONTHLY });

    const [, schedule] = onlyResourceOf(stack, SCHEDULE_TYPE);
    const [seed] = onlyResourceOf(stack, 'AWS::SecretsManager::Secret');
    const [handler] = onlyResourceOf(stack, 'AWS::Lambda::Function');
    const [device] = onlyResourceOf(stack, DEVICE_TYPE);
    const [permission] = onlyResourceOf(stack, 'AWS::Lambda::Permission');
    expect(schedule.Properties).toEqual({
      SecretId: { Ref: seed },
      RotationLambdaARN: { 'Fn::GetAtt': [handler, 'Arn'] },
      RotationRules: { ScheduleExpression: 'rate(30 days)' },
      RotateImmediatelyOnUpdate: false,
    });
    expect(schedule.DependsOn).toEqual(expect.arrayContaining([device, permission]));
  });

  test('lets Secrets Manager of the own account invoke the function, and nobody else, however many devices there are', () => {
    const { stack } = bobWithDevice({ rotation: MONTHLY });
    new VirtualMfaDevice(stack, 'AliceMfa', { user: new iam.User(stack, 'Alice'), rotation: MONTHLY });

    const [, permission] = onlyResourceOf(stack, 'AWS::Lambda::Permission');
    expect(permission.Properties).toMatchObject({
      Action: 'lambda:InvokeFunction',
      Principal: 'secretsmanager.amazonaws.com',
      SourceAccount: { Ref: 'AWS::AccountId' },
    });
  });

  test('costs the role no statement more', () => {
    const rotated = bobWithDevice({ rotation: MONTHLY }).stack;

    expect(roleStatementsOf(rotated)).toEqual(roleStatementsOf(bobWithDevice().stack));
  });

  test('is one for the mixin, too', () => {
    const stack = newStack();
    new iam.User(stack, 'Robot').with(new VirtualMfa({ rotation: MONTHLY }));

    expect(Object.keys(resourcesOf(stack, SCHEDULE_TYPE))).toHaveLength(1);
  });

  test('adds nothing to a stack without it', () => {
    const { stack } = bobWithDevice();

    expect(resourcesOf(stack, SCHEDULE_TYPE)).toEqual({});
    expect(resourcesOf(stack, 'AWS::Lambda::Permission')).toEqual({});
  });

  test('needs no acknowledgement of cdk-nag’s rule on rotation, which the library gives only without it', () => {
    vi.stubEnv('CDK_VALIDATION', 'true');
    const app = new App();
    const { device } = bobWithDevice({ rotation: MONTHLY }, new Stack(app, 'Stack'));
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

    expect(() => app.synth()).not.toThrow();
    expect(JSON.stringify(device.seedSecret.node.metadata)).not.toContain('SMG4');
    expect(JSON.stringify(bobWithDevice().device.seedSecret.node.metadata)).toContain('SMG4');
  });
});

describe('how often', () => {
  test.each([
    [Duration.hours(4), 'rate(4 hours)'],
    [Duration.hours(999), 'rate(999 hours)'],
    [Duration.minutes(300), 'rate(5 hours)'],
    [Duration.days(1), 'rate(1 day)'],
    [Duration.hours(48), 'rate(2 days)'],
    [Duration.days(999), 'rate(999 days)'],
  ])('is told in the units of Secrets Manager: %s', (automaticallyAfter, rate) => {
    const { stack } = bobWithDevice({ rotation: { automaticallyAfter } });

    const [, schedule] = onlyResourceOf(stack, SCHEDULE_TYPE);
    expect(schedule.Properties.RotationRules).toEqual({ ScheduleExpression: rate });
  });

  test.each([
    [Duration.hours(3), '3 hours'],
    [Duration.minutes(250), '4 hours 10 minutes'],
    [Duration.hours(1000), '41 days 16 hours'],
    [Duration.days(1000), '1000 days'],
    [Duration.days(Token.asNumber({ Ref: 'Days' })), 'a token'],
  ])('is refused at synthesis where Secrets Manager cannot: %s', (automaticallyAfter, got) => {
    expect(() => bobWithDevice({ rotation: { automaticallyAfter } })).toThrow(
      `[Stack/BobMfa] rotation.automaticallyAfter: got ${got}; allowed: 4 to 999 whole hours, or 1 to 999 whole days. ` +
        'Give such a duration, for example Duration.days(30).',
    );
  });
});

describe('the name of a device that is rotated', () => {
  test.each([['bob-bridge'], ['b'.repeat(220)]])('leaves room for the bridge: %s', (virtualMfaDeviceName) => {
    expect(() => bobWithDevice({ virtualMfaDeviceName, rotation: MONTHLY })).toThrow(
      /virtualMfaDeviceName: got a text of \d+ characters, and the device is rotated; allowed then: up to 219 characters that do not end with -bridge/,
    );
    expect(() => bobWithDevice({ virtualMfaDeviceName })).not.toThrow();
  });

  test('and its path leave room, too', () => {
    const device = { virtualMfaDeviceName: 'n'.repeat(100), path: `/${'p'.repeat(122)}/` };

    expect(() => bobWithDevice(device)).not.toThrow();
    expect(() => bobWithDevice({ ...device, rotation: MONTHLY })).toThrow(/path and virtualMfaDeviceName: got/);
  });
});
