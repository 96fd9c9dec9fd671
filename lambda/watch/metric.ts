import { STACK_NAME_DIMENSION, WATCH_METRICS, WATCH_NAMESPACE } from '../contract/watch';

/** What a tick has counted. */
export interface Counts {
  readonly watched: number;
  readonly notAsDeclared: number;
  readonly repaired: number;
  readonly notChecked: number;
  readonly heldOff: number;
}

/**
 * The line from which CloudWatch Logs makes metrics. It is the whole line, beside which the log has no envelope.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function metricLine(stackName: string, now: number, counts: Counts): string {
  const { notAsDeclared, repaired, notChecked, watched, heldOff } = counts;
  const directive = {
    Namespace: WATCH_NAMESPACE,
    Dimensions: [[STACK_NAME_DIMENSION]],
    Metrics: Object.values(WATCH_METRICS).map((Name) => ({ Name, Unit: 'Count' })),
  };
  const line = {
    _aws: { Timestamp: now, CloudWatchMetrics: [directive] },
    [STACK_NAME_DIMENSION]: stackName,
    [WATCH_METRICS.notAsDeclared]: notAsDeclared,
    [WATCH_METRICS.repaired]: repaired,
    [WATCH_METRICS.notChecked]: notChecked,
    DevicesWatched: watched,
    DevicesHeldOff: heldOff,
  };
  return `${JSON.stringify(line)}\n`;
}
