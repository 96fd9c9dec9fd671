import type { EnrollmentEvent } from './properties';

/** What the schedule of a watch sends to the function. */
export interface WatchEvent {
  readonly Watch: Watch;
}

export interface Watch {
  readonly StackId: string;
  /** The dimension of the metrics. */
  readonly StackName: string;
  /** Whether what can be put right is put right. */
  readonly Repair: boolean;
  /** Whether a device that is gone is made anew, with another seed. */
  readonly Recreate: boolean;
  readonly Devices: readonly WatchedDevice[];
}

/** A device, as CloudFormation's events have it. */
export type WatchedDevice = Pick<EnrollmentEvent, 'LogicalResourceId' | 'ResourceProperties'>;

export const WATCH_NAMESPACE = 'cdk-iam-virtual-mfa';
export const STACK_NAME_DIMENSION = 'StackName';

/** The metrics of each tick. */
export const WATCH_METRICS = {
  /** Devices that were not as declared when they were looked at, those that were repaired included. */
  notAsDeclared: 'DevicesNotAsDeclared',
  repaired: 'DevicesRepaired',
  /** Devices that could not be looked at in time. */
  notChecked: 'DevicesNotChecked',
} as const;
