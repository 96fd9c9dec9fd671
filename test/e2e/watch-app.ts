import { type App, aws_iam as iam, aws_sns as sns, Duration, Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice, VirtualMfaWatch } from '../../lib';

/** The users of the watched stack. */
export const WATCHED = ['Alice', 'Bob', 'Carol', 'Dora', 'Eve'] as const;

/** Declares a stack with a watch, which repairs and makes anew if the context says so. */
export function watchedUsers(app: App): void {
  const stack = new Stack(app, 'VirtualMfaStack');
  for (const userName of WATCHED) {
    const user = new iam.User(stack, userName, { userName });
    new VirtualMfaDevice(stack, `${userName}Mfa`, { user, virtualMfaDeviceName: `${userName}Mfa` });
  }
  new VirtualMfaWatch(stack, 'Watch', {
    interval: Duration.hours(1),
    repair: app.node.tryGetContext('repair') === 'true',
    recreate: app.node.tryGetContext('recreate') === 'true',
    alarmTopic: new sns.Topic(stack, 'Alarms'),
  });
}
