import { notImplemented } from '../../protocol/aws-error';
import type { Schedule, Schedules } from '../../scheduler';
import type { Change, TypeProvider } from '../provider';
import { begun, optionalStructure, optionalText, text } from './properties';

/** `AWS::Scheduler::Schedule` */
export function schedulerSchedule(scheduler: Schedules): TypeProvider {
  return {
    takes: ['Name', 'Description', 'FlexibleTimeWindow', 'ScheduleExpression', 'State', 'Target'],
    nameProperty: 'Name',
    create: async (change) => {
      const name = optionalText(change.properties, 'Name') ?? change.physicalName(64);
      const Arn = scheduler.put(scheduleOf(name, change));
      return begun(change, name, { Arn });
    },
    update: async (change) => {
      scheduler.put(scheduleOf(change.physicalId, change));
      return { physicalId: change.physicalId };
    },
    delete: async ({ physicalId }) => scheduler.delete(physicalId),
  };
}

function scheduleOf(name: string, { properties }: Pick<Change, 'properties'>): Schedule {
  const { Mode } = optionalStructure(properties, 'FlexibleTimeWindow', ['Mode']) ?? {};
  if (Mode !== 'OFF') throw notImplemented('a schedule with a flexible time window');
  const target = optionalStructure(properties, 'Target', ['Arn', 'RoleArn', 'Input', 'RetryPolicy']) ?? {};
  optionalStructure(target, 'RetryPolicy', ['MaximumEventAgeInSeconds', 'MaximumRetryAttempts']);
  return {
    name,
    expression: text(properties, 'ScheduleExpression'),
    isEnabled: (optionalText(properties, 'State') ?? 'ENABLED') === 'ENABLED',
    target: {
      arn: text(target, 'Arn'),
      roleArn: text(target, 'RoleArn'),
      input: optionalText(target, 'Input') ?? '{}',
    },
  };
}
