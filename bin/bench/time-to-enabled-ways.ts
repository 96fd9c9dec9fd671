import { PERIOD_MILLISECONDS } from '../virtual-mfa/authentication-codes';
import type { MeasuredCli } from './time-to-enabled-cli';
import type { MeasuredLatency } from './time-to-enabled-events';
import { roundTripsOf } from './time-to-enabled-limit';
import type { MeasuredScripts } from './time-to-enabled-scripts';

/** One way to an enabled device. */
export interface Way {
  readonly name: string;
  /** In seconds, as text: some waits depend on when one starts. */
  readonly waits: string;
  readonly calls: number;
  readonly roundTrips: number;
  /** By latency; the mean where the wait varies. */
  readonly milliseconds: ReadonlyMap<number, number>;
  readonly seed: string;
}

/** What was measured, way by way. */
export interface Measured {
  readonly events: readonly MeasuredLatency[];
  readonly scripts: readonly MeasuredScripts[];
  readonly cli: ReadonlyMap<number, MeasuredCli> | undefined;
}

const LOST = 'in memory: lost with the script';

/** The ways, ours first. A wait is added to what its calls take, which are the calls of the ways without one. */
export function waysOf({ events, scripts, cli }: Measured): Way[] {
  const ours = events.at(-1);
  const script = scripts.at(-1);
  const oursCalls = ours?.events.Create.calls ?? [];
  const scriptCalls = script?.calls ?? [];
  const two = { calls: scriptCalls.length, roundTrips: roundTripsOf(scriptCalls, script?.latency ?? NaN) };
  const scriptTimes = (wait: number, of: (measured: MeasuredScripts) => number) =>
    new Map(scripts.map((measured) => [measured.latency, of(measured) + wait]));
  const byHand: Way[] = [];
  if (cli) {
    byHand.push({
      name: 'aws CLI: previous + current',
      waits: '0',
      calls: [...cli.values()].at(-1)?.calls.length ?? NaN,
      roundTrips: [...cli].map(([latency, { calls }]) => roundTripsOf(calls, latency)).at(-1) ?? NaN,
      milliseconds: new Map([...cli].map(([latency, { milliseconds }]) => [latency, milliseconds])),
      seed: 'in a file',
    });
  }
  return [
    {
      name: 'this package, warm',
      waits: '0',
      calls: oursCalls.length,
      roundTrips: roundTripsOf(oursCalls, ours?.latency ?? NaN),
      milliseconds: new Map(events.map((measured) => [measured.latency, measured.events.Create.toAnswer])),
      seed: 'in a secret, and read back',
    },
    {
      ...{ name: 'script: previous + current', waits: '0', ...two, seed: LOST },
      milliseconds: scriptTimes(0, ({ previousAndCurrent }) => previousAndCurrent),
    },
    {
      ...{ name: 'script: current + next', waits: '0', ...two, seed: LOST },
      milliseconds: scriptTimes(0, ({ currentAndNext }) => currentAndNext),
    },
    {
      ...{ name: 'script: sleeps to the next code', waits: '0–30, mean 15', ...two, seed: LOST },
      milliseconds: scriptTimes(PERIOD_MILLISECONDS / 2, ({ previousAndCurrent }) => previousAndCurrent),
    },
    {
      ...{ name: 'script: sleep 30, then the next', waits: '30', ...two, seed: LOST },
      milliseconds: scriptTimes(PERIOD_MILLISECONDS, ({ previousAndCurrent }) => previousAndCurrent),
    },
    ...byHand,
  ];
}
