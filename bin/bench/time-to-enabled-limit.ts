import type { LoggedCall } from '../../local-aws';
import type { EventName, MeasuredEvent, MeasuredLatency } from './time-to-enabled-events';

/** An event beside the least that its calls take. Times are milliseconds. */
export interface LimitRow {
  readonly name: EventName;
  readonly calls: number;
  readonly roundTrips: number;
  readonly latency: number;
  readonly oneCall: number;
  readonly limit: number;
  readonly event: MeasuredEvent;
  /** Of the time until the answer to the limit. */
  readonly ratio: number;
  /** The same to the latency alone, as if neither SDK nor server took any time; undefined without a latency. */
  readonly ratioToLatency: number | undefined;
}

/** Every event at every latency. Round trips are counted at the last latency, the longest. */
export function limitRowsOf(measured: readonly MeasuredLatency[]): LimitRow[] {
  const longest = measured.at(-1);
  if (!longest) return [];
  return (Object.keys(longest.events) as EventName[]).flatMap((name) => {
    const { calls } = longest.events[name];
    const roundTrips = roundTripsOf(calls, longest.latency);
    return measured.map(({ latency, oneCall, events }) => {
      const limit = roundTrips * oneCall;
      const event = events[name];
      const ratio = event.toAnswer / limit;
      const ratioToLatency = latency > 0 ? event.toAnswer / (roundTrips * latency) : undefined;
      return { name, calls: calls.length, roundTrips, latency, oneCall, limit, event, ratio, ratioToLatency };
    });
  });
}

export function worstRatioOf(measured: readonly MeasuredLatency[]): number {
  return Math.max(...limitRowsOf(measured).map(({ ratio }) => ratio));
}

/**
 * How many calls had to wait for the one before. At a latency that is long beside the work of the machine, what arrives
 * within half of it was sent at once.
 */
export function roundTripsOf(calls: readonly Pick<LoggedCall, 'time'>[], latencyMilliseconds: number): number {
  let lastArrival = -Infinity;
  return calls
    .map(({ time }) => time)
    .sort((one, other) => one - other)
    .filter((time) => {
      const waited = time - lastArrival > latencyMilliseconds / 2;
      lastArrival = time;
      return waited;
    }).length;
}
