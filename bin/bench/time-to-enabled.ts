import { setTimeout as sleep } from 'node:timers/promises';
import { type LocalAws, startLocalAws } from '../../local-aws';
import { millisecondsToNextTimeStep } from '../virtual-mfa/authentication-codes';
import { type DeployedHandler, deployHandler } from './deployed-handler';
import { milliseconds, type Section } from './report';
import { type ScriptRun, type Scripts, startScripts } from './script-ways';
import { installedCli, measureCli } from './time-to-enabled-cli';
import { type MeasuredLatency, measureEvents } from './time-to-enabled-events';
import { limitRowsOf, worstRatioOf } from './time-to-enabled-limit';
import { drawTimeToEnabled } from './time-to-enabled-picture';
import { type MeasuredScripts, measureScripts } from './time-to-enabled-scripts';
import { type Way, waysOf } from './time-to-enabled-ways';

const LATENCIES = [0, 20, 50, 100];
const CLI_LATENCIES = [0, 50];
const USER_NAME = 'Bob';
/** From here on it is the calls that take the time, and not the machine between them. */
const LEAST_TELLING_LATENCY = 20;
const ALLOWED_RATIO = 1.15;

/** From the wish for a device to a device that is enabled: ours, the ways of scripts, and the `aws` command. */
export async function measureTimeToEnabled(): Promise<Section[]> {
  const localAws = await startLocalAws();
  try {
    const handler = await deployHandler(localAws, USER_NAME);
    const scripts = await startScripts(localAws);
    try {
      return await measure(localAws, handler, scripts);
    } finally {
      handler.close();
      await scripts.close();
    }
  } finally {
    await localAws.close();
  }
}

async function measure(localAws: LocalAws, handler: DeployedHandler, scripts: Scripts): Promise<Section[]> {
  const events: MeasuredLatency[] = [];
  const scriptsMeasured: MeasuredScripts[] = [];
  for (const latency of LATENCIES) {
    events.push(await measureEvents(localAws, handler, scripts, latency));
    scriptsMeasured.push(await measureScripts(localAws, scripts, latency));
  }
  const cli = installedCli();
  const cliMeasured = cli && (await measureCli(localAws, CLI_LATENCIES));
  const waited = await waitForReal(scripts);
  const ways = waysOf({ events, scripts: scriptsMeasured, cli: cliMeasured });
  if (process.env['BENCH_DOCS'] === '1') await draw(ways);
  return [waysSection(ways, waited, cli), limitSection(events)];
}

/** Once, so that the waits of the table are no mere sums: from the beginning of a time step, which is the longest wait. */
async function waitForReal(scripts: Scripts): Promise<ScriptRun> {
  await sleep(millisecondsToNextTimeStep(Date.now()) + 1);
  return scripts.enable('this code, then the next');
}

function waysSection(ways: readonly Way[], waited: ScriptRun, cli: ReturnType<typeof installedCli>): Section {
  const head = [
    ...['way', 'waits (s)', 'AWS calls', 'round trips'],
    ...LATENCIES.map((latency) => `at +${latency} ms`),
    'seed',
  ];
  const rows = ways.map((way) => [
    ...[way.name, way.waits, way.calls, way.roundTrips],
    ...LATENCIES.map((latency) => duration(way.milliseconds.get(latency))),
    way.seed,
  ]);
  const notes = [
    'Wall time, with so much added to each AWS call: medians of 15, all warm. Ours is from CloudFormation’s event to the function’s answer, a script’s from its first call to the answer of its last.',
    `A wait is added to what the calls take. Once it was waited for real, from the beginning of a time step: ${duration(waited.milliseconds)}, of which ${duration(waited.waited)} asleep.`,
    'Signing in is another matter: STS learns of a device 8 to 14 s after it was enabled, whichever way.',
  ];
  if (cli) {
    notes.push(
      `${cli.version}: medians of 3. Each command is a process of its own, of which the start takes ${duration(cli.milliseconds)}; whoever reads the codes off an authenticator waits for the next one besides.`,
    );
  } else {
    rows.push(['aws CLI: not installed here', ...head.slice(1).map(() => '-')]);
  }
  notes.push('BENCH_DOCS=1 writes docs/time-to-enabled.svg anew, from these numbers.');
  return { title: 'Time to enabled', head, rows, notes };
}

function limitSection(measured: readonly MeasuredLatency[]): Section {
  const telling = measured.filter(({ latency }) => latency >= LEAST_TELLING_LATENCY);
  const worst = worstRatioOf(telling);
  const bare = telling.map(({ latency, oneCall }) => `${(oneCall / latency).toFixed(2)} at ${latency} ms`).join(', ');
  const verdict = worst <= ALLOWED_RATIO ? 'within' : 'NOT within';
  return {
    title: 'Time to enabled, against its limit',
    head: [
      ...['event', 'AWS calls', 'round trips', 'added per call (ms)', 'one bare call (ms)', 'limit (ms)'],
      ...[
        'until enabled (ms)',
        'until answered (ms)',
        'of which in local-aws (ms)',
        'answered / limit',
        'answered / latency alone',
      ],
    ],
    rows: limitRowsOf(measured).map(
      ({ name, calls, roundTrips, latency, oneCall, limit, event, ratio, ratioToLatency }) => [
        ...[name, calls, roundTrips, latency, milliseconds(oneCall), milliseconds(limit)],
        event.toEnabled === undefined ? '-' : milliseconds(event.toEnabled),
        ...[
          milliseconds(event.toAnswer),
          milliseconds(event.inLocalAws),
          ratio.toFixed(2),
          ratioToLatency?.toFixed(2) ?? '-',
        ],
      ],
    ),
    notes: [
      'The limit: round trips × the time of one warm ListMFADevices by the bare SDK, on the same Node, at the same latency. Calls that are sent at once are one round trip. An update by replacement has the device enabled after four.',
      `The last column is beside the added latency alone, to which one bare call takes ${bare} already.`,
      `At ${LEAST_TELLING_LATENCY} ms and more, no event takes more than ${worst.toFixed(2)} of its limit: ${verdict} ${ALLOWED_RATIO}. With nothing added it is the machine that is measured, not the calls: local-aws draws a QR code for each new device, and the function’s own work and its answer have nothing to hide behind.`,
    ],
  };
}

async function draw(ways: readonly Way[]): Promise<void> {
  await drawTimeToEnabled(
    ways.flatMap((way) =>
      [...way.milliseconds].map(([latency, time]) => ({ way: way.name, latency, milliseconds: time })),
    ),
  );
}

function duration(time: number | undefined): string {
  if (time === undefined) return '-';
  return time < 1_000 ? `${milliseconds(time)} ms` : `${(time / 1000).toFixed(2)} s`;
}
