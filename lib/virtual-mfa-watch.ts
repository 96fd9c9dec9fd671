import {
  aws_cloudwatch as cloudwatch,
  aws_cloudwatch_actions as actions,
  aws_iam as iam,
  aws_scheduler as scheduler,
  type aws_sns as sns,
  Duration,
  Lazy,
  Stack,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { STACK_NAME_DIMENSION, WATCH_METRICS, WATCH_NAMESPACE, type WatchEvent } from '../lambda/contract/watch';
import { ValidationError } from './private/validation-error';
import { VirtualMfaDeviceProvider } from './private/virtual-mfa-device-provider';
import { deviceDependency, deviceEventsOf, deviceResourcesOf } from './private/watched-devices';

const SHORTEST_INTERVAL = Duration.minutes(5);
/** The period of the alarm is twice as long, and CloudWatch takes a day at most. */
const LONGEST_INTERVAL = Duration.hours(12);

/** Properties of a watch. */
export interface VirtualMfaWatchProps {
  /**
   * How often the watch looks: from 5 minutes to 12 hours, in whole minutes.
   *
   * A change is made in place.
   *
   * @default Duration.minutes(15)
   */
  readonly interval?: Duration;

  /**
   * Whether the watch repairs what it can with the stored seed: it enables a device that somebody deactivated, makes its seed
   * current again, and restores the tags that mark it as the stack's. The owner's authenticator app keeps working.
   *
   * If this is `false`, the watch only reports.
   *
   * A change is made in place.
   *
   * @default false
   */
  readonly repair?: boolean;

  /**
   * Whether the watch creates a device anew that somebody deleted, or whose seed is lost. The new device has a new seed: until
   * its owner gets it, the owner cannot sign in with MFA. Requires `repair`.
   *
   * A change is made in place.
   *
   * @default false
   */
  readonly recreate?: boolean;

  /**
   * The topic to notify when a device is not as declared, also if it was repaired, and when the watch stops working. It gets a
   * CloudWatch alarm. If the topic has a policy or a key of its own, they must let CloudWatch publish.
   *
   * A change is made in place.
   *
   * @default - no alarm; the metrics are there anyway
   */
  readonly alarmTopic?: sns.ITopic;
}

/**
 * Looks at all virtual MFA devices of its stack on a schedule, and reports each that is not as declared: deactivated, deleted,
 * stripped of its tags, enabled for another user, or without its seed in the secret. On request it repairs what it can.
 *
 * The provider's function does the work, in the provider's role, so the watch may do nothing that a deployment could not. It is
 * silent while all is well, and leaves a device alone for an hour after a deployment has changed it.
 *
 * To deactivate a device on purpose, tag the device or its secret with `cdk-iam-virtual-mfa:watch` = `off`.
 *
 * @example
 * const stack = new Stack(new App(), 'BreakGlass');
 * const bob = new iam.User(stack, 'Bob', { userName: 'Bob' });
 * new VirtualMfaDevice(stack, 'BobMfa', { user: bob });
 *
 * const alarms = new sns.Topic(stack, 'Alarms');
 * new VirtualMfaWatch(stack, 'Watch', { repair: true, alarmTopic: alarms });
 */
export class VirtualMfaWatch extends Construct {
  /** The alarm that notifies the topic; undefined without a topic. */
  public readonly alarm?: cloudwatch.IAlarm;

  private readonly interval: Duration;

  public constructor(scope: Construct, id: string, props: VirtualMfaWatchProps = {}) {
    super(scope, id);
    validate(this, props);
    this.node.addValidation({ validate: () => deviceProblems(this) });
    this.interval = props.interval ?? Duration.minutes(15);
    const schedule = this.schedule(props);
    this.alarm = props.alarmTopic && this.alarmOn(props.alarmTopic, schedule);
  }

  /**
   * The number of devices that were not as declared at a look, including those that were repaired.
   *
   * @param options by default the maximum of each interval
   */
  public metricDevicesNotAsDeclared(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(WATCH_METRICS.notAsDeclared, options);
  }

  /**
   * The number of devices that were repaired.
   *
   * @param options by default the maximum of each interval
   */
  public metricDevicesRepaired(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(WATCH_METRICS.repaired, options);
  }

  /**
   * The number of devices that could not be looked at, because AWS throttled the calls or the time was over. The next look
   * begins with other devices.
   *
   * @param options by default the maximum of each interval
   */
  public metricDevicesNotChecked(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(WATCH_METRICS.notChecked, options);
  }

  private metric(metricName: string, options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: WATCH_NAMESPACE,
      metricName,
      dimensionsMap: { [STACK_NAME_DIMENSION]: Stack.of(this).stackName },
      statistic: cloudwatch.Stats.MAXIMUM,
      period: this.interval,
      ...options,
    }).attachTo(this);
  }

  private schedule({ repair = false, recreate = false }: VirtualMfaWatchProps): scheduler.CfnSchedule {
    const stack = Stack.of(this);
    const { serviceToken } = VirtualMfaDeviceProvider.of(this);
    const role = new iam.Role(this, 'Role', {
      description: 'Lets the schedule of the watch invoke the function of virtual MFA devices',
      assumedBy: scheduleOfThisAccount(stack),
    });
    role.addToPolicy(new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [serviceToken] }));
    const event = (): WatchEvent => ({
      Watch: {
        StackId: stack.stackId,
        StackName: stack.stackName,
        Repair: repair,
        Recreate: recreate,
        Devices: deviceEventsOf(this),
      },
    });
    const schedule = new scheduler.CfnSchedule(this, 'Schedule', {
      description: 'Looks at the virtual MFA devices of a stack (cdk-iam-virtual-mfa)',
      scheduleExpression: rateOf(this.interval),
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: serviceToken,
        roleArn: role.roleArn,
        input: Lazy.uncachedString({ produce: () => stack.toJsonString(event()) }),
        // A look that comes late is none: the next one is due.
        retryPolicy: { maximumRetryAttempts: 2, maximumEventAgeInSeconds: this.interval.toSeconds() },
      },
    });
    // It learns of a change once the device has changed, and ends before any device goes.
    schedule.node.addDependency(role, deviceDependency(this));
    return schedule;
  }

  /**
   * Data that is missing is a state of its own, of which the topic is told as well: a watch that has stopped is not a device that
   * was changed, and a new stack has no data for a moment.
   */
  private alarmOn(topic: sns.ITopic, schedule: scheduler.CfnSchedule): cloudwatch.IAlarm {
    const alarm = new cloudwatch.Alarm(this, 'Alarm', {
      alarmDescription:
        'A virtual MFA device is not as declared, or was not until the watch repaired it: see the log of the provider function. ' +
        'Insufficient data: the watch does not run.',
      // In each span of two intervals there is a look, whenever it comes.
      metric: this.metricDevicesNotAsDeclared({ period: Duration.minutes(2 * this.interval.toMinutes()) }),
      threshold: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.MISSING,
    });
    alarm.addAlarmAction(new actions.SnsAction(topic));
    alarm.addInsufficientDataAction(new actions.SnsAction(topic));
    alarm.node.addDependency(schedule);
    return alarm;
  }
}

function validate(watch: VirtualMfaWatch, { interval, repair = false, recreate = false }: VirtualMfaWatchProps): void {
  const stack = Stack.of(watch);
  const other = stack.node
    .findAll()
    .find((each) => each instanceof VirtualMfaWatch && each !== watch && Stack.of(each) === stack);
  if (other !== undefined) {
    throw new ValidationError(
      watch,
      `got a second watch of stack ${stack.stackName}, beside ${other.node.path}; allowed: one, which looks at all devices of ` +
        'its stack. Remove one of them.',
    );
  }
  if (recreate && !repair) {
    throw new ValidationError(watch, 'recreate: got true without repair; allowed: both. Set repair to true too.');
  }
  if (interval !== undefined && !isInterval(interval)) {
    throw new ValidationError(
      watch,
      `interval: got ${interval.toString()}; allowed: 5 minutes to 12 hours, in whole minutes. Choose such an interval.`,
    );
  }
}

function isInterval(interval: Duration): boolean {
  if (interval.isUnresolved()) {
    return false;
  }
  const seconds = interval.toSeconds({ integral: false });
  return seconds % 60 === 0 && seconds >= SHORTEST_INTERVAL.toSeconds() && seconds <= LONGEST_INTERVAL.toSeconds();
}

function deviceProblems(watch: VirtualMfaWatch): string[] {
  return deviceResourcesOf(watch).length > 0
    ? []
    : [
        `stack ${Stack.of(watch).stackName} has no virtual MFA device to look at; allowed: stacks with devices, nested stacks ` +
          'not included. Declare the watch in the stack of the devices.',
      ];
}

/** @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html */
function scheduleOfThisAccount(stack: Stack): iam.ServicePrincipal {
  const group = stack.formatArn({ service: 'scheduler', resource: 'schedule-group', resourceName: 'default' });
  const source = { 'aws:SourceAccount': stack.account, 'aws:SourceArn': group };
  return new iam.ServicePrincipal('scheduler.amazonaws.com', { conditions: { StringEquals: source } });
}

function rateOf(interval: Duration): string {
  const minutes = interval.toMinutes();
  const [count, unit] = minutes % 60 === 0 ? [minutes / 60, 'hour'] : [minutes, 'minute'];
  return `rate(${count} ${unit}${count === 1 ? '' : 's'})`;
}
