import {
  App,
  Aspects,
  aws_iam as iam,
  aws_sns as sns,
  CfnResource,
  Duration,
  Lazy,
  NestedStack,
  Shims,
  Stack,
} from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { checkWatchEvent } from '../../lambda/watch/event';
import type { WatchEvent } from '../../lambda/contract/watch';
import { metricLine } from '../../lambda/watch/metric';
import { VirtualMfa, VirtualMfaDevice, VirtualMfaWatch } from '../../lib';
import { bobWithDevice, newStack, onlyResourceOf, resourcesOf, statementsOf, type TemplateResource } from './templates';

const HANDLER = expect.stringContaining('MFADeviceProviderHandler') as string;

/** What a template's values can come to, for a stack of these names. */
function resolved(value: unknown, of: (name: string) => string = (name) => `<${name}>`): string {
  if (typeof value === 'string') return value;
  const { Ref = '', 'Fn::Join': join } = value as { Ref?: string; 'Fn::Join'?: [string, unknown[]] };
  return join === undefined ? of(Ref) : join[1].map((part) => resolved(part, of)).join(join[0]);
}

function scheduleOf(stack: Stack) {
  const [logicalId, { Properties, DependsOn = [] }] = onlyResourceOf(stack, 'AWS::Scheduler::Schedule');
  const { Target } = Properties as { Target: Readonly<Record<string, unknown>> };
  return { logicalId, Properties, DependsOn, Target, input: resolved(Target.Input) };
}

function eventOf(stack: Stack): WatchEvent {
  return JSON.parse(scheduleOf(stack).input) as WatchEvent;
}

describe('a watch', () => {
  test('sends what CloudFormation’s events hold of each device, but for its tags', () => {
    const { stack, device } = bobWithDevice({ issuer: 'a "quoted" one', path: '/robots/', rotationId: '2026-01' });
    new VirtualMfaWatch(stack, 'Watch');
    device.cdkTagManager.setTag('team', 'blue');

    const [LogicalResourceId, { Properties }] = onlyResourceOf(stack, 'Custom::IAMVirtualMFADevice');
    const { UserName, SeedSecretArn, Issuer, Path, RotationId } = Properties;
    expect(eventOf(stack)).toEqual({
      Watch: {
        StackId: '<AWS::StackId>',
        StackName: 'Stack',
        Repair: false,
        Recreate: false,
        Devices: [
          {
            LogicalResourceId,
            ResourceProperties: {
              UserName: resolved(UserName),
              SeedSecretArn: resolved(SeedSecretArn),
              Issuer,
              Path,
              RotationId,
            },
          },
        ],
      },
    });
  });

  test('sends what the function takes', () => {
    const { stack } = bobWithDevice();
    new VirtualMfaWatch(stack, 'Watch', { repair: true, recreate: true });
    const stackId = `arn:aws:cloudformation:us-east-1:123456789012:stack/Stack/${'0'.repeat(36)}`;
    const { input } = scheduleOf(stack);

    const event = JSON.parse(input.replaceAll('<AWS::StackId>', stackId)) as WatchEvent;
    expect(() => checkWatchEvent(event)).not.toThrow();
    expect(event.Watch).toMatchObject({ Repair: true, Recreate: true });
  });

  test('invokes the provider’s function every quarter of an hour, with few tries', () => {
    const { stack } = bobWithDevice();
    new VirtualMfaWatch(stack, 'Watch');

    const { Properties } = scheduleOf(stack);
    expect(Properties).toMatchObject({
      ScheduleExpression: 'rate(15 minutes)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: { 'Fn::GetAtt': [HANDLER, 'Arn'] },
        RetryPolicy: { MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 900 },
      },
    });
    expect(Properties).not.toHaveProperty('State');
  });

  test.each([
    [Duration.minutes(5), 'rate(5 minutes)'],
    [Duration.hours(1), 'rate(1 hour)'],
    [Duration.minutes(90), 'rate(90 minutes)'],
    [Duration.hours(12), 'rate(12 hours)'],
  ])('has an interval: %s', (interval, expression) => {
    const { stack } = bobWithDevice();
    new VirtualMfaWatch(stack, 'Watch', { interval });

    expect(scheduleOf(stack).Properties.ScheduleExpression).toBe(expression);
  });

  test('sees devices that are declared later, or made by aspects, and none of another stack', () => {
    const app = new App();
    const stack = new Stack(app, 'Stack');
    new VirtualMfaWatch(stack, 'Watch');
    new iam.User(stack, 'Alice');
    bobWithDevice({}, stack);
    bobWithDevice({}, new Stack(app, 'Other'));
    bobWithDevice({}, new NestedStack(stack, 'Nested'));
    Aspects.of(stack).add(Shims.asAspect(new VirtualMfa()));

    const { Devices } = eventOf(stack).Watch;
    const devices = Object.keys(resourcesOf(stack, 'Custom::IAMVirtualMFADevice'));
    expect(devices).toHaveLength(2);
    expect(Devices.map(({ LogicalResourceId }) => LogicalResourceId).sort()).toEqual(devices.sort());
    expect(scheduleOf(stack).DependsOn).toEqual(expect.arrayContaining(devices));
  });

  test('watches the devices of a nested stack from there', () => {
    const nested = new NestedStack(newStack(), 'Nested');
    bobWithDevice({}, nested);
    new VirtualMfaWatch(nested, 'Watch');

    expect(JSON.stringify(scheduleOf(nested).Target.Input)).toContain('AWS::StackId');
  });

  test('gives the schedule a role that may invoke the function, and nothing else', () => {
    const { stack } = bobWithDevice();
    new VirtualMfaWatch(stack, 'Watch');

    const roles = Object.entries(resourcesOf(stack, 'AWS::IAM::Role')).filter(([id]) => id.startsWith('Watch'));
    const [[roleId, role] = ['', {} as TemplateResource]] = roles;
    const policies = Object.values(resourcesOf(stack, 'AWS::IAM::Policy')).filter(({ Properties }) =>
      JSON.stringify(Properties.Roles).includes(roleId),
    );
    expect(roles).toHaveLength(1);
    expect(policies.flatMap(statementsOf)).toEqual([
      { Action: 'lambda:InvokeFunction', Effect: 'Allow', Resource: { 'Fn::GetAtt': [HANDLER, 'Arn'] } },
    ]);
    expect(role.Properties).not.toHaveProperty('ManagedPolicyArns');
    const { Statement } = role.Properties.AssumeRolePolicyDocument as { Statement: readonly unknown[] };
    const group = 'arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>:schedule-group/default';
    expect(Statement).toHaveLength(1);
    expect(Statement[0]).toMatchObject({
      Principal: { Service: 'scheduler.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
    const { Condition } = Statement[0] as { Condition: { StringEquals: Record<string, unknown> } };
    expect(resolved(Condition.StringEquals['aws:SourceArn'])).toBe(group);
  });

  test('changes nothing else in the template: the function’s role may do no more', () => {
    const { stack: without } = bobWithDevice();
    const { stack } = bobWithDevice();
    new VirtualMfaWatch(stack, 'Watch', {
      repair: true,
      recreate: true,
      alarmTopic: new sns.Topic(stack, 'WatchTopic'),
    });

    const before = Template.fromStack(without).toJSON().Resources as Record<string, TemplateResource>;
    const after = Template.fromStack(stack).toJSON().Resources as Record<string, TemplateResource>;
    expect(Object.fromEntries(Object.entries(after).filter(([id]) => !id.startsWith('Watch')))).toEqual(before);
  });

  test('has no alarm without a topic', () => {
    const { stack } = bobWithDevice();

    expect(new VirtualMfaWatch(stack, 'Watch').alarm).toBeUndefined();
    expect(resourcesOf(stack, 'AWS::CloudWatch::Alarm')).toEqual({});
  });

  test('has an alarm on the metric that the function writes, which tells the topic, also if the watch stops', () => {
    const { stack } = bobWithDevice();
    const alarmTopic = new sns.Topic(stack, 'Topic');
    const { alarm } = new VirtualMfaWatch(stack, 'Watch', { alarmTopic });

    const [, { Properties, DependsOn }] = onlyResourceOf(stack, 'AWS::CloudWatch::Alarm');
    const topic = [stack.resolve(alarmTopic.topicArn)];
    expect(alarm?.alarmArn).toBeDefined();
    expect(Properties).toMatchObject({
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: 1,
      Statistic: 'Maximum',
      Period: 1_800,
      EvaluationPeriods: 1,
      TreatMissingData: 'missing',
      AlarmActions: topic,
      InsufficientDataActions: topic,
    });
    expect(DependsOn).toEqual([scheduleOf(stack).logicalId]);
    const counts = { watched: 3, notAsDeclared: 2, repaired: 1, notChecked: 0, heldOff: 0 };
    const line = JSON.parse(metricLine(stack.stackName, 0, counts)) as Record<string, unknown>;
    const { CloudWatchMetrics } = line._aws as { CloudWatchMetrics: readonly Record<string, unknown>[] };
    const { Namespace, MetricName, Dimensions } = Properties;
    expect(CloudWatchMetrics).toMatchObject([{ Namespace, Dimensions: [['StackName']] }]);
    expect(Dimensions).toEqual([{ Name: 'StackName', Value: line.StackName }]);
    expect(line[MetricName as string]).toBe(2);
  });

  test('has its metrics, for alarms and dashboards of one’s own', () => {
    const { stack } = bobWithDevice();
    const watch = new VirtualMfaWatch(stack, 'Watch', { interval: Duration.hours(1) });

    const metrics = [
      watch.metricDevicesNotAsDeclared(),
      watch.metricDevicesRepaired({ statistic: 'Sum' }),
      watch.metricDevicesNotChecked({ period: Duration.days(1) }),
    ];
    expect(metrics.map(({ metricName, statistic, period }) => [metricName, statistic, period.toHours()])).toEqual([
      ['DevicesNotAsDeclared', 'Maximum', 1],
      ['DevicesRepaired', 'Sum', 1],
      ['DevicesNotChecked', 'Maximum', 24],
    ]);
  });
});

describe('an error at synthesis says so', () => {
  test.each([
    [{ interval: Duration.minutes(4) }, 'interval: got Duration.minutes(4); allowed: 5 minutes to 12 hours'],
    [{ interval: Duration.seconds(330) }, 'interval: got Duration.seconds(330); allowed'],
    [{ interval: Duration.days(1) }, 'interval: got Duration.days(1); allowed'],
    [{ interval: Duration.minutes(Lazy.number({ produce: () => 15 })) }, 'interval: got'],
    [{ recreate: true }, 'recreate: got true without repair; allowed: both'],
  ])('when the properties are not allowed: %j', (props, message) => {
    const { stack } = bobWithDevice();

    expect(() => new VirtualMfaWatch(stack, 'Watch', props)).toThrow(`[Stack/Watch] ${message}`);
  });

  test('when a stack has two watches', () => {
    const { stack } = bobWithDevice();
    new VirtualMfaWatch(stack, 'Watch');

    expect(() => new VirtualMfaWatch(stack, 'Other')).toThrow(
      '[Stack/Other] got a second watch of stack Stack, beside Stack/Watch; allowed: one',
    );
  });

  test('when there is nothing to watch', () => {
    const app = new App();
    const stack = new Stack(app, 'Stack');
    new VirtualMfaWatch(stack, 'Watch');
    bobWithDevice({}, new NestedStack(stack, 'Nested'));

    expect(() => app.synth()).toThrow('stack Stack has no virtual MFA device to look at');
  });
});

test('160 devices with names at their longest fit one schedule', () => {
  const stack = newStack({}, { '@aws-cdk/core:stackResourceLimit': '1000' });
  new VirtualMfaWatch(stack, 'Watch');
  for (let index = 0; index < 160; index += 1) {
    const user = new iam.User(stack, `User${index}`, { userName: `${index}`.padEnd(64, 'n') });
    const [path, issuer, rotationId] = [`/${'p'.repeat(62)}/`, 'i'.repeat(128), 'r'.repeat(64)];
    new VirtualMfaDevice(stack, `Mfa${index}`, { user, path, issuer, rotationId });
  }

  const longest = (name: string) => (name.startsWith('User') ? 'u'.repeat(64) : 'a'.repeat(220));
  const size = Buffer.byteLength(resolved(scheduleOf(stack).Target.Input, longest));
  expect(size).toBeLessThan(140_000);
  expect(stack.node.findAll().filter(CfnResource.isCfnResource).length).toBeLessThan(500);
});
